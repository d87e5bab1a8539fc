import type { Clock } from "../kernel/clock.js";
import { secondsText } from "../kernel/deadlines.js";
import { GatewayError } from "../kernel/errors.js";
import type { PendingResult } from "./incoming-results.js";
import type { NameMapping } from "./names.js";
import type { Sender, Verdict } from "./relay.js";

interface TargetSenderParts {
  /** Makes the sender of the protocol. */
  connect(): Sender;
  readonly mapping: NameMapping;
  /** How long a batch may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How long a protocol has to give up a batch that was ended, before its sender is replaced by another one. */
const graceMs = 5_000;

/** What a target adds to the sender of its protocol: the names that its receiver knows, and an end to every batch. */
export class TargetSender implements Sender {
  private sender: Sender | undefined;

  /** @throws GatewayError CONFIGURATION when the target can't work */
  constructor(private readonly parts: TargetSenderParts) {
    this.sender = parts.connect();
  }

  async send(batch: readonly PendingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    if (signal.aborted) throw signal.reason;
    const { mapping, timeoutMs, clock, connect } = this.parts;
    const controller = new AbortController();
    const end = () => controller.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    const cancel = clock.after(timeoutMs, () => {
      const text = `The batch took longer than ${secondsText(timeoutMs)} s`;
      controller.abort(new GatewayError("DEADLINE_EXCEEDED", text));
    });
    const stuck = this.stuck(controller.signal);
    this.sender ??= connect();
    try {
      const outgoing = batch.map((result) => ({ ...result, ...mapping(result) }));
      return await Promise.race([this.sender.send(outgoing, controller.signal), stuck.promise]);
    } catch (thrown) {
      // What a protocol makes of an aborted signal tells less than why it was aborted.
      throw controller.signal.aborted ? controller.signal.reason : thrown;
    } finally {
      cancel();
      stuck.cancel();
      signal.removeEventListener("abort", end);
    }
  }

  async close(): Promise<void> {
    await this.sender?.close();
  }

  /** Rejects when the batch was ended and the sender does not come back from it. The next batch has a sender of its own. */
  private stuck(signal: AbortSignal): { readonly promise: Promise<never>; cancel(): void } {
    let cancel = () => {};
    const promise = new Promise<never>((_resolve, reject) => {
      const wait = () => {
        cancel = this.parts.clock.after(graceMs, () => {
          this.sender = undefined;
          reject(signal.reason);
        });
      };
      signal.addEventListener("abort", wait, { once: true });
    });
    promise.catch(() => {});
    return { promise, cancel: () => cancel() };
  }
}
