import { ScriptModule, type ScriptModuleOptions } from "../../script-host/script-module.js";
import type { SettingsOf } from "../../settings/schema.js";
import { defineModule, type ModuleContext, type ModuleDefinition } from "../module.js";
import { pythonHostCommand, pythonLanguage } from "./host-command.js";
import { settings } from "./settings.js";

/** What the command line adds when it runs a script of its own. */
export interface PythonScriptExtras extends Pick<ScriptModuleOptions, "onOutput"> {
  /** A script besides those of the settings, started after them. */
  readonly script: ScriptModuleOptions["scripts"][number];
  /** Is given the module once its scripts have started. */
  readonly onStart: (module: ScriptModule) => void;
}

/** The module PythonScript. */
export function pythonScript(extras?: PythonScriptExtras): ModuleDefinition<typeof settings> {
  return defineModule({
    name: "PythonScript",
    summary: "Runs Python scripts",
    defaultAlias: "python",
    settings,
    async start(context) {
      const { log, alias } = context;
      log.debug(`boot ${alias}`);
      log.debug(`Prepare ${alias}`);
      const module = new ScriptModule(optionsOf(context, context.settings, extras));
      log.debug(`init ${alias}`);
      await module.start();
      extras?.onStart(module);
      return {
        stop: () => module.stop(),
        status: () => module.status(),
        async reload() {
          await module.restart(optionsOf(context, context.readSettings(), extras));
          return true;
        },
      };
    },
  });
}

function optionsOf(
  { gateway, log, ...instance }: ModuleContext<typeof settings>,
  values: SettingsOf<typeof settings>,
  extras: PythonScriptExtras | undefined,
): ScriptModuleOptions {
  const scripts = [...values.scripts.active.values()].map(({ id, values: script }) => ({
    name: id,
    script: script.script === undefined || script.script === "" ? id : script.script,
    timeoutMs: script.timeout,
    timeoutAction: script.timeoutAction,
    memoryLimit: script.memoryLimit,
  }));
  const command = pythonHostCommand({
    executable: values.pythonExecutable,
    cache: values.pythonCache,
    scripts: gateway.expandPath("${scripts}"),
  });
  return {
    instance,
    gateway,
    log,
    scripts: extras === undefined ? scripts : [...scripts, extras.script],
    language: pythonLanguage,
    command: () => command,
    isolation: values.isolation,
    timeoutAction: values.timeoutAction,
    inTurn: true,
    keepProcess: true,
    memoryLimit: values.memoryLimit,
    callsInFlight: values.callsInFlight,
    startTimeoutMs: values.startTimeout,
    stopTimeoutMs: values.stopTimeout,
    ...(extras?.onOutput === undefined ? {} : { onOutput: extras.onOutput }),
  };
}
