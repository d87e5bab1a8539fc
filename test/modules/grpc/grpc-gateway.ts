import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Call } from "../../../src/kernel/call.js";
import type { Clock } from "../../../src/kernel/clock.js";
import type { GatewayControl, ReloadOutcome } from "../../../src/kernel/control.js";
import { Core } from "../../../src/kernel/core.js";
import { errorText } from "../../../src/kernel/errors.js";
import { type LoadableModule, Modules, moduleKey } from "../../../src/kernel/modules.js";
import { type Owner, type QueryHandler, Registry } from "../../../src/kernel/registry.js";
import { RegistryMessages } from "../../../src/kernel/registry-messages.js";
import {
  connectGateway,
  type GatewayClient,
  type GatewayClientOptions,
} from "../../../src/modules/grpc-client/gateway-client.js";
import grpcClient from "../../../src/modules/grpc-client/index.js";
import grpcServer from "../../../src/modules/grpc-server/index.js";
import type { ModuleDefinition } from "../../../src/modules/module.js";
import type { AuditEvent } from "../../../src/security/audit.js";
import {
  type CertificatePair,
  makeAuthority,
  makeClientPair,
  makeServerPair,
} from "../../../src/security/certificates.js";
import { Security } from "../../../src/security/security.js";
import { readSettings } from "../../../src/settings/read.js";
import type { SettingsSchema } from "../../../src/settings/schema.js";
import type { SettingsStore } from "../../../src/settings/store.js";
import { createLogService, type LogService } from "../../../src/telemetry/log.js";
import {
  type QueryResponse as Answer,
  Line,
  QueryResponse,
  ResultCode,
  SettingsResponseMessage,
} from "../../../src/wire/messages.js";
import { settingsFolder } from "../../settings/temporary-store.js";
import { openPolicy } from "../../support/kernel.js";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

const terms = { now: Date.now(), days: 365 };
export const authority: CertificatePair = await makeAuthority(terms);
export const otherAuthority: CertificatePair = await makeAuthority(terms);

/** The owner of the checks that tests register. */
const scripts: Owner = { id: 100, name: "NodeScript", alias: "node" };

export interface GrpcGateway {
  readonly port: number;
  readonly folder: string;
  readonly control: string;
  readonly core: Core;
  readonly store: SettingsStore;
  readonly registry: Registry;
  readonly modules: Modules;
  readonly log: LogService;
  readonly logLines: string[];
  readonly audited: AuditEvent[];
  /** A check that answers with a text, or does what the handler does. */
  check(name: string, answer: string | QueryHandler): void;
  /** A client of the port; without TLS settings it trusts the test's authority. */
  connect(options?: GatewayClientOptions): GatewayClient;
  file(name: string, content: string): string;
  /** Replaces the settings of the server and reloads it in place. */
  reload(server: string): Promise<boolean>;
  stop(): Promise<void>;
}

const security = `
[/settings/security]
anonymous role = poller
[/settings/security/audit]
file = none
[/settings/security/roles]
poller = queries.execute, commands.execute, submit, channels.subscribe, targets.use, logs.list, metrics.get, admin.*, modules.*
narrow = queries.execute:check_ok, submit:good
nothing = login.get
[/settings/security/certificates]
DNS:poller1 = poller
`;

/**
 * A gateway with the gRPC front end on a free port and nothing else in it. It ends with the test.
 *
 * @param server further lines of `[/settings/GRPC/server]`
 * @param more further sections
 */
