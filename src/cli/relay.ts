import { moduleDefinitions } from "../gateway/module-list.js";
import { localPrincipal } from "../kernel/principal.js";
import type { RelayModule } from "../relay/define-relay.js";
import { ExecuteRequest, ExecuteRequestMessage, ResultCode } from "../wire/messages.js";
import type { CliContext, CliIo } from "./context.js";
import { commandLog, logOptions } from "./logging.js";
import { readRelayArguments, relayCommand, submitOptions } from "./relay-options.js";
import { queueResults } from "./relay-queue.js";
import { parseArguments, type StoreOptions, storeOptions } from "./store-options.js";

/**
 * `nscp <word>`: submits results with a relay, and waits until the receiver has them. One for all relays; what differs is
 * what their protocols declare.
 *
 * @param name the relay's module
 */
export function relayContext(name: string): Pick<CliContext, "run"> {
  return { run: (args, io) => run(relayNamed(name), args, io) };
}

function relayNamed(name: string): RelayModule {
  const module = moduleDefinitions.find((definition) => definition.name === name);
  if (module === undefined || !("protocol" in module)) throw new Error(`${name} is no relay`);
  return module as unknown as RelayModule;
}

async function run(relay: RelayModule, args: readonly string[], io: CliIo): Promise<number> {
  const command = relayCommand(relay.protocol, io);
  if (!parseArguments(command, args)) return 1;
  const given = await readRelayArguments(command, io);
  if (given.words.length === 0) {
    io.stdout(
      `Usage: nscp ${relay.protocol.word} --host <host> --command <service> --result <state> --message <text>\n`,
    );
    io.stdout(`nscp ${relay.protocol.word} --help has all options.\n`);
    return ResultCode.UNKNOWN;
  }
  if (given.queue) return queueResults(relay, given.words, storeOptions(command, io), io);
  const { startLocalGateway } = await import("./gateway-run.js");
  const gateway = await startLocalGateway({
    store: withDefaultTarget(relay, given.words, storeOptions(command, io)),
    log: commandLog(logOptions(command), "warning", io),
    modules: { only: relay.name },
    serve: false,
  });
  try {
    const request = ExecuteRequest.create({ id: 1, command: submitCommand(relay), arguments: [...given.words] });
    const call = gateway.call({ principal: localPrincipal, frontEnd: "cli" });
    const { message } = await gateway.core.execute("", ExecuteRequestMessage.create({ payload: [request] }), call);
    for (const answer of message.payload) io.stdout(`${answer.message}\n`);
    const isDone = message.payload.length > 0 && message.payload.every(({ result }) => result === ResultCode.OK);
    return isDone ? 0 : ResultCode.UNKNOWN;
  } finally {
    await gateway.stop();
  }
}

/**
 * Where a receiver is no place in a network the target `default` always counts, and the module does not load while that
 * lacks something. So it gets what the command line says.
 */
function withDefaultTarget({ protocol, defaultSection }: RelayModule, words: readonly string[], store: StoreOptions) {
  if (protocol.defaultPort !== undefined) return store;
  const { targetOptions } = submitOptions(protocol, words);
  const path = `/settings/${protocol.section}/${defaultSection}/targets/default`;
  const defines = [...targetOptions].map(([key, value]) => ({ path, key, value }));
  return { ...store, defines: [...store.defines, ...defines] };
}

function submitCommand({ protocol }: RelayModule): string {
  return `submit_${protocol.word.replaceAll("-", "_")}`;
}
