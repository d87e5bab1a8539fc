import { openConfiguration } from "../gateway/configuration.js";
import type { BootOptions } from "../gateway/gateway.js";
import { moduleKey } from "../kernel/modules.js";
import { readModules } from "../settings/modules.js";
import { bootGateway } from "./gateway-run.js";
import type { ScriptContext } from "./script-languages.js";

/** The checks that the scripts of the settings register, in byte order. All of them are started and ended for this. */
export async function scriptQueries(scripts: ScriptContext, options: BootOptions): Promise<string[]> {
  const configuration = options.configuration ?? openConfiguration(options);
  const isOurs = (module: string) => moduleKey(module) === moduleKey(scripts.module);
  const instances = readModules(configuration.store)
    .filter(({ module, enabled }) => enabled && isOurs(module))
    .map(({ module, alias }) => alias ?? module);
  const modules = instances.length > 0 ? instances : [scripts.module];
  const gateway = await bootGateway({ ...options, configuration, modules, admits: false });
  try {
    return gateway.registry
      .listQueries()
      .filter(({ owner }) => isOurs(owner.name))
      .map(({ name }) => name)
      .sort();
  } finally {
    await gateway.stop();
  }
}