export async function startGateway(server = "", more = ""): Promise<GrpcGateway> {
  const ini = (lines: string) => `${security}
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
control socket = none
drain delay = 0
${lines}
${more}`;
  const files = settingsFolder({ "main.ini": ini(server) });
  const file = (name: string, content: string) => {
    const path = join(files.folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  writePair(files.folder, await makeServerPair(authority, ["localhost", "127.0.0.1"], terms));
  file("ca.pem", authority.certificate);
  const store = files.open({ paths: files.tokens({ "data-path": files.folder, "certificate-path": files.folder }) });
  const logLines: string[] = [];
  const log = createLogService({ level: "debug", form: "console", write: (line) => logLines.push(line.trimEnd()) });
  const audited: AuditEvent[] = [];
  const guard = new Security({
    clock,
    log,
    openAuditFile: () => ({ write() {}, flush: async () => {}, close: async () => {} }),
  });
  await guard.reload(store);
  Object.defineProperty(guard, "audit", {
    value: { keeps: () => true, record: (event: AuditEvent) => audited.push(event) },
  });
  const registry = new Registry(log);
  const limits = { queryTimeoutMs: 60_000, timeoutOf: () => undefined };
  const core = new Core({ registry, clock, log, limits, policy: openPolicy });
  let traces = 0;
  const gateway: GatewayControl = {
    version: "1.2.3",
    startedAtMs: 1000,
    ...{ core, registry, clock },
    call: (origin) => new Call({ ...origin, traceId: origin.traceId ?? `trace-${++traces}` }),
    moduleCall: () => {
      throw new Error("not used here");
    },
    registryQuery: (message, call) => messages.run(message, call),
    settingsQuery: async () => SettingsResponseMessage.create(),
    loadModule: (module, alias) => modules.load({ module, alias }),
    unloadModule: (name) => modules.unload(name),
    async reload(what): Promise<ReloadOutcome> {
      const reloaded = await modules.reload(what === "service" ? "GRPCServer" : what);
      return { reloaded, problems: reloaded ? [] : [`${what} could not be reloaded`] };
    },
    metricsText: async () => "up 1\n",
    expandPath: (text) => store.paths.expand(text),
    modules: () => modules.list(),
    serving: true,
    spoolFigures: () => undefined,
    settingsContext: "ini:///test.ini",
  };
  const spool = async () => undefined;
  const loadable = <Schema extends SettingsSchema>(definition: ModuleDefinition<Schema>): LoadableModule => ({
    ...definition,
    start: async (instance) => {
      const read = () => readSettings(definition.settings, store, definition.defaultSection ?? instance.alias);
      const context = { ...instance, settings: read(), readSettings: read, store, gateway, security: guard, spool };
      return (await definition.start({ ...context, log: log.child(instance.alias), logService: log })) ?? {};
    },
  });
  const known = [loadable(grpcServer), loadable(grpcClient)];
  const modules = new Modules(registry, new Map(known.map((module) => [moduleKey(module.name), module])), log);
  const messages = new RegistryMessages({
    ...{ registry, modules },
    isEnabled: () => true,
    setEnabled() {},
    parametersOf: async () => undefined,
  });
  const loaded = await modules.load({ module: "GRPCServer", alias: "" });
  if (/targets/.test(more)) await modules.load({ module: "GRPCClient", alias: "" });
  try {
    if (!loaded) throw new Error(modules.list()[0]?.failure);
    await modules.serve();
  } catch (thrown) {
    await modules.stopAll();
    throw thrown;
  }
  const port = Number(/ (\d+) \(/.exec(modules.list()[0]?.status.detail?.[0] ?? "")?.[1]);
  const clients: GatewayClient[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= modules.stopAll().then(() => guard.close());
    return stopped;
  };
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await stop();
  });
  return {
    ...{ port, core, store, registry, modules, log, logLines, audited, file, stop },
    folder: files.folder,
    control: join(files.folder, "control.sock"),
    check(name, answer) {
      registry.addQuery(scripts, name, typeof answer === "string" ? () => ok(answer) : answer);
    },
    connect(options = {}) {
      const client = connectGateway({
        address: `127.0.0.1:${port}`,
        ...(options.socketPath === undefined ? { ca: join(files.folder, "ca.pem") } : {}),
        timeoutMs: 20_000,
        ...options,
      });
      clients.push(client);
      return client;
    },
    async reload(lines) {
      writeFileSync(join(files.folder, "main.ini"), ini(lines));
      store.reload();
      await guard.reload(store);
      return modules.reload("GRPCServer");
    },
  };
}

export function ok(text: string): Answer {
  return QueryResponse.create({ result: ResultCode.OK, lines: [Line.create({ message: text })] });
}

/** Files of a client certificate for the name. */
export async function clientFiles(gateway: GrpcGateway, name: string, issuer = authority) {
  const pair = await makeClientPair(issuer, name, terms);
  return {
    certificate: gateway.file(`${name}.pem`, pair.certificate),
    certificateKey: gateway.file(`${name}.key`, pair.privateKey),
  };
}

export function serverPair(issuer = authority): Promise<CertificatePair> {
  return makeServerPair(issuer, ["localhost", "127.0.0.1"], terms);
}

function writePair(folder: string, { certificate, privateKey }: CertificatePair): void {
  writeFileSync(join(folder, "certificate.pem"), certificate);
  writeFileSync(join(folder, "certificate_key.pem"), privateKey, { mode: 0o600 });
}

/** How a call fails: `CODE: text`. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "no failure";
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? `${thrown.code}: ${thrown.message}` : errorText(thrown);
  }
}
