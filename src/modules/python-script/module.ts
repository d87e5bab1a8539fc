import { pythonLanguage } from "../../script-host/script-files.js";
import { defineModule, type ModuleDefinition } from "../module.js";
import { runScripts, type ScriptExtras } from "../script-module.js";
import { pythonHostCommand } from "./host-command.js";
import { settings } from "./settings.js";

/** The module PythonScript. */
export function pythonScript(extras?: ScriptExtras): ModuleDefinition<typeof settings> {
  return defineModule({
    name: "PythonScript",
    summary: "Runs Python scripts",
    defaultAlias: "python",
    settings,
    start(context) {
      const { log, alias, gateway } = context;
      // What operators have always read here while scripts start.
      for (const step of ["boot", "Prepare", "init"]) log.debug(`${step} ${alias}`);
      return runScripts(
        context,
        () => context.readSettings(),
        ({ pythonExecutable: executable, pythonCache: cache }) => {
          const command = pythonHostCommand({ executable, cache, scripts: gateway.expandPath("${scripts}") });
          return { language: pythonLanguage, command: () => command, inTurn: true, keepProcess: true };
        },
        extras,
      );
    },
  });
}
