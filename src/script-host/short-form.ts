/**
 * The short form of the two messages that travel most, `run` and `ok`: an array instead of an object. Writing and reading
 * JSON is the largest part of what a call of a script costs, and this halves it.
 *
 *     ["r", id, h, args]  is {"t":"run","id":id,"h":h,"args":args}
 *     ["o", id, value]    is {"t":"ok","id":id,"value":value}
 *
 * Where scripts share a channel the script's number `s` stands at the end. A message with anything else is an object.
 */
import type { Ok, Run } from "./protocol.js";

/** A message with longer texts goes as an object, whose size is known before it waits. */
const maxSize = 16_384;

/** What every message and every value of it is taken to need beside its texts. */
const overhead = 16;

/**
 * About how many characters the short form of a message has, or 0 when it has none. Only messages of plain values have
 * one: it is written later than it is sent, and nothing of it may change meanwhile.
 */
export function shortSize(message: object): number {
  const { t } = message as { t?: string };
  if (t === "run") return (message as Run).call === undefined ? sizeOf((message as Run).args, 2) : 0;
  return t === "ok" ? sizeOf((message as Ok).value, 2) : 0;
}

/** @param message one for which {@link shortSize} is not 0 */
export function shortForm(message: object): unknown[] {
  const { s } = message as Run | Ok;
  if ((message as Run | Ok).t === "run") {
    const { id, h, args } = message as Run;
    return s === undefined ? ["r", id, h, args] : ["r", id, h, args, s];
  }
  const { id, value = null } = message as Ok;
  return s === undefined ? ["o", id, value] : ["o", id, value, s];
}

/** The message that a short form stands for; what is none is returned as it is. */
export function longForm(message: object): object {
  if (!Array.isArray(message)) return message;
  // By index: taking an array apart by a pattern goes through its iterator, here for every call of a script.
  const parts = message as unknown[];
  const id = parts[1];
  if (parts[0] === "r") return { t: "run", id, h: parts[2], args: parts[3], s: parts[4] };
  if (parts[0] === "o") return { t: "ok", id, value: parts[2], s: parts[3] };
  throw new Error(`There is no short form ${String(JSON.stringify(parts[0])).slice(0, 20)}.`);
}

/** Of texts, numbers and the like, alone or in arrays of arrays; 0 for what is more than that or too long. */
function sizeOf(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length <= maxSize ? value.length + overhead : 0;
  if (typeof value !== "object" || value === null) return overhead;
  if (depth === 0 || !Array.isArray(value)) return 0;
  let size = overhead;
  for (let index = 0; index < value.length; index++) {
    const item = sizeOf(value[index], depth - 1);
    if (item === 0) return 0;
    size += item;
    if (size > maxSize) return 0;
  }
  return size;
}
