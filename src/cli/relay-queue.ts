import { openConfiguration } from "../gateway/configuration.js";
import { GatewayError } from "../kernel/errors.js";
import { moduleKey } from "../kernel/modules.js";
import type { RelayModule } from "../relay/define-relay.js";
import type { RelaySettings } from "../relay/relay-settings.js";
import { readModules } from "../settings/modules.js";
import { readSettings } from "../settings/read.js";
import { sectionAlias } from "../settings/schema.js";
import { Header, QueryResponse, ResultCode, StatusCode, SubmitRequestMessage } from "../wire/messages.js";
import { passiveResult } from "../wire/passive-result.js";
import type { CliIo } from "./context.js";
import { withRunning } from "./control-socket.js";
import { submitOptions } from "./relay-options.js";
import type { StoreOptions } from "./store-options.js";

/** What one message to the gateway may have: its limit is 4 MiB. */
const messageLimits = { results: 1000, bytes: 2 * 1024 * 1024 };

/**
 * Hands results to the gateway that runs on this machine, which keeps them on disk until their receiver has them.
 *
 * @param words the arguments of the relay's submit command
 * @returns the exit code: 0 when all are on disk, else 3
 * @throws GatewayError INVALID_ARGUMENT for an option that says how to reach the receiver: that is the gateway's business;
 * UNAVAILABLE when no gateway runs
 */
export async function queueResults(
  relay: RelayModule,
  words: readonly string[],
  store: StoreOptions,
  io: CliIo,
): Promise<number> {
  const { results, target, sender, targetOptions, isDryRun } = submitOptions(relay.protocol, words);
  const [own] = targetOptions.keys();
  if (own !== undefined || isDryRun) {
    const what =
      own === undefined ? "a dry run sends nothing" : `${own} is the gateway's business, name a --target of its`;
    throw new GatewayError("INVALID_ARGUMENT", `--queue hands results to the running gateway: ${what}`);
  }
  const channel = channelOf(relay, store);
  const payload = results.map(({ host, ...result }, index) =>
    QueryResponse.create({ ...passiveResult({ host: host || sender, ...result }), id: index + 1 }),
  );
  const answers = await withRunning(store, async (client) => {
    const collected = [];
    for (const part of partsOf(payload)) {
      const header = target === "" ? null : Header.create({ recipientId: target });
      collected.push(...(await client.submit(SubmitRequestMessage.create({ header, channel, payload: part }))).payload);
    }
    return collected;
  });
  const refused = answers.filter(({ result }) => result !== null && result.code !== StatusCode.STATUS_OK);
  const texts = new Set(
    answers.map(
      ({ result }) => `${result?.message || "Submission successful"}${result?.data === "queued" ? " (queued)" : ""}`,
    ),
  );
  for (const text of texts) io.stdout(`${text}\n`);
  return refused.length === 0 && answers.length === payload.length ? 0 : ResultCode.UNKNOWN;
}

/** The first channel that the relay listens on. */
function channelOf(relay: RelayModule, options: StoreOptions): string {
  const { store } = openConfiguration(options);
  const entry = readModules(store).find(({ module }) => moduleKey(module) === moduleKey(relay.name));
  const alias = sectionAlias(relay, entry?.alias ?? relay.defaultAlias);
  const { channel } = readSettings(relay.settings, store, alias) as unknown as RelaySettings;
  return channel[0] ?? relay.protocol.channel;
}

function* partsOf(payload: readonly QueryResponse[]): Generator<QueryResponse[]> {
  let part: QueryResponse[] = [];
  let bytes = 0;
  for (const result of payload) {
    const size = QueryResponse.encode(result).finish().length;
    if (part.length > 0 && (part.length >= messageLimits.results || bytes + size > messageLimits.bytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(result);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
