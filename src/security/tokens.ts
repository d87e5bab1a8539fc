import { createHash, randomBytes } from "node:crypto";
import { GatewayError } from "../kernel/errors.js";

/** A token as it is kept: what it is called and may do, and the hash by which it is known. */
export interface TokenRecord {
  /** Eight hexadecimal digits, to tell tokens apart in lists. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** SHA-256 in hexadecimal. A token has 256 random bits, so nothing slower is needed. */
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Milliseconds since the epoch; undefined when it does not expire. */
  readonly expires: number | undefined;
}

const formatVersion = 1;
/** The words in front let people, and programs that look for leaked secrets, see what it is. */
const tokenPrefix = "nscp_";

/** Makes a token. Its text is to be shown once; only the record is kept. */
export function makeToken(
  what: Pick<TokenRecord, "name" | "role" | "expires">,
  now: number,
): { readonly text: string; readonly record: TokenRecord } {
  const text = `${tokenPrefix}${randomBytes(32).toString("base64url")}`;
  const id = randomBytes(4).toString("hex");
  return { text, record: { id, ...what, hash: tokenHash(text), created: now } };
}

/**
 * The hash that a token is looked up by. Whoever guesses can't steer it, so how long the lookup takes tells nothing.
 */
export function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * Reads a token file.
 * @throws GatewayError CONFIGURATION naming the file and what is wrong in it
 */
export function parseTokens(text: string, file: string): TokenRecord[] {
  const broken = (what: string) => new GatewayError("CONFIGURATION", `${file}: ${what}`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("CONFIGURATION", `${file}: not a token file: it is no JSON`, { cause });
  }
  if (!isObject(content) || !Array.isArray(content["tokens"]))
    throw broken('not a token file: it has no list "tokens"');
  if (content["version"] !== formatVersion) {
    throw broken(
      `a token file of version ${String(content["version"])}, which this version of the gateway does not read`,
    );
  }
  return content["tokens"].map((entry: unknown, index) => {
    const record = parseRecord(entry);
    if (typeof record === "string") throw broken(`token ${index + 1} of the list has ${record}`);
    return record;
  });
}

export function serialiseTokens(tokens: readonly TokenRecord[]): string {
  const rows = tokens.map(({ id, name, role, hash, created, expires }) => ({
    ...{ id, name, role, hash: `sha256:${hash}` },
    created: new Date(created).toISOString(),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
  }));
  return `${JSON.stringify({ version: formatVersion, tokens: rows }, null, 2)}\n`;
}

/** The record, or what is wrong with it. */
function parseRecord(entry: unknown): TokenRecord | string {
  if (!isObject(entry)) return "no fields";
  const { id, name, role, hash, created, expires } = entry;
  if (typeof id !== "string" || id === "") return "no id";
  if (typeof name !== "string" || name === "") return "no name";
  if (typeof role !== "string") return "no role";
  const digits = typeof hash === "string" ? /^sha256:([0-9a-f]{64})$/.exec(hash)?.[1] : undefined;
  if (digits === undefined) return 'no hash of the form "sha256:…"';
  const createdAt = parseDate(created);
  const expiresAt = parseDate(expires);
  // A broken date of expiry must not make a token that lives for ever.
  if (expires !== undefined && expiresAt === undefined) return "an expiry that is no date";
  return { id, name, role, hash: digits, created: createdAt ?? 0, expires: expiresAt };
}

function parseDate(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
