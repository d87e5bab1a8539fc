import { ScriptModule, type ScriptModuleOptions } from "../../script-host/script-module.js";
import type { SettingsOf } from "../../settings/schema.js";
import { defineModule, type ModuleContext, type ModuleDefinition } from "../module.js";
import { nodeHostCommand, nodeLanguage } from "./host-command.js";
import { settings } from "./settings.js";

/** What the command line adds when it runs a script of its own. */
export interface NodeScriptExtras extends Pick<ScriptModuleOptions, "onOutput"> {
  /** A script besides those of the settings, started after them. */
  readonly script: ScriptModuleOptions["scripts"][number];
  /** Is given the module once its scripts have started. */
  readonly onStart: (module: ScriptModule) => void;
}

/** The module NodeScript. */
export function nodeScript(extras?: NodeScriptExtras): ModuleDefinition<typeof settings> {
  return defineModule({
    name: "NodeScript",
    summary: "Runs TypeScript and JavaScript scripts",
    defaultAlias: "node",
    settings,
    async start(context) {
      const module = new ScriptModule(optionsOf(context, context.settings, extras));
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
  extras: NodeScriptExtras | undefined,
): ScriptModuleOptions {
  const scripts = [...values.scripts.active.values()].map(({ id, values: script }) => ({
    name: id,
    script: script.script === undefined || script.script === "" ? id : script.script,
    timeoutMs: script.timeout,
    timeoutAction: script.timeoutAction,
    memoryLimit: script.memoryLimit,
  }));
  return {
    instance,
    gateway,
    log,
    scripts: extras === undefined ? scripts : [...scripts, extras.script],
    language: nodeLanguage,
    command: nodeHostCommand,
    isolation: values.isolation,
    timeoutAction: values.timeoutAction,
    memoryLimit: values.memoryLimit,
    callsInFlight: values.callsInFlight,
    startTimeoutMs: values.startTimeout,
    stopTimeoutMs: values.stopTimeout,
    ...(extras?.onOutput === undefined ? {} : { onOutput: extras.onOutput }),
  };
}
