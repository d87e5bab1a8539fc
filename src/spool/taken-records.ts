import type { ClaimedRange } from "./messages.js";

/**
 * Which records of which queue are in somebody's hands: nothing may replace or drop them.
 *
 * A claim reaches from one sequence number to another. What the receiver has, but whose removal found no room on the disk,
 * stays taken until it is removed: it is never claimed again in this process.
 */
export class TakenRecords {
  private readonly claims = new Map<number, ClaimedRange>();
  private readonly unsaved = new Map<number, Set<number>>();

  claim(queue: number, range: ClaimedRange | undefined): void {
    if (range === undefined) this.claims.delete(queue);
    else this.claims.set(queue, range);
  }

  /** The removal of these has to wait. */
  putOff(queue: number, sequences: Iterable<number>): void {
    const all = this.unsaved.get(queue) ?? new Set();
    this.unsaved.set(queue, all);
    for (const sequence of sequences) all.add(sequence);
  }

  /** The removals that had to wait are on disk. */
  allSaved(): void {
    this.unsaved.clear();
  }

  isPutOff(queue: number, sequence: number): boolean {
    return this.unsaved.get(queue)?.has(sequence) === true;
  }

  isTaken(queue: number, sequence: number): boolean {
    const claim = this.claims.get(queue);
    const isClaimed = claim !== undefined && sequence >= claim.first && sequence <= claim.last;
    return isClaimed || this.isPutOff(queue, sequence);
  }
}
