/** What became of a queue of a damaged store. */
export interface QueueSalvage {
  readonly name: string;
  /** Results that wait in the new store, and dead letters. */
  readonly waiting: number;
  readonly dead: number;
  /** Of these, found only by a scan of the file: some may have been delivered, removed or replaced before. */
  readonly scanned: number;
  readonly scannedDead: number;
  /** Could not be read; dead letters with their bytes, unless the scan found them whole. */
  readonly damaged: number;
  /** Sequence numbers that nobody can say more of: lost, or delivered out of order before. */
  readonly missing: number;
  /** The first of them, such as `17–19`. */
  readonly missingRanges: readonly string[];
  /** Dead letters that the trees don't lead to; the scan may have found some. */
  readonly missingDead: number;
}

export interface SalvageFindings {
  readonly queues: readonly QueueSalvage[];
  /** The first of what was wrong. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

/** So many ranges are named. */
const rangeLimit = 20;

/** The numbers from `start` up to, not including, `end` that are in neither list; both ascend. */
export function missingNumbers(
  start: number,
  end: number,
  first: Iterator<number>,
  second: Iterator<number>,
): { count: number; ranges: string[] } {
  const ranges: string[] = [];
  let count = 0;
  let at = start;
  const gapUpTo = (next: number): void => {
    if (next <= at) return;
    count += next - at;
    if (ranges.length < rangeLimit) ranges.push(next - at === 1 ? `${at}` : `${at}–${next - 1}`);
  };
  for (const number of merged(first, second)) {
    gapUpTo(Math.min(number, end));
    at = Math.max(at, number + 1);
  }
  gapUpTo(end);
  return { count, ranges };
}

function* merged(first: Iterator<number>, second: Iterator<number>): Generator<number> {
  let left = first.next();
  let right = second.next();
  while (left.done !== true || right.done !== true) {
    if (right.done === true || (left.done !== true && left.value <= right.value)) {
      yield left.value;
      left = first.next();
    } else {
      yield right.value;
      right = second.next();
    }
  }
}

/** One line for the log for each queue. */
export function salvageText(queue: QueueSalvage): string {
  const { name, waiting, dead, scanned, scannedDead, damaged, missing, missingRanges, missingDead } = queue;
  const notes = [
    ...(scanned + scannedDead > 0
      ? [
          `${scanned + scannedDead} of them were found outside of the store's order: before, they may have been removed, or replaced by newer ones`,
        ]
      : []),
    ...(damaged > 0 ? [`${damaged} could not be read where they should be`] : []),
    ...(missing > 0
      ? [
          `${missing} may be lost (sequence numbers ${missingRanges.join(", ")}${missingRanges.length === rangeLimit ? " …" : ""})`,
        ]
      : []),
    ...(missingDead > 0 ? [`up to ${missingDead} dead letters may be lost`] : []),
  ];
  const head = `${name}: ${results(waiting)} and ${dead === 1 ? "1 dead letter" : `${dead} dead letters`} are saved`;
  return [head, ...notes].join("; ");
}

function results(count: number): string {
  return count === 1 ? "1 result" : `${count} results`;
}
