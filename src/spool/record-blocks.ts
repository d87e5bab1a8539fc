import type { RecordBlock } from "./messages.js";
import type { DeadLetter, SpoolRecord } from "./spool.js";

/** The records of a block that wait. Their bytes are views of the block's. */
export function recordsOf(block: RecordBlock): SpoolRecord[] {
  let at = 0;
  return block.heads.map(({ sequence, timeMs, subject, length }) => {
    const bytes = block.bytes.subarray(at, at + length);
    at += length;
    return { sequence, timeMs, subject, bytes };
  });
}

/** The dead letters of a block. */
export function deadLettersOf(block: RecordBlock): DeadLetter[] {
  const records = recordsOf(block);
  return block.heads.flatMap(({ reason = "", buriedMs = 0 }, index) => {
    const record = records[index];
    return record === undefined ? [] : { ...record, reason, buriedMs };
  });
}
