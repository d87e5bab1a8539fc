/**
 * Every message between the gateway and a script host, in both directions. `docs/script-host-protocol.md` explains them
 * to those who write a host in another language.
 *
 * The control channel is descriptor 3 of the host. A host may give each script a channel of its own (a lane: descriptor
 * 4 and up); a host without lanes uses the control channel for everything, and `s` tells the scripts apart.
 */

export const protocolVersion = 1;

/** Descriptor of the control channel in the host; lanes follow. */
export const controlDescriptor = 3;

/** Whose message it is, on a channel that several scripts share. */
interface OfScript {
  s?: number | undefined;
  /** Size of the raw block that goes with the message. */
  raw?: number;
}

// The control channel

/** First message of the gateway. */
export interface Hello {
  t: "hello";
  protocol: number;
  gateway: string;
  /** Alias of the module instance. */
  alias: string;
}

/** First message of the host: it is ready for scripts. */
export interface Ready {
  t: "ready";
  protocol: number;
  /** Language and version, such as `node v22.1.0`. */
  host: string;
  /** It understands {@link Where}. */
  where?: boolean;
}

/** Makes room for a script: a thread, a lane. */
export interface Start {
  t: "start";
  s: number;
  /** Descriptor of the script's own channel; absent in a host without lanes. */
  lane?: number;
  /** Name of the script, for messages. */
  name: string;
  /** Memory that the script may use, in bytes; a host that can't tell its scripts apart leaves it to the gateway. */
  memoryLimit?: number;
  /** Everything that the script prints and logs is wanted; otherwise a flood may be cut. */
  allOutput?: boolean;
}

/** Ends a script whatever it does. Answered by {@link Gone}; when that takes too long the process is replaced. */
export interface End {
  t: "end";
  s: number;
}

/** A script is not there any more: it was ended, or it ended itself. */
export interface Gone {
  t: "gone";
  s: number;
  reason: string;
}

export type ControlToHost = Hello | Start | End;
export type ControlToGateway = Ready | Gone;

// Answers, in both directions

/** The answer to the request with this id. */
export interface Ok extends OfScript {
  t: "ok";
  id: number;
  value?: unknown;
}

/** The request with this id failed. */
export interface Failed extends OfScript {
  t: "failed";
  id: number;
  error: string;
  /** Where it happened, in lines of the script's source. */
  stack?: string;
}

// Gateway to script

/** Reads and runs the file. */
export interface Load extends OfScript {
  t: "load";
  id: number;
  file: string;
}

/** Calls `init`, if there is one. */
export interface Init extends OfScript {
  t: "init";
  id: number;
  pluginId: number;
  pluginAlias: string;
  scriptAlias: string;
}

/** Calls `main`, if there is one. */
export interface Main extends OfScript {
  t: "main";
  id: number;
  args: string[];
}

/** Calls `shutdown`, if there is one. */
export interface Shutdown extends OfScript {
  t: "shutdown";
  id: number;
}

/** Answered when the script could run a callback now. */
export interface Ping extends OfScript {
  t: "ping";
  id: number;
}

/**
 * Asks where the script stands with a request that is open: load, init, main or run. Answered at once, whatever the script
 * does: with a text such as `check_disk.py:12 in check`, or null where it is not known. For a request that is not running,
 * while another callback of the script keeps it from running: {@link TurnOfAnother}.
 */
export interface Where extends OfScript {
  t: "where";
  id: number;
  run: number;
}

export interface TurnOfAnother {
  /** Where the callback is whose turn it is. */
  turn: string | null;
}

/** Calls what the script registered as handler `h`. */
export interface Run extends OfScript {
  t: "run";
  id: number;
  h: number;
  /** By the kind of the handler: see {@link CallbackKinds}. */
  args: unknown[];
  /** Who asks; sent when the handler was registered with `context`. */
  call?: CallFacts;
}

/** Nobody waits for the answer to this request any more. */
export interface Cancel extends OfScript {
  t: "cancel";
  id: number;
  reason: string;
}

export type ToScript = Load | Init | Main | Shutdown | Ping | Where | Run | Cancel | Ok | Failed;

/** What a callback may know of the call that it answers. */
export interface CallFacts {
  command: string;
  principal: string;
  frontEnd: string;
  peer: string;
  traceId: string;
  /** Milliseconds until the caller gives up, when that is known. */
  remainingMs?: number;
}

