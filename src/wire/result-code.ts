/** States of checks by number and by name. */
import { ResultCode } from "./messages.js";

const NAMES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"] as const;

/** A state as people write it, in capitals. */
type CodeName = (typeof NAMES)[number];

const CODES: ReadonlyMap<string, ResultCode> = new Map([
  ...["ok", "o", "0"].map((word) => [word, ResultCode.OK] as const),
  ...["warning", "warn", "w", "1"].map((word) => [word, ResultCode.WARNING] as const),
  ...["critical", "crit", "c", "error", "err", "e", "2"].map((word) => [word, ResultCode.CRITICAL] as const),
  ...["unknown", "u", "3"].map((word) => [word, ResultCode.UNKNOWN] as const),
]);

/** `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`; numbers that are no state are unknown. */
export function codeName(code: number): CodeName {
  return NAMES[code] ?? "UNKNOWN";
}

/**
 * The state that a word means: `ok`, `warning` or `warn`, `critical` or `crit`, `error` or `err` (which are critical),
 * `unknown`, an initial of these, or a digit; in any case, blanks around it don't matter. Undefined for anything else.
 */
export function parseCode(word: string): ResultCode | undefined {
  return CODES.get(word.trim().toLowerCase());
}

/** A number from outside, such as an exit code, as a state: what is no state is UNKNOWN. */
export function toResultCode(code: number): ResultCode {
  return NAMES[code] === undefined ? ResultCode.UNKNOWN : code;
}

/** The worst of the states, in the order OK, WARNING, CRITICAL, UNKNOWN; OK when there is none. */
export function worstCode(codes: Iterable<number>): ResultCode {
  let worst: ResultCode = ResultCode.OK;
  for (const code of codes) {
    const state = toResultCode(code);
    if (state > worst) worst = state;
  }
  return worst;
}
