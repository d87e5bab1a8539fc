import type { Clock } from "../../kernel/clock.js";
import { errorText } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import type { OutgoingResult, Sender, Verdict } from "../../relay/relay.js";
import { nagiosHostState, nagiosNameProblem } from "../../wire/nagios-command.js";
import { renderNagiosText } from "../../wire/nagios-text.js";
import type { NscaInit } from "../../wire/nsca/init-packet.js";
import type { NscaResult } from "../../wire/nsca/packet.js";
import { NscaWriter, type NscaWriterOptions } from "../../wire/nsca/writer.js";
import { toResultCode } from "../../wire/result-code.js";
import { NscaConnection, type NscaConnectionOptions } from "./nsca-connection.js";

export interface NscaSenderOptions {
  readonly connection: NscaConnectionOptions;
  readonly writer: NscaWriterOptions;
  /** Seconds to add to the time of the init packet. */
  readonly timeOffset: number;
  readonly resultsPerConnection: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Bytes that are written at once, as whole packets: large enough that a system call costs nothing beside the encryption. */
const chunkBytes = 64 * 1024;
/** Others get their turn after so many milliseconds of encryption. */
const longestTurnMs = 5;
/**
 * How long the first connection stays open after its first result. A daemon that can't read a packet closes when it has looked
 * at it; that is the only sign of a wrong password there is, and with our end on its way nobody could see it. A daemon that
 * found nothing to read looks again after a second.
 */
const proofMs = 1_500;

/** Results that were cut are named up to this number. */
const namedCuts = 3;

/**
 * Sends results to an NSCA daemon, as many on a connection as it takes. A result counts as sent when the daemon has closed the
 * connection in an orderly way after all of it was written.
 */
export class NscaSender implements Sender {
  /** Whether the daemon is known to read what is sent. */
  #isProven = false;

  constructor(private readonly options: NscaSenderOptions) {}

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const cuts = new Cuts();
    const verdicts: Verdict[] = batch.map(
      (outgoing) => refusalOf(outgoing) ?? { kind: "failed", reason: "It was not sent" },
    );
    const open = [...batch.keys()].filter((index) => verdicts[index]?.kind === "failed");
    const { resultsPerConnection } = this.options;
    for (let from = 0; from < open.length; from += resultsPerConnection) {
      const part = open.slice(from, from + resultsPerConnection);
      const results = part.flatMap((index) => batch[index] ?? []);
      try {
        await this.#sendPart(results, cuts, signal);
      } catch (error) {
        this.#isProven = false;
        for (const index of open.slice(from)) verdicts[index] = { kind: "failed", reason: errorText(error) };
        break;
      }
      for (const index of part) verdicts[index] = { kind: "delivered", text: "Submission successful" };
    }
    cuts.report(this.options.log);
    return verdicts;
  }

  /** Connections end with their part of a batch. */
  close(): void {}

  async #sendPart(results: readonly OutgoingResult[], cuts: Cuts, signal: AbortSignal): Promise<void> {
    const { connection, init } = await NscaConnection.open(this.options.connection, signal);
    try {
      await connection.finish(await this.#writeAll(connection, init, results, cuts));
    } catch (error) {
      connection.destroy();
      throw error;
    }
    this.#isProven = true;
  }

  /** Writes all but the last bytes, which are returned. */
  async #writeAll(
    connection: NscaConnection,
    init: NscaInit,
    results: readonly OutgoingResult[],
    cuts: Cuts,
  ): Promise<Uint8Array> {
    const { clock, timeOffset, resultsPerConnection } = this.options;
    const writer = new NscaWriter({ ...init, timestamp: init.timestamp + timeOffset }, this.options.writer);
    let needsProof = !this.#isProven && resultsPerConnection > 1;
    const { packetSize } = writer;
    const chunkSize = Math.max(1, Math.floor(chunkBytes / packetSize)) * packetSize;
    let chunk = Buffer.allocUnsafeSlow(chunkSize);
    let size = 0;
    let turnEnd = clock.monotonic() + longestTurnMs;
    for (const outgoing of results) {
      cuts.add(outgoing, writer.write(packetOf(outgoing), chunk.subarray(size, size + packetSize)));
      size += packetSize;
      const isTurnOver = clock.monotonic() >= turnEnd;
      if (!needsProof && size < chunkSize && !isTurnOver) continue;
      await connection.write(chunk.subarray(0, size));
      chunk = Buffer.allocUnsafeSlow(chunkSize);
      size = 0;
      if (needsProof) await connection.staysOpen(proofMs);
      needsProof = false;
      await nextTurn();
      turnEnd = clock.monotonic() + longestTurnMs;
    }
    return chunk.subarray(0, size);
  }
}

/** Names that would be taken for something else by whoever reads the daemon's command file. */
function refusalOf({ host, service }: OutgoingResult): Verdict | undefined {
  const reason =
    nagiosNameProblem("host", host) ?? (service === "" ? undefined : nagiosNameProblem("service", service));
  return reason === undefined ? undefined : { kind: "refused", reason };
}

function packetOf({ host, service, result }: OutgoingResult): NscaResult {
  const state = toResultCode(result.result);
  return { host, service, code: service === "" ? nagiosHostState(state) : state, output: renderNagiosText(result) };
}

/** What had to be shortened in a batch. */
class Cuts {
  readonly #named: string[] = [];
  #count = 0;

  add({ host, service }: OutgoingResult, cuts: readonly string[]): void {
    if (cuts.length === 0) return;
    this.#count++;
    if (this.#named.length < namedCuts)
      this.#named.push(`${host}${service === "" ? "" : `/${service}`}: ${cuts.join(", ")}`);
  }

  report(log: Logger): void {
    if (this.#count === 0) return;
    const more = this.#count > this.#named.length ? `; and ${this.#count - this.#named.length} more` : "";
    log.warn(`Results too long for the receiver were cut: ${this.#count} (${this.#named.join("; ")}${more})`);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