/** What a handler is called with, what it answers, and which message is the raw block of each, by its kind. */
export interface CallbackKinds {
  query: { args: [command: string, args: string[]]; value: [code: number, message: string, perf: string] };
  /** QueryRequestMessage → QueryResponseMessage */
  queryRaw: { args: [command: string]; value: [code: number] };
  command: { args: [command: string, args: string[]]; value: [code: number, message: string] };
  /** ExecuteRequestMessage → ExecuteResponseMessage */
  commandRaw: { args: [command: string]; value: [code: number] };
  /** Once per line of each result. */
  channel: {
    args: [channel: string, source: string, command: string, code: number, message: string, perf: string];
    value: boolean;
  };
  /** SubmitRequestMessage → SubmitResponseMessage, which may be absent */
  channelRaw: { args: [channel: string]; value: boolean };
  event: { args: [event: string, data: Record<string, string>]; value: null };
  /** EventMessage → nothing */
  eventRaw: { args: [event: string]; value: null };
  metricsSink: { args: [metrics: Record<string, string>]; value: null };
  metricsSource: { args: []; value: Record<string, string | number> };
}

export type CallbackKind = keyof CallbackKinds;

// Script to gateway

/** Makes handler `h` answer `name`; the same name and kind again replaces it. Not answered. */
export interface Register extends OfScript {
  t: "register";
  kind: CallbackKind;
  /** Command, channel or event; empty for metrics. */
  name: string;
  h: number;
  options?: RegisterOptions;
}

export interface RegisterOptions {
  description?: string;
  /** Other names for the same query. */
  aliases?: string[];
  /** How long the query may take, in milliseconds. */
  timeout?: number;
  /** The script answers the argument `help` itself. */
  handlesHelp?: boolean;
  /** The handler wants to know who asks. */
  context?: boolean;
}

/** Takes a registration back. Not answered. */
export interface Unregister extends OfScript {
  t: "unregister";
  kind: CallbackKind;
  name: string;
}

/** Calls the gateway. */
export interface Call extends OfScript {
  t: "call";
  id: number;
  op: HostOperation;
  args: unknown[];
  /** Id of the {@link Run} during which it is made: deadline and depth carry over. */
  in?: number;
}

export interface Log extends OfScript {
  t: "log";
  level: "error" | "info" | "debug";
  text: string;
  in?: number;
}

/** A line that the script printed. */
export interface Output extends OfScript {
  t: "output";
  stream: "stdout" | "stderr";
  text: string;
}

export type ToGateway = Register | Unregister | Call | Log | Output | Ok | Failed;

/** What scripts can ask of the gateway; raw blocks are the serialized messages that the names say. */
export interface HostOperations {
  simpleQuery: { args: [command: string, args: string[]]; value: [code: number, message: string, perf: string] };
  /** QueryRequestMessage → QueryResponseMessage */
  query: { args: [command: string]; value: null };
  /** When nobody has the command, the only result says so. */
  simpleExec: {
    args: [target: string, command: string, args: string[]];
    value: [code: number, results: string[], handled: boolean];
  };
  /** ExecuteRequestMessage → ExecuteResponseMessage; the value tells whether anybody handled it */
  exec: { args: [target: string]; value: boolean };
  simpleSubmit: {
    args: [channel: string, command: string, code: number, message: string, perf: string];
    value: [handled: boolean, message: string];
  };
  /** SubmitRequestMessage → nothing */
  submit: { args: [channel: string]; value: [handled: boolean, message: string] };
  /** EventMessage → nothing */
  emit: { args: []; value: null };
  reload: { args: [name: string]; value: boolean };
  loadModule: { args: [module: string, alias: string]; value: boolean };
  unloadModule: { args: [name: string]; value: boolean };
  /** Whether a loaded module has the id. */
  knowsPlugin: { args: [id: number]; value: boolean };
  expandPath: { args: [text: string]; value: string };
  settingsSection: { args: [path: string]; value: string[] };
  settingsString: { args: [path: string, key: string, fallback: string]; value: string };
  settingsBool: { args: [path: string, key: string, fallback: boolean]; value: boolean };
  settingsInt: { args: [path: string, key: string, fallback: number]; value: number };
  settingsSet: { args: [path: string, key: string, value: string]; value: null };
  settingsSave: { args: []; value: null };
  registerPath: { args: [path: string, title: string, description: string]; value: null };
  registerKey: {
    args: [path: string, key: string, type: string, title: string, description: string, fallback: string];
    value: null;
  };
  /** SettingsRequestMessage → SettingsResponseMessage */
  settingsQuery: { args: []; value: null };
  /** RegistryRequestMessage → RegistryResponseMessage */
  registryQuery: { args: []; value: null };
}

export type HostOperation = keyof HostOperations;
