/** What the modules that run scripts have in common, whatever the language: their settings, and what these come to. */
import type { GatewayControl } from "../kernel/control.js";
import type { Logger } from "../kernel/log.js";
import type { ModuleInstance, ModuleRuntime } from "../kernel/modules.js";
import { findScript, type ScriptLanguage } from "../script-host/find-script.js";
import { type ScriptEntry, ScriptModule, type ScriptModuleOptions } from "../script-host/script-module.js";
import type { KeySpec, ObjectSpec } from "../settings/schema.js";

/** What the command line adds when it runs a script of its own. */
export interface ScriptExtras extends Pick<ScriptModuleOptions, "onOutput"> {
  /** A script besides those of the settings, started after them. */
  readonly script: ScriptEntry;
  /** Is given the module once its scripts have started. */
  readonly onStart: (module: ScriptModule) => void;
}

/** Keys of the module's own section. */
export const scriptKeys = {
  isolation: {
    type: "enum",
    choices: ["module", "script"],
    title: "Isolation",
    description: "module: all scripts share one process. script: each has a process of its own.",
    default: "module",
  },
  timeoutAction: {
    type: "enum",
    choices: ["restart", "report"],
    title: "Timeout action",
    description:
      "What happens to a script that hangs after a callback took too long. restart: it is ended and started again. report: the log and the status tell, and it is left alone; a process that does not react at all is replaced all the same.",
    default: "restart",
  },
  memoryLimit: {
    type: "size",
    title: "Memory limit",
    description: "A host process that uses more memory is ended and started again.",
    default: "1G",
  },
  callsInFlight: {
    type: "int",
    min: 1,
    title: "Calls in flight",
    description: "When so many calls of a script have no answer yet, further ones are refused with RESOURCE_EXHAUSTED.",
    default: 256,
  },
  startTimeout: {
    type: "time",
    title: "Start timeout",
    description: "How long reading a script may take, and its init.",
    default: "30s",
    advanced: true,
  },
  stopTimeout: {
    type: "time",
    title: "Stop timeout",
    description: "How long the scripts have to shut down before they are ended.",
    default: "5s",
    advanced: true,
  },
} as const satisfies Readonly<Record<string, KeySpec>>;

/**
 * The section with the scripts.
 *
 * @param memoryText what the memory limit of one script is about
 */
export function scriptsSection(language: ScriptLanguage, memoryText: string) {
  return {
    section: "/settings/${alias}/scripts",
    title: "Scripts",
    description: "One script per key: alias = file. An empty value means that the alias is the name of the file.",
    oneLiner: "script",
    keys: {
      script: {
        type: "path",
        title: "Script",
        description: `The file, as a path or as a name that is looked for in \${scripts}/${language.folder}.`,
        check: (value, { paths }) =>
          value === "" || findScript(paths.expand(value), paths.get("scripts"), language) !== undefined
            ? undefined
            : `the script ${value} is not there, nor in ${paths.get("scripts")}/${language.folder}`,
      },
      timeout: {
        type: "time",
        title: "Timeout",
        description:
          "How long the queries of this script may take, unless there is a timeout for the command; also how long it may take for passive results and events.",
      },
      timeoutAction: {
        type: "enum",
        choices: ["restart", "report"],
        title: "Timeout action",
        description: "What happens to this script when it hangs, restart or report; empty: as for the others.",
      },
      memoryLimit: { type: "size", title: "Memory limit", description: memoryText },
    },
  } as const satisfies ObjectSpec;
}

/** What the settings above come to. */
interface ScriptValues {
  readonly isolation: ScriptModuleOptions["isolation"];
  readonly timeoutAction: ScriptModuleOptions["timeoutAction"];
  readonly memoryLimit: number;
  readonly callsInFlight: number;
  readonly startTimeout: number;
  readonly stopTimeout: number;
  readonly scripts: {
    readonly active: ReadonlyMap<string, { readonly id: string; readonly values: ScriptEntryValues }>;
  };
}

interface ScriptEntryValues {
  readonly script?: string | undefined;
  readonly timeout?: number | undefined;
  readonly timeoutAction?: ScriptEntry["timeoutAction"];
  readonly memoryLimit?: number | undefined;
}

/** How the language runs its scripts. */
type HostOptions = Pick<ScriptModuleOptions, "language" | "command" | "inTurn" | "keepProcess">;

/** @param read the settings as they are now */
export async function runScripts<Values extends ScriptValues>(
  context: ModuleInstance & { readonly gateway: GatewayControl; readonly log: Logger },
  read: () => Values,
  hostOptions: (values: Values) => HostOptions,
  extras: ScriptExtras | undefined,
): Promise<ModuleRuntime> {
  const options = () => {
    const values = read();
    return { ...optionsOf(context, values, extras), ...hostOptions(values) };
  };
  const module = new ScriptModule(options());
  await module.start();
  extras?.onStart(module);
  return {
    stop: () => module.stop(),
    status: () => module.status(),
    async reload() {
      await module.restart(options());
      return true;
    },
  };
}

function optionsOf(
  { gateway, log, ...instance }: ModuleInstance & { readonly gateway: GatewayControl; readonly log: Logger },
  values: ScriptValues,
  extras: ScriptExtras | undefined,
): Omit<ScriptModuleOptions, keyof HostOptions> {
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
    isolation: values.isolation,
    timeoutAction: values.timeoutAction,
    memoryLimit: values.memoryLimit,
    callsInFlight: values.callsInFlight,
    startTimeoutMs: values.startTimeout,
    stopTimeoutMs: values.stopTimeout,
    ...(extras?.onOutput === undefined ? {} : { onOutput: extras.onOutput }),
  };
}
