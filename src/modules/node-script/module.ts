import { nodeLanguage } from "../../script-host/script-files.js";
import { defineModule, type ModuleDefinition } from "../module.js";
import { runScripts, type ScriptExtras } from "../script-module.js";
import { nodeHostCommand } from "./host-command.js";
import { settings } from "./settings.js";

/** The module NodeScript. */
export function nodeScript(extras?: ScriptExtras): ModuleDefinition<typeof settings> {
  return defineModule({
    name: "NodeScript",
    summary: "Runs TypeScript and JavaScript scripts",
    defaultAlias: "node",
    settings,
    start: (context) =>
      runScripts(
        context,
        () => context.readSettings(),
        () => ({ language: nodeLanguage, command: nodeHostCommand }),
        extras,
      ),
  });
}
