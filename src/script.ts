/**
 * `nscp-gateway/script`: what a TypeScript or JavaScript script imports.
 *
 * ```ts
 * import { Registry, status } from "nscp-gateway/script";
 *
 * export function init(pluginId: number) {
 *   Registry.get(pluginId).simpleFunction(
 *     "check_answer",
 *     (args) => [status.OK, `You said ${args.join(" ")}`, "'words'=" + args.length],
 *     "Repeats its arguments",
 *   );
 * }
 * ```
 *
 * A script may export three functions, all optional, all possibly async:
 *
 * - `init(pluginId: number, pluginAlias: string, scriptAlias: string)` when it is loaded,
 * - `shutdown()` when it is unloaded or the gateway stops,
 * - `main(args: string[])` for `nscp node execute --script <file> …`.
 *
 * It works inside the gateway only: elsewhere every function throws.
 *
 * All of it stands in one file, so that an editor that jumps here shows the writer of a script everything there is.
 */

import { bridge, call, fromBytes, raw, texts } from "./script-host/script-bridge.js";
import type {
  EventMessage,
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  Init,
  QueryRequestMessage,
  QueryResponseMessage,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
  SubmitRequestMessage,
  SubmitResponseMessage,
} from "./wire/messages.js";

export type {
  EventMessage,
  ExecuteRequestMessage,
  ExecuteResponseMessage,
  Init,
  QueryRequestMessage,
  QueryResponseMessage,
  RegistryRequestMessage,
  RegistryResponseMessage,
  SettingsRequestMessage,
  SettingsResponseMessage,
  SubmitRequestMessage,
  SubmitResponseMessage,
};

