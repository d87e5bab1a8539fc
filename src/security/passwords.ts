import { createHash, pbkdf2, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
const pbkdf2Async = promisify(pbkdf2);

/** Whether what somebody typed is the password. Takes the time of one hash, whatever the answer. */
export type PasswordCheck = (typed: string) => Promise<boolean>;

/** How the text of a login becomes a hash, and the hash that it must become. */
interface StoredHash {
  readonly expected: Buffer;
  compute(typed: string): Promise<Buffer>;
}

const hashBytes = 32;
const saltBytes = 16;
const maxIterations = 1_000_000;
/** 16 MiB and some 50 ms on a small machine: a login may wait that long, a guesser can't. */
const defaultCost = scryptCost(2 ** 14, 8, 1);

/**
 * The check for a password as it stands in the settings: `scrypt$N$r$p$salt$hash` with salt and hash in base64,
 * `pbkdf2-sha256$iterations$salt$hash` with both in hexadecimal, or the plain text. Without a password nobody gets in.
 *
 * @throws RangeError when it looks like a hash and can't be one; the message says why
 */
export function passwordCheck(stored: string): PasswordCheck {
  if (stored === "") return decoyCheck("");
  const hash = parseHash(stored);
  if (hash !== undefined) return async (typed) => timingSafeEqual(await hash.compute(typed), hash.expected);
  const expected = digest(stored);
  const decoy = decoyCheck("");
  return async (typed) => {
    await decoy(typed);
    return timingSafeEqual(digest(typed), expected);
  };
}

/** A check that says no after the time that the check for `like` takes, so that time does not tell who is a user. */
export function decoyCheck(like: string): PasswordCheck {
  const hash = parseHash(like) ?? defaultHash();
  return async (typed) => {
    await hash.compute(typed);
    return false;
  };
}

/** The password as it is to be kept: scrypt with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await scryptAsync(password, salt, hashBytes, defaultCost);
  const { N, r, p } = defaultCost;
  return `scrypt$${N}$${r}$${p}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

function parseHash(stored: string): StoredHash | undefined {
  const [scheme, ...fields] = stored.split("$");
  if (scheme === "scrypt" && fields.length === 5) return scryptHash(fields);
  if (scheme === "pbkdf2-sha256" && fields.length === 3) return pbkdf2Hash(fields);
  return undefined;
}

function scryptHash([n = "", r = "", p = "", salt = "", hash = ""]: readonly string[]): StoredHash {
  const cost = scryptCost(positive(n), positive(r), positive(p));
  const powerOfTwo = cost.N > 1 && Number.isInteger(Math.log2(cost.N));
  if (!powerOfTwo || cost.r < 1 || cost.p < 1 || cost.N * cost.r * cost.p > 2 ** 21) {
    throw new RangeError("the parameters of its scrypt hash are out of range");
  }
  const expected = Buffer.from(hash, "base64");
  if (expected.length < 16 || expected.length > 64) throw new RangeError("its scrypt hash has an impossible length");
  const saltBuffer = Buffer.from(salt, "base64");
  return { expected, compute: (typed) => scryptAsync(typed, saltBuffer, expected.length, cost) };
}

function pbkdf2Hash([iterations = "", salt = "", hash = ""]: readonly string[]): StoredHash {
  const count = positive(iterations);
  if (count < 1 || count > maxIterations) {
    throw new RangeError(`the iterations of its pbkdf2 hash are not between 1 and ${maxIterations}`);
  }
  const expected = Buffer.from(hash, "hex");
  if (expected.length !== hashBytes) throw new RangeError(`its pbkdf2 hash is not ${hashBytes} bytes in hexadecimal`);
  const saltBuffer = Buffer.from(salt, "hex");
  return { expected, compute: (typed) => pbkdf2Async(typed, saltBuffer, count, hashBytes, "sha256") };
}

function defaultHash(): StoredHash {
  const salt = randomBytes(saltBytes);
  return { expected: randomBytes(hashBytes), compute: (typed) => scryptAsync(typed, salt, hashBytes, defaultCost) };
}

function scryptCost(N: number, r: number, p: number) {
  return { N, r, p, maxmem: 256 * N * r };
}

function positive(text: string): number {
  return /^\d{1,8}$/.test(text) ? Number(text) : 0;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
