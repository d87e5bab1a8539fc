/** A kernel with one script module in it: what a gateway is to a script, without front ends. Runs what was built. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { Call } from "../../dist/kernel/call.js";
import type { GatewayControl } from "../../dist/kernel/control.js";
import { Core } from "../../dist/kernel/core.js";
import type { Logger } from "../../dist/kernel/log.js";
import { type ModuleInstance, Modules } from "../../dist/kernel/modules.js";
import { localPrincipal, modulePrincipal } from "../../dist/kernel/principal.js";
import { Registry } from "../../dist/kernel/registry.js";
import { nodeHostCommand } from "../../dist/modules/node-script/host-command.js";
import { pythonHostCommand } from "../../dist/modules/python-script/host-command.js";
import { nodeLanguage, pythonLanguage } from "../../dist/script-host/script-files.js";
import { type ScriptEntry, ScriptModule, type ScriptModuleOptions } from "../../dist/script-host/script-module.js";
import {
  QueryRequest,
  QueryRequestMessage,
  type QueryResponse,
  SettingsResponseMessage,
} from "../../dist/wire/messages.js";
import { simpleResult } from "../../dist/wire/nagios-text.js";

export interface LogRecord {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Collects log records, and lets a test wait for one. */
export class LogBook {
  readonly records: LogRecord[] = [];
  private waiting: { matches: (record: LogRecord) => boolean; resolve: (record: LogRecord) => void }[] = [];

  readonly logger: Logger = {
    critical: (text, fields) => this.add("critical", text, fields),
    error: (text, fields) => this.add("error", text, fields),
    warn: (text, fields) => this.add("warn", text, fields),
    info: (text, fields) => this.add("info", text, fields),
    debug: (text, fields) => this.add("debug", text, fields),
    trace: (text, fields) => this.add("trace", text, fields),
    child: () => this.logger,
  };

  /** Resolves with the first record, written already or later, that the pattern fits. */
  written(pattern: RegExp): Promise<LogRecord> {
    const matches = (record: LogRecord) => pattern.test(record.text);
    const known = this.records.find(matches);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.waiting.push({ matches, resolve }));
  }

  texts(level: string): string[] {
    return this.records.filter((record) => record.level === level).map(({ text }) => text);
  }

  private add(level: string, text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const record = { level, text, fields };
    this.records.push(record);
    for (const waiter of this.waiting.filter(({ matches }) => matches(record))) waiter.resolve(record);
    this.waiting = this.waiting.filter(({ matches }) => !matches(record));
  }
}

