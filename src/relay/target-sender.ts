import type { Clock } from "../kernel/clock.js";
import { secondsText } from "../kernel/deadlines.js";
import { GatewayError } from "../kernel/errors.js";
import type { PendingResult } from "./incoming-results.js";
import type { NameMapping } from "./names.js";
import type { Sender, Verdict } from "./relay.js";

interface TargetSenderParts {
  readonly sender: Sender;
  readonly mapping: NameMapping;
  /** How long a batch may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What a target adds to the sender of its protocol: the names that its receiver knows, and an end to every batch. */
export class TargetSender implements Sender {
  constructor(private readonly parts: TargetSenderParts) {}

  async send(batch: readonly PendingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const { sender, mapping, timeoutMs, clock } = this.parts;
    const controller = new AbortController();
    const end = () => controller.abort(signal.reason);
    if (signal.aborted) throw signal.reason;
    signal.addEventListener("abort", end, { once: true });
    const cancel = clock.after(timeoutMs, () => {
      const text = `The batch took longer than ${secondsText(timeoutMs)} s`;
      controller.abort(new GatewayError("DEADLINE_EXCEEDED", text));
    });
    try {
      return await sender.send(
        batch.map((result) => ({ ...result, ...mapping(result) })),
        controller.signal,
      );
    } catch (thrown) {
      // What a protocol makes of an aborted signal tells less than why it was aborted.
      throw controller.signal.aborted ? controller.signal.reason : thrown;
    } finally {
      cancel();
      signal.removeEventListener("abort", end);
    }
  }

  close(): void | Promise<void> {
    return this.parts.sender.close();
  }
}
