import {
  type NrdpResult,
  plainName,
  plainText,
  type ReadResults,
  type ResultFields,
  readResults,
} from "./check-result.js";

/** Writes results as a document, in their order. Control characters are replaced as in XML, see {@link plainText}. */
export function writeJsonDocument(results: Iterable<NrdpResult>): string {
  return JSON.stringify({ checkresults: Array.from(results, jsonResult) });
}

function jsonResult({ type, hostname, servicename, state, output, time }: NrdpResult) {
  return {
    checkresult: { type, checktype: "1" },
    hostname: plainName(hostname),
    ...(type === "service" ? { servicename: plainName(servicename) } : {}),
    state: String(state),
    output: plainText(output),
    ...(time === undefined ? {} : { time: String(time) }),
  };
}

/**
 * Reads a document; numbers and texts are both accepted for every field.
 *
 * @param bytes in UTF-8
 */
export function parseJsonDocument(bytes: Uint8Array): ReadResults {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { problem: "Malformed UTF-8 characters, possibly incorrectly encoded" };
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { problem: "Syntax error" };
  }
  const list = memberOf(document, "checkresults");
  if (!Array.isArray(list)) return { problem: "There is no list checkresults" };
  return readResults(list.map(resultFields));
}

function resultFields(entry: unknown): ResultFields {
  return {
    type: textOf(memberOf(memberOf(entry, "checkresult"), "type")) || "host",
    hostname: textOf(memberOf(entry, "hostname")),
    servicename: textOf(memberOf(entry, "servicename")),
    state: textOf(memberOf(entry, "state")),
    output: textOf(memberOf(entry, "output")),
    time: textOf(memberOf(entry, "time")),
  };
}

/** A member of a JSON object; undefined for anything else. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** A JSON text or number as text; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
