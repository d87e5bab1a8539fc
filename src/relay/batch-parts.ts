import { errorText } from "../kernel/errors.js";
import { BatchRefused, type OutgoingResult, type Sender, type Verdict } from "./relay.js";

/**
 * Sends a batch and gives what became of it, part by part in order: as one part, or as many as it takes to find the
 * result because of which the receiver refuses the batch as a whole. Whoever reads the parts says when the next one is
 * sent. After a part in which something failed there is none.
 */
export async function* sendInParts(
  sender: Pick<Sender, "send">,
  batch: readonly OutgoingResult[],
  signal: AbortSignal,
): AsyncGenerator<readonly Verdict[], void, void> {
  const parts = [batch];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const verdicts = await verdictsFor(sender, part, signal);
    if (verdicts instanceof BatchRefused) {
      const middle = Math.ceil(part.length / 2);
      parts.unshift(part.slice(0, middle), part.slice(middle));
      continue;
    }
    yield verdicts;
    if (verdicts.some(({ kind }) => kind === "failed")) return;
  }
}

/** One for each result. A result that is refused alone is the one that was looked for. */
async function verdictsFor(
  sender: Pick<Sender, "send">,
  part: readonly OutgoingResult[],
  signal: AbortSignal,
): Promise<readonly Verdict[] | BatchRefused> {
  try {
    const given = await sender.send(part, signal);
    return part.map((_result, index) => given[index] ?? failed("The receiver gave no answer for it"));
  } catch (thrown) {
    if (!(thrown instanceof BatchRefused)) return part.map(() => failed(errorText(thrown)));
    return part.length > 1 ? thrown : [{ kind: "refused", reason: thrown.message }];
  }
}

function failed(reason: string): Verdict {
  return { kind: "failed", reason };
}
