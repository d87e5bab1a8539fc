import { type CliAction, usageContext } from "./actions.js";
import type { CliContext } from "./context.js";
import { scriptActions } from "./script-commands.js";
import { executeAction } from "./script-execute.js";
import type { ScriptContext } from "./script-languages.js";

/**
 * The context of a language: `nscp node …`, `nscp py …`.
 * @param more what only this language can do
 */
export function scriptContext(scripts: ScriptContext, more: readonly CliAction[] = []): Pick<CliContext, "run"> {
  const actions = [...scriptActions(scripts), executeAction(scripts), ...more];
  const { run } = usageContext(scripts.context, actions, scripts.usageWords);
  return {
    run: ([word, ...args], io) => {
      if (word === undefined) return run([], io);
      return run([scripts.executeWords.includes(word) ? "execute" : word, ...args], io);
    },
  };
}
