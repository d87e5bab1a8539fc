import type { CliAction } from "./actions.js";
import type { CliContext, CliIo } from "./context.js";
import { scriptActions } from "./script-commands.js";
import { executeAction } from "./script-execute.js";
import type { ScriptContext } from "./script-languages.js";

const helpCode = 1;
/** Without a word, or with an unknown one, the answer is UNKNOWN and the usage. */
const usageCode = 3;

/**
 * The context of a language: `nscp node …`, `nscp py …`.
 * @param more what only this language can do
 */
export function scriptContext(scripts: ScriptContext, more: readonly CliAction[] = []): Pick<CliContext, "run"> {
  const actions = [...scriptActions(scripts), executeAction(scripts), ...more];
  const words = scripts.usageWords ?? actions.map(({ name }) => name);
  const usage = `Usage: nscp ${scripts.context} [${words.join("|")}] --help\n`;
  return {
    async run([given, ...args], io: CliIo) {
      const word = scripts.executeWords.includes(given ?? "") ? "execute" : given;
      const action = actions.find(({ name }) => name === word);
      if (action !== undefined) return action.run(args, io);
      if (word === "--help" || word === "-h") {
        io.stdout(usage);
        for (const { name, usage: rest, summary } of actions) {
          io.stdout(`\n  ${`${name} ${rest}`.trimEnd()}\n      ${summary}\n`);
        }
        return helpCode;
      }
      if (word !== undefined) io.stderr(`Unknown action: ${word}\n`);
      io.stdout(usage);
      return usageCode;
    },
  };
}