/** States of a check, with the numbers of the plugin interface. */
export const status = Object.freeze({ OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const);

/** One of the numbers of {@link status}. */
export type Status = (typeof status)[keyof typeof status];

/** What the messages of {@link Registry.query} are about. */
export const itemType = Object.freeze({
  QUERY: 1,
  COMMAND: 2,
  HANDLER: 3,
  QUERY_ALIAS: 5,
  MODULE: 7,
  EVENT: 9,
  ALL: 99,
} as const);

/** What a `control` of {@link Registry.query} does with a module. */
export const moduleCommand = Object.freeze({ LOAD: 1, UNLOAD: 2, RELOAD: 3, ENABLE: 4, DISABLE: 5 } as const);

/** What a `control` of {@link Settings.query} does with the settings. */
export const settingsCommand = Object.freeze({ LOAD: 1, SAVE: 2, RELOAD: 3 } as const);

/** A value, or a promise of it. */
export type Awaitable<Value> = Value | PromiseLike<Value>;

/** What a simple check returns: state, message and performance data (`'label'=value[unit];warn;crit;min;max`). */
export type SimpleResult = number | readonly [code: number, message?: string, perf?: string];

/** What a simple command returns: exit code (0 to 3) and what it prints. */
export type CommandResult = number | readonly [code: number, message?: string];

/** A callback that has a parameter for it is told about the call that it answers. */
export interface CallContext {
  /** The command, as it was registered. */
  readonly command: string;
  /** Who asks: `CN=poller1`, `token:icinga`, `local`, … */
  readonly principal: string;
  /** Through which door: `grpc`, `nrpe`, `scheduler`, … */
  readonly frontEnd: string;
  /** Address of the caller, or empty. */
  readonly peer: string;
  /** Ties together what is logged about the call. */
  readonly traceId: string;
  /** Milliseconds until the caller gives up, when that is known. */
  readonly remainingMs: number | undefined;
  /** Aborted when nobody waits for the answer any more; pass it to `fetch` and the like. */
  readonly signal: AbortSignal;
}

/** How a check is registered. */
export interface FunctionOptions {
  /** Other names for the same check. */
  aliases?: string[];
  /** How long it may take, in milliseconds; settings beat it. */
  timeout?: number;
  /** The check answers the argument `help` itself instead of by its description. */
  handlesHelp?: boolean;
}

/** A check: gets its arguments, returns its result. */
export type SimpleFunction = (args: string[], call: CallContext) => Awaitable<SimpleResult>;

/** A check that gets the whole request and returns the whole response, which has exactly one payload. */
export type QueryFunction = (
  command: string,
  request: QueryRequestMessage,
  call: CallContext,
) => Awaitable<Init<QueryResponseMessage> | readonly [code: number, response: Init<QueryResponseMessage>]>;

/** A command: gets its arguments, returns exit code and output. */
export type SimpleCommand = (args: string[], call: CallContext) => Awaitable<CommandResult>;

/** A command that gets the whole request and returns the whole response, which has exactly one payload. */
export type CommandFunction = (
  command: string,
  request: ExecuteRequestMessage,
  call: CallContext,
) => Awaitable<Init<ExecuteResponseMessage> | readonly [code: number, response: Init<ExecuteResponseMessage>]>;

/** Takes one passive result. `false` refuses it. */
export type SimpleSubscription = (
  channel: string,
  source: string,
  command: string,
  status: Status,
  message: string,
  perf: string,
  call: CallContext,
) => // biome-ignore lint/suspicious/noConfusingVoidType: a callback that returns nothing has nothing to object to
Awaitable<boolean | undefined | void>;

/** Takes a submission as a whole. `true` accepts it; a response may say more. */
export type Subscription = (
  channel: string,
  message: SubmitRequestMessage,
  call: CallContext,
) => Awaitable<boolean | readonly [success: boolean, response?: Init<SubmitResponseMessage>]>;

/** Hears of an event and what is known about it. */
export type EventCallback = (event: string, data: Record<string, string>, call: CallContext) => unknown;

/** Hears of an event with the whole message. */
export type EventMessageCallback = (event: string, message: EventMessage, call: CallContext) => unknown;

/** Publishes what the script offers: checks, commands, subscriptions, metrics. */
export class Registry {
  private static readonly instance = new Registry();
  private constructor() {}

  /**
   * The registry, as the script's own.
   * @param pluginId what `init` was given
   */
  static get(_pluginId: number): Registry {
    return Registry.instance;
  }

  /**
   * Registers a check.
   *
   * @param name the command that pollers run
   * @param callback may be async; what it throws is logged and answers UNKNOWN
   * @param description shown by `<name> help` and in inventories
   * @example
   * registry.simpleFunction("check_count", () => [status.OK, "All is well", "'count'=123;200;600"], "Counts");
   */
  simpleFunction(name: string, callback: SimpleFunction, description = "", options: FunctionOptions = {}): void {
    bridge().register("query", name, callback, { ...options, description });
  }

  /**
   * Registers a check that works on messages; use {@link simpleFunction} unless you need what it has not.
   *
   * The state of the check stands in the payload. A code beside the message other than 0 says that the check failed.
   *
   * @example
   * registry.function("check_raw", (command, request) => ({
   *   payload: [{ command, result: status.OK, lines: [{ message: request.payload[0]?.arguments.join(" ") ?? "" }] }],
   * }), "Answers with its arguments");
   */
  function(name: string, callback: QueryFunction, description = "", options: FunctionOptions = {}): void {
    bridge().register("queryRaw", name, callback, { ...options, description });
  }

  /**
   * Registers a command for the command line and for `Core.simpleExec`.
   * @example
   * registry.simpleCmdline("do_something", (args) => [0, `Done with ${args.length} arguments`]);
   */
  simpleCmdline(name: string, callback: SimpleCommand): void {
    bridge().register("command", name, callback);
  }

  /** Registers a command that works on messages. */
  cmdline(name: string, callback: CommandFunction): void {
    bridge().register("commandRaw", name, callback);
  }

  /**
   * Takes the passive results of a channel, one by one.
   *
   * @param channel a channel, several with commas between them, or `*` for all
   * @example
   * registry.simpleSubscription("filter", async (_channel, _source, command, code, message, perf) => {
   *   const [sent] = await core.simpleSubmit("NSCA", command, code, message, perf);
   *   return sent;
   * });
   */
  simpleSubscription(channel: string, callback: SimpleSubscription): void {
    bridge().register("channel", channel, callback);
  }

  /** Takes the submissions of a channel as messages. It is asked before a simple subscription of the same channel. */
  subscription(channel: string, callback: Subscription): void {
    bridge().register("channelRaw", channel, callback);
  }

  /**
   * Listens to an event such as `logfile:errors`; `*` is every event.
   * @example
   * registry.event("logfile:errors", (event, data) => log(`${event}: ${data["message"]}`));
   */
  event(name: string, callback: EventCallback): void {
    bridge().register("event", name, callback);
  }

  /** Listens to an event with its message. */
  eventPb(name: string, callback: EventMessageCallback): void {
    bridge().register("eventRaw", name, callback);
  }

  /** Gets all metrics each time they are collected: dotted names, values as texts. */
  submitMetrics(callback: (metrics: Record<string, string>) => unknown): void {
    bridge().register("metricsSink", "", callback);
  }

  /**
   * Produces metrics when they are collected. Numbers become gauges, texts stay texts.
   * @example
   * registry.fetchMetrics(() => ({ "my_script.requests": 42, "my_script.state": "ok" }));
   */
  fetchMetrics(callback: () => Awaitable<Record<string, string | number | boolean | bigint | null | undefined>>): void {
    bridge().register("metricsSource", "", callback);
  }

  /**
   * Asks for inventories (modules, queries, channels, …) or controls modules.
   * @example
   * const { payload } = await registry.query({ payload: [{ inventory: { type: [itemType.QUERY] } }] });
   * for (const { name, info } of payload[0]?.inventory ?? []) log(`${name}: ${info?.description}`);
   */
  async query(request: Init<RegistryRequestMessage>): Promise<RegistryResponseMessage> {
    return (await raw<RegistryResponseMessage, "registryQuery">("registryQuery", [], request)).message;
  }
}

/** Calls the gateway: runs checks and commands, submits results, controls modules. */
export class Core {
  private static readonly instance = new Core();
  private constructor() {}

  /** @param pluginId what `init` was given */
  static get(_pluginId: number): Core {
    return Core.instance;
  }

  /**
   * Runs a check by name, also one of the script's own.
   * @example
   * const [code, message, perf] = await core.simpleQuery("check_uptime", ["warn=1d"]);
   */
  simpleQuery(command: string, args: readonly Argument[] = []): Promise<[code: Status, message: string, perf: string]> {
    return call("simpleQuery", [command, texts(args)]) as Promise<[Status, string, string]>;
  }

  /** Runs the checks of a message; the names in its payloads count, `command` does not. */
  async query(command: string, request: Init<QueryRequestMessage>): Promise<QueryResponseMessage> {
    return (await raw<QueryResponseMessage, "query">("query", [command], request)).message;
  }

  /**
   * Runs a command.
   *
   * @param target empty or `local`: this gateway; an alias of a module; the name of another gateway
   * @returns the worst exit code and one text per answer; UNKNOWN and `Command not found: …` when nobody has it
   */
  async simpleExec(
    target: string,
    command: string,
    args: readonly Argument[] = [],
  ): Promise<[code: Status, results: string[]]> {
    const [code, results] = await call("simpleExec", [target, command, texts(args)]);
    return [code as Status, results];
  }

  /** Runs the commands of a message; answers as {@link Core.simpleExec} does. */
  async exec(target: string, request: Init<ExecuteRequestMessage>): Promise<ExecuteResponseMessage> {
    return (await raw<ExecuteResponseMessage, "exec">("exec", [target], request)).message;
  }

  /**
   * Submits a passive result.
   *
   * @param channel such as `NSCA`, or several with commas between them
   * @param message a text, or its bytes in UTF-8; so is `perf`
   * @returns whether anybody took it, and what they said
   */
  simpleSubmit(
    channel: string,
    command: string,
    code: number,
    message: string | Uint8Array,
    perf: string | Uint8Array = "",
  ): Promise<[success: boolean, response: string]> {
    return call("simpleSubmit", [channel, command, code, fromBytes(message), fromBytes(perf)]);
  }

  /** Submits the results of a message. */
  async submit(channel: string, request: Init<SubmitRequestMessage>): Promise<[success: boolean, response: string]> {
    return (await raw<undefined, "submit">("submit", [channel], request)).value;
  }

  /**
   * Makes a module take changed settings; `service` is all of them, `settings` reads the file again. What reloads the
   * script itself happens when its callback has returned.
   */
  reload(module: string): Promise<boolean> {
    return call("reload", [module]);
  }

  /** @param alias to load a module more than once; empty: its own */
  loadModule(module: string, alias = ""): Promise<boolean> {
    return call("loadModule", [module, alias]);
  }

  /** @param moduleOrAlias an alias, or the name of a module */
  unloadModule(moduleOrAlias: string): Promise<boolean> {
    return call("unloadModule", [moduleOrAlias]);
  }

  /**
   * Replaces `${scripts}`, `${base-path}` and other placeholders.
   * @example
   * const file = await core.expandPath("${scripts}/node/data.json");
   */
  expandPath(path: string): Promise<string> {
    return call("expandPath", [path]);
  }
}

/** Reads and writes the gateway's settings. What is written is seen at once and stays after {@link Settings.save}. */
export class Settings {
  private static readonly instance = new Settings();
  private constructor() {}

  /** @param pluginId what `init` was given */
  static get(_pluginId: number): Settings {
    return Settings.instance;
  }

  /** The keys of a section, sorted. */
  getSection(path: string): Promise<string[]> {
    return call("settingsSection", [path]);
  }

  /**
   * A key's value, or the default when it is not set.
   * @example
   * const host = await settings.getString("/settings/my script", "host", "localhost");
   */
  getString(path: string, key: string, defaultValue = ""): Promise<string> {
    return call("settingsString", [path, key, defaultValue]);
  }

  /** An empty value removes the key. */
  async setString(path: string, key: string, value: string): Promise<void> {
    await call("settingsSet", [path, key, value]);
  }

  /** `true`, `1` and `yes` are true, any other text is false. */
  getBool(path: string, key: string, defaultValue = false): Promise<boolean> {
    return call("settingsBool", [path, key, defaultValue]);
  }

  /** Stores `true` or `false`. */
  async setBool(path: string, key: string, value: boolean): Promise<void> {
    await call("settingsSet", [path, key, String(value)]);
  }

  /** A text that is no whole number reads as the default. */
  getInt(path: string, key: string, defaultValue = 0): Promise<number> {
    return call("settingsInt", [path, key, defaultValue]);
  }

  /** @throws RangeError for what is no number, or too large to be told from its neighbours */
  async setInt(path: string, key: string, value: number): Promise<void> {
    if (!Number.isSafeInteger(Math.trunc(value))) throw new RangeError(`${key} can't be set to ${value}.`);
    await call("settingsSet", [path, key, String(Math.trunc(value))]);
  }

  /** Writes what was changed to the settings file. */
  async save(): Promise<void> {
    await call("settingsSave", []);
  }

  /** Documents a section. */
  async registerPath(path: string, title: string, description: string): Promise<void> {
    await call("registerPath", [path, title, description]);
  }

  /** Documents a key. The default is for readers only: pass it to `getString` and its like as well. */
  async registerKey(
    path: string,
    key: string,
    type: string,
    title: string,
    description: string,
    defaultValue = "",
  ): Promise<void> {
    await call("registerKey", [path, key, type, title, description, defaultValue]);
  }

  /** Reads, writes, documents and compares settings by messages. */
  async query(request: Init<SettingsRequestMessage>): Promise<SettingsResponseMessage> {
    return (await raw<SettingsResponseMessage, "settingsQuery">("settingsQuery", [], request)).message;
  }
}

/** Writes to the gateway's log at level info: a text, an error with its stack, or any value as the console shows it. */
export function log(message: unknown): void {
  bridge().log("info", message);
}

/** Writes to the gateway's log at level error. */
export function logError(message: unknown): void {
  bridge().log("error", message);
}

/** Writes to the gateway's log at level debug. */
export function logDebug(message: unknown): void {
  bridge().log("debug", message);
}

/**
 * Resolves after so many milliseconds. Other callbacks run meanwhile.
 * @example
 * await sleep(1000);
 */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What may stand in a list of arguments; all of it arrives as text, `true` as 1 and `false` as 0. */
export type Argument = string | number | bigint | boolean;
