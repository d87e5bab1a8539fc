import { readFileSync } from "node:fs";
import { errorText, GatewayError } from "../kernel/errors.js";

/** Names that follow no rule, as they stand in a file. */
export interface NameTable {
  readonly hosts: ReadonlyMap<string, string>;
  /** By {@link pairKey}. */
  readonly services: ReadonlyMap<string, NamePair>;
}

export interface NamePair {
  readonly host: string;
  readonly service: string;
}

export function pairKey({ host, service }: NamePair): string {
  return `${host};${service}`;
}

/**
 * Reads a file of names: `old host = new host` and `host;service = host;service`, a line each; lines that begin with `#`
 * are comments.
 *
 * @throws GatewayError CONFIGURATION naming the file, and the line that is wrong
 */
export function readNameTable(file: string): NameTable {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    throw new GatewayError("CONFIGURATION", `name table: ${file} can't be read: ${errorText(thrown)}`, {
      cause: thrown,
    });
  }
  return parseNameTable(text, file);
}

/** @param file what errors call the text */
function parseNameTable(text: string, file: string): NameTable {
  const hosts = new Map<string, string>();
  const services = new Map<string, NamePair>();
  const firstLines = new Map<string, number>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|[\r\n]/)
    .entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const fail = (problem: string) => new GatewayError("CONFIGURATION", `name table: ${file}:${index + 1}: ${problem}`);
    const sides = sidesOf(line);
    if (sides === undefined) throw fail(`"${line}" has no =, write old = new`);
    const [from, to] = sides.map(namesOf);
    if (from === undefined || to === undefined) throw fail(`"${line}" lacks a name, or has more than one ; on a side`);
    if ((from.service === "") !== (to.service === "")) {
      throw fail(`"${line}" has a service on one side only; write host = host or host;service = host;service`);
    }
    const key = pairKey(from);
    const before = firstLines.get(key);
    if (before !== undefined) throw fail(`${sides[0]} stands in line ${before} already`);
    firstLines.set(key, index + 1);
    if (from.service === "") hosts.set(from.host, to.host);
    else services.set(key, to);
  }
  return { hosts, services };
}

/** A name may have a `=` in it; one with blanks around it is taken for the one that parts the line. */
function sidesOf(line: string): readonly [string, string] | undefined {
  const match = /^(.*?)\s+=\s+(.*)$/.exec(line) ?? /^([^=]*)=(.*)$/.exec(line);
  return match === null ? undefined : [(match[1] ?? "").trim(), (match[2] ?? "").trim()];
}

function namesOf(side: string): NamePair | undefined {
  const [host = "", service, ...more] = side.split(";").map((part) => part.trim());
  if (host === "" || service === "" || more.length > 0) return undefined;
  return { host, service: service ?? "" };
}
