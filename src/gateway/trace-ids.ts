import { randomBytes } from "node:crypto";

/** Asking the system for random bytes costs more than a whole built-in check, so it is done for many ids at a time. */
const idBytes = 8;
const idLength = 2 * idBytes;
/** An id that is kept keeps the digits of all of them. */
const idsAtATime = 256;
let digits = "";
let next = 0;

/** An id that ties together what is logged about a call: 16 hexadecimal digits. */
export function newTraceId(): string {
  if (next === digits.length) {
    digits = randomBytes(idsAtATime * idBytes).toString("hex");
    next = 0;
  }
  next += idLength;
  return digits.slice(next - idLength, next);
}
