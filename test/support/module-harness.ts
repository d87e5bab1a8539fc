import type { Clock } from "../../src/kernel/clock.js";
import type { GatewayControl } from "../../src/kernel/control.js";
import { Modules } from "../../src/kernel/modules.js";
import type { ModuleContext, ModuleDefinition } from "../../src/modules/module.js";
import { IniDocument } from "../../src/settings/ini-document.js";
import { openSettings } from "../../src/settings/open.js";
import { PathTokens } from "../../src/settings/paths.js";
import { readSettings } from "../../src/settings/read.js";
import { SettingsRegistry } from "../../src/settings/registry.js";
import { type SettingsSchema, sectionAlias } from "../../src/settings/schema.js";
import type { Spool } from "../../src/spool/spool.js";
import { type KernelOptions, kernel } from "./kernel.js";

/**
 * A module loaded into a kernel whose clock stands still, with the settings of an ini text.
 *
 * @returns the kernel's parts, and `configure`, which changes the settings for a reload
 */
export async function loadModule<Schema extends SettingsSchema>(
  definition: ModuleDefinition<Schema>,
  ini = "",
  options: KernelOptions & {
    readonly spool?: Spool;
    /** The module's own, for one that talks to real sockets. */
    readonly clock?: Clock;
  } = {},
) {
  const parts = kernel(options);
  const { core, registry, clock, log } = parts;
  let store = memoryStore(ini);
  const gateway: Partial<GatewayControl> = {
    version: "1.2.3",
    startedAtMs: 0,
    core,
    registry,
    clock: options.clock ?? clock,
  };
  const modules = new Modules(
    registry,
    new Map([
      [
        definition.name.toLowerCase(),
        {
          ...definition,
          start: async (instance) => {
            const read = () => readSettings(definition.settings, store, sectionAlias(definition, instance.alias));
            const context = {
              ...instance,
              settings: read(),
              readSettings: read,
              store,
              gateway,
              log,
              spool: async () => options.spool,
            };
            return (await definition.start(context as unknown as ModuleContext<Schema>)) ?? {};
          },
        },
      ],
    ]),
    log,
  );
  const isLoaded = await modules.load({ module: definition.name, alias: "" });
  const configure = (changed: string) => {
    store = memoryStore(changed);
  };
  return { ...parts, modules, isLoaded, configure };
}

function memoryStore(ini: string) {
  const paths = new PathTokens({ packageRoot: "/nowhere", dataPath: "/nowhere" });
  return openSettings({
    ...{ context: "dummy", paths, registry: new SettingsRegistry(), workingFolder: "/" },
    defines: IniDocument.parse(Buffer.from(ini)).entries(),
  });
}
