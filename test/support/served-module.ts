import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Call } from "../../src/kernel/call.js";
import type { Clock } from "../../src/kernel/clock.js";
import type { GatewayControl } from "../../src/kernel/control.js";
import { Core } from "../../src/kernel/core.js";
import { Modules } from "../../src/kernel/modules.js";
import { Registry } from "../../src/kernel/registry.js";
import type { ModuleContext, ModuleDefinition } from "../../src/modules/module.js";
import type { AuditEvent } from "../../src/security/audit.js";
import { Security } from "../../src/security/security.js";
import { readSettings } from "../../src/settings/read.js";
import { type SettingsSchema, sectionAlias } from "../../src/settings/schema.js";
import { createLogService } from "../../src/telemetry/log.js";
import { settingsFolder } from "../settings/temporary-store.js";
import { openPolicy } from "./kernel.js";

/** A clock that runs, or whose timers a test lets fire. */
export class TestClock implements Clock {
  private readonly timers = new Set<() => void>();

  constructor(private readonly stands = false) {}

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, fire: () => void): () => void {
    if (this.stands) {
      this.timers.add(fire);
      return () => this.timers.delete(fire);
    }
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.timers.size;
  }

  /** Fires every timer of a clock that stands. */
  fireAll(): void {
    for (const fire of [...this.timers]) {
      this.timers.delete(fire);
      fire();
    }
  }
}

/**
 * A module that listens, with the security, the settings and the log of a gateway, and a core without anything else in it. It
 * ends with the test.
 *
 * @param ini the whole settings file
 * @param files further ones beside it, which is where `${certificate-path}` and `${data-path}` are
 */
export async function serveModule<Schema extends SettingsSchema>(
  definition: ModuleDefinition<Schema>,
  ini: string,
  files: Readonly<Record<string, string>> = {},
  clock: Clock = new TestClock(),
) {
  const stored = settingsFolder({ ...files, "main.ini": ini });
  const { folder } = stored;
  const store = stored.open({ paths: stored.tokens({ "data-path": folder, "certificate-path": folder }) });
  const logLines: string[] = [];
  const log = createLogService({ level: "debug", form: "console", write: (line) => logLines.push(line.trimEnd()) });
  const audited: AuditEvent[] = [];
  const openAuditFile = () => ({ write() {}, flush: async () => {}, close: async () => {} });
  const security = new Security({ clock, log, openAuditFile });
  await security.reload(store);
  Object.defineProperty(security, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  const registry = new Registry(log);
  const limits = { queryTimeoutMs: 60_000, timeoutOf: () => undefined };
  const core = new Core({ registry, clock, log, limits, policy: openPolicy });
  const gateway: Partial<GatewayControl> = {
    ...{ version: "1.2.3", core, registry, clock },
    call: (origin) => new Call({ ...origin, traceId: "trace" }),
  };
  const start = async (instance: { readonly alias: string }) => {
    const read = () => readSettings(definition.settings, store, sectionAlias(definition, instance.alias));
    const context = { ...instance, settings: read(), readSettings: read, store, gateway, security };
    const all = { ...context, log: log.child(instance.alias), logService: log };
    return (await definition.start(all as unknown as ModuleContext<Schema>)) ?? {};
  };
  const modules = new Modules(registry, new Map([[definition.name.toLowerCase(), { ...definition, start }]]), log);
  const stop = () => modules.stopAll().then(() => security.close());
  if (!(await modules.load({ module: definition.name, alias: "" }))) throw new Error(modules.list()[0]?.failure);
  onTestFinished(stop);
  await modules.serve();
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content, { mode: 0o600 });
  return {
    ...{ folder, logLines, audited, modules, stop, registry, clock, core, write },
    /** The port that the module's status names. */
    get port() {
      return Number(/port (\d+)/.exec(modules.list()[0]?.status.detail?.[0] ?? "")?.[1]);
    },
    /** The metrics of the module, by name. */
    async metrics(): Promise<Record<string, number>> {
      const bundles = (await Promise.all(registry.metricsSources().map(({ handler }) => handler()))).flat();
      return Object.fromEntries(
        bundles.flatMap(({ value }) => value.map(({ key, gaugeValue }) => [key, gaugeValue?.value ?? Number.NaN])),
      );
    },
    /** Reloads the module with another settings file. */
    async reload(changed: string) {
      write("main.ini", changed);
      store.reload();
      return await modules.reload(definition.name);
    },
  };
}
