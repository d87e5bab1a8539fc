import type { CliContext } from "./context.js";

/** A context that is loaded when it is needed, so that `nscp --version` doesn't wait for a gateway to be read. */
export interface ContextEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  load(): Promise<Pick<CliContext, "run">>;
}

/** The relays that results can be submitted with by hand: the word of their protocol, their module, their receiver. */
const relays = [
  ["nsca", "NSCAClient", "NSCA"],
  ["nsca-ng", "NSCANgClient", "NSCA-ng"],
  ["nrdp", "NRDPClient", "Nagios over HTTP (NRDP)"],
  ["icinga", "IcingaClient", "Icinga 2"],
  ["nagios", "NagiosClient", "Nagios on this machine"],
  ["graphite", "GraphiteClient", "Graphite"],
] as const;

/** What the first word of the command line can be, besides `help`. */
export const contexts: readonly ContextEntry[] = [
  {
    name: "client",
    summary: "Run checks and commands and submit results, here or at a gateway somewhere else",
    load: async () => (await import("./client.js")).clientContext,
  },
  {
    name: "settings",
    summary: "Read, write and check the settings",
    load: async () => (await import("./settings-contexts.js")).settingsContext,
  },
  {
    name: "config",
    summary: "config check: say what is wrong with the settings, with file and line",
    load: async () => (await import("./settings-contexts.js")).configContext,
  },
  {
    name: "service",
    summary: "Run the gateway",
    load: async () => (await import("./service.js")).serviceContext,
  },
  {
    name: "test",
    summary: "Run the gateway with a shell for trying things out",
    load: async () => (await import("./shell.js")).testContext,
  },
  {
    name: "status",
    summary: "Show how the running gateway is",
    load: async () => (await import("./status.js")).statusContext,
  },
  {
    name: "reload",
    summary: "Make the running gateway read its settings again",
    load: async () => (await import("./reload.js")).reloadContext,
  },
  {
    name: "queue",
    summary: "Look at what waits for receivers, try it again, drop or export it",
    load: async () => (await import("./queue.js")).queueContext,
  },
  {
    name: "nrpe",
    summary: "Ask NRPE agents, also as check_nrpe; switch the NRPE server on",
    load: async () => (await import("./nrpe.js")).nrpeContext,
  },
  {
    name: "py",
    aliases: ["python"],
    summary: "Add, list and run scripts in Python",
    load: async () => (await import("./py.js")).pythonContext,
  },
  {
    name: "node",
    summary: "Add, list and run scripts in TypeScript and JavaScript",
    load: async () => (await import("./node.js")).nodeContext,
  },
  {
    name: "ext",
    aliases: ["ext-scr"],
    summary: "ext --command NAME: run a command of a script, as client does",
    load: async () => (await import("./ext.js")).extContext,
  },
  {
    name: "unit",
    summary: "Run the tests of a script",
    load: async () => (await import("./unit.js")).unitContext,
  },
  {
    name: "certs",
    summary: "Make certificates",
    load: async () => (await import("./certs.js")).certsContext,
  },
  {
    name: "token",
    summary: "Make and list tokens for pollers",
    load: async () => (await import("./token.js")).tokenContext,
  },
  {
    name: "web",
    summary: "Set the web server up, with its users and roles",
    load: async () => (await import("./web.js")).webContext,
  },
  ...relays.map(([name, module, receiver]) => ({
    name,
    summary: `Submit results to ${receiver}`,
    load: async () => (await import("./relay.js")).relayContext(module),
  })),
];
