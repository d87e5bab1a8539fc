import { Header, QueryRequest, QueryRequestMessage } from "../src/wire/messages.js";

/** One figure: what is asked, how, and how near to the floor it should come. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly kind: "unary" | "stream";
  /** The check that is asked for. */
  readonly command: string;
  /** Payloads in one message. */
  readonly payloads: number;
  /** Calls in flight on the one channel; on a stream messages without their answer. */
  readonly inFlight: number;
  readonly request: Uint8Array;
  /** The least share of the floor's calls per second that we want to see. */
  readonly goal?: number;
}

/** A TypeScript function such as users write: arguments in, a state, a text and performance data out. */
export const benchScript = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction(
    "check_bench",
    (args) => [status.OK, \`\${args[0] ?? "0"} messages are waiting\`, "'waiting'=12;50;100;0"],
    "Answers at once",
  );
}
`;

/** The same in Python. */
export const pythonBenchScript = `
from NSCP import Registry, status


def check(args):
    return status.OK, f"{args[0] if args else 0} messages are waiting", "'waiting'=12;50;100;0"


def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_pybench", check, "Answers at once")
`;

export const scenarios: readonly Scenario[] = [
  unary("builtin-1", "built-in check", "check_ok", 1, 0.8),
  unary("builtin-100", "built-in check, 100 payloads", "check_ok", 100, 0.7),
  unary("script-1", "TypeScript function", "check_bench", 1, 0.65),
  unary("script-100", "TypeScript function, 100 payloads", "check_bench", 100, 0.35),
  unary("python-1", "Python function", "check_pybench", 1, 0.6),
  unary("python-100", "Python function, 100 payloads", "check_pybench", 100, 0.3),
  stream("builtin-stream", "built-in check, QueryStream", "check_ok"),
  stream("script-stream", "TypeScript function, QueryStream", "check_bench"),
  stream("python-stream", "Python function, QueryStream", "check_pybench"),
];

function unary(name: string, title: string, command: string, payloads: number, goal: number): Scenario {
  // Two messages of 100 stay below the 256 calls that a script host takes at a time.
  const inFlight = payloads === 1 ? 64 : 2;
  return { name, title, kind: "unary", command, payloads, inFlight, goal, request: requestOf(command, payloads, "") };
}

function stream(name: string, title: string, command: string): Scenario {
  return { name, title, kind: "stream", command, payloads: 1, inFlight: 64, request: requestOf(command, 1, "4711") };
}

/** A message that asks for so many of the same check. */
export function requestOf(command: string, payloads: number, messageId: string): Uint8Array {
  const argument = command === "check_ok" ? "message=12 messages are waiting" : "12";
  return QueryRequestMessage.encode({
    header: messageId === "" ? null : Header.create({ messageId }),
    payload: Array.from({ length: payloads }, (_, index) =>
      QueryRequest.create({ id: index + 1, command, arguments: [argument] }),
    ),
  }).finish();
}