export const clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms: number, fire: () => void) {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

export interface HarnessOptions
  extends Partial<
    Pick<
      ScriptModuleOptions,
      | "isolation"
      | "memoryLimit"
      | "callsInFlight"
      | "command"
      | "startTimeoutMs"
      | "stopTimeoutMs"
      | "timeoutAction"
      | "inTurn"
      | "keepProcess"
    >
  > {
  /** Of the scripts; TypeScript unless given. */
  readonly language?: "node" | "python";
  /** The interpreter; that of NSCP_TEST_PYTHON, or the one that the gateway takes by itself, unless given. */
  readonly python?: string;
  readonly queryTimeoutMs?: number;
  /** More per script than its file. */
  readonly entries?: Readonly<Record<string, Partial<ScriptEntry>>>;
}

const languages = {
  node: { module: "NodeScript", alias: "node", language: nodeLanguage, command: () => nodeHostCommand },
  python: {
    module: "PythonScript",
    alias: "python",
    language: pythonLanguage,
    command: ({ python = process.env["NSCP_TEST_PYTHON"] ?? "" }: HarnessOptions, scripts: string) => {
      const command = pythonHostCommand({ executable: python, cache: "", scripts });
      return () => command;
    },
  },
};

export interface Harness {
  readonly folder: string;
  readonly log: LogBook;
  readonly core: Core;
  readonly registry: Registry;
  readonly modules: Modules;
  readonly gateway: GatewayControl;
  /** The script module as it runs now. */
  script(): ScriptModule;
  call(deadlineMs?: number): Call;
  /** Runs one check: `[state, message, perf]`. */
  query(command: string, ...args: string[]): Promise<[number, string, string]>;
  queryAll(commands: readonly string[]): Promise<[number, string, string][]>;
  write(file: string, source: string): void;
  stop(): Promise<void>;
}

/** Stops what was started when the test that calls this has ended, however it ended. */
export async function stoppedAfterTest(starting: Promise<Harness>): Promise<Harness> {
  const harness = await starting;
  onTestFinished(() => harness.stop());
  return harness;
}

/** @param files sources by file name; those without a folder in their name are loaded, under the name without its ending */
export async function startScripts(
  files: Readonly<Record<string, string>>,
  options: HarnessOptions = {},
): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), "nscp-scripts-"));
  const write = (file: string, source: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), source);
  };
  for (const [file, source] of Object.entries(files)) write(file, source);
  const log = new LogBook();
  const registry = new Registry(log.logger);
  const limits = { queryTimeoutMs: options.queryTimeoutMs ?? 20_000, timeoutOf: () => undefined };
  const policy = { refusal: () => undefined, allowsExecute: true };
  const core = new Core({ registry, clock, log: log.logger, limits, policy });
  let running: ScriptModule | undefined;
  const scripts = Object.keys(files)
    .filter((file) => !file.startsWith("_") && !file.includes("/"))
    .map((file) => {
      const name = file.replace(/\.[^.]*$/, "");
      return { name, script: join(folder, file), ...options.entries?.[name] };
    });
  const kind = languages[options.language ?? "node"];
  const command = options.command ?? kind.command(options, folder);
  const scriptModule = {
    name: kind.module,
    summary: "",
    defaultAlias: kind.alias,
    async start(instance: ModuleInstance) {
      const settings = () => ({
        ...{
          instance,
          gateway,
          log: log.logger,
          scripts,
          language: kind.language,
          command,
        },
        isolation: options.isolation ?? ("module" as const),
        timeoutAction: options.timeoutAction ?? ("restart" as const),
        inTurn: options.inTurn ?? options.language === "python",
        keepProcess: options.keepProcess ?? options.language === "python",
        memoryLimit: options.memoryLimit ?? 1024 ** 3,
        callsInFlight: options.callsInFlight ?? 256,
        startTimeoutMs: options.startTimeoutMs ?? 30_000,
        stopTimeoutMs: options.stopTimeoutMs ?? 5_000,
      });
      const module = new ScriptModule(settings());
      running = module;
      await module.start();
      return {
        stop: () => module.stop(),
        status: () => module.status(),
        reload: async () => {
          await module.restart(settings());
          return true;
        },
      };
    },
  };
  const modules = new Modules(registry, new Map([[kind.module.toLowerCase(), scriptModule]]), log.logger);
  const settings = new Map<string, string>();
  let calls = 0;
  const gateway: GatewayControl = {
    spoolFigures: () => undefined,
    version: "0.0.0",
    startedAtMs: 0,
    ...{ core, registry, clock, serving: true, settingsContext: "test" },
    call: (origin) => new Call({ traceId: `trace-${++calls}`, ...origin }),
    moduleCall: (module) =>
      new Call(
        { principal: modulePrincipal(module.alias), frontEnd: "script", traceId: `own-${++calls}` },
        undefined,
        module,
      ),
    registryQuery: () => Promise.reject(new Error("There is no inventory here.")),
    settingsQuery: (message) => Promise.resolve(answerSettings(settings, message)),
    loadModule: (module, alias) => modules.load({ module, alias }),
    unloadModule: (name) => modules.unload(name),
    reload: async (what) => ({ reloaded: await modules.reload(what), problems: [] }),
    expandPath: (text) => text.replaceAll("${scripts}", folder),
    modules: () => modules.list(),
    metricsText: () => Promise.resolve(""),
  };
  const call = (deadlineMs?: number) =>
    gateway.call({
      ...{ principal: localPrincipal, frontEnd: "test" },
      ...(deadlineMs === undefined ? {} : { deadline: clock.monotonic() + deadlineMs }),
    });
  const run = async (requests: readonly { command: string; args: readonly string[] }[]) => {
    const payload = requests.map(({ command, args }) => QueryRequest.create({ command, arguments: [...args] }));
    const answer = await core.query(QueryRequestMessage.create({ payload }), call());
    return answer.payload.map(triple);
  };
  await modules.load({ module: kind.module, alias: "" });
  return {
    ...{ folder, log, core, registry, modules, gateway, call, write },
    script() {
      if (running === undefined) throw new Error("The module is not loaded.");
      return running;
    },
    async query(command, ...args) {
      const [answer] = await run([{ command, args }]);
      if (answer === undefined) throw new Error("There was no answer.");
      return answer;
    },
    queryAll: (commands) => run(commands.map((command) => ({ command, args: [] }))),
    async stop() {
      await modules.stopAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function triple(answer: QueryResponse): [number, string, string] {
  const { message, perf } = simpleResult(answer);
  return [answer.result, message, perf];
}

/** A store that is a map: enough for what scripts read and write. */
function answerSettings(
  store: Map<string, string>,
  message: Parameters<GatewayControl["settingsQuery"]>[0],
): SettingsResponseMessage {
  const payload = message.payload.map(({ query, update }) => {
    const node = query?.node ?? update?.node;
    if (node === null || node === undefined) return {};
    const at = `${node.path} ${node.key}`;
    if (update !== null) {
      if (node.value === "") store.delete(at);
      else store.set(at, node.value);
      return {};
    }
    if (node.key !== "") return { query: { node: { ...node, value: store.get(at) ?? query?.defaultValue ?? "" } } };
    const keys = [...store.keys()].filter((key) => key.startsWith(`${node.path} `)).sort();
    return { query: { nodes: keys.map((key) => ({ path: node.path, key: key.slice(node.path.length + 1) })) } };
  });
  return SettingsResponseMessage.fromObject({ payload });
}
