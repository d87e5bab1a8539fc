import { randomFillSync } from "node:crypto";

/** Asking the system for random bytes costs more than a whole built-in check, so it is done for many ids at a time. */
const idBytes = 8;
const pool = Buffer.alloc(512 * idBytes);
let next = pool.length;

/** An id that ties together what is logged about a call: 16 hexadecimal digits. */
export function newTraceId(): string {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  next += idBytes;
  return pool.toString("hex", next - idBytes, next);
}
