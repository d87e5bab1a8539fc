/**
 * The encryption of one connection, in one direction.
 *
 * Ciphers run on over all packets of a connection, because their feedback register does. XOR begins anew with each packet.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { MakeBlockCipher } from "./ciphers/block-cipher.js";
import { Blowfish } from "./ciphers/blowfish.js";
import { Cast128 } from "./ciphers/cast-128.js";
import { Cast256 } from "./ciphers/cast-256.js";
import { Gost } from "./ciphers/gost.js";
import { Loki97 } from "./ciphers/loki97.js";
import { Rc2 } from "./ciphers/rc2.js";
import { Rijndael } from "./ciphers/rijndael.js";
import { SaferPlus } from "./ciphers/safer-plus.js";
import { Serpent } from "./ciphers/serpent.js";
import { Twofish } from "./ciphers/twofish.js";
import { Xtea } from "./ciphers/xtea.js";
import { CipherFeedback } from "./feedback.js";
import type { NscaMethod } from "./methods.js";

export interface NscaEncryption {
  /** Whether it begins anew with each packet, so that a packet has to be given as a whole. */
  readonly restarts: boolean;
  /** Encrypts or decrypts the next bytes of the connection; the given ones stay as they are. */
  update(bytes: Uint8Array): Uint8Array;
  /** The same where the bytes are. */
  updateInPlace(bytes: Uint8Array): void;
}

type Direction = "encrypt" | "decrypt";

/** Methods that OpenSSL has; a key for DES is used three times, which makes DES of Triple DES. */
const NATIVE: ReadonlyMap<string, { cipher: string; repeat: number }> = new Map([
  ["des", { cipher: "des-ede3-cfb8", repeat: 3 }],
  ["3des", { cipher: "des-ede3-cfb8", repeat: 1 }],
  ["aes128", { cipher: "aes-128-cfb8", repeat: 1 }],
  ["aes192", { cipher: "aes-192-cfb8", repeat: 1 }],
  ["rijndael128", { cipher: "aes-256-cfb8", repeat: 1 }],
]);

const OWN: ReadonlyMap<string, MakeBlockCipher> = new Map<string, MakeBlockCipher>([
  ["cast128", (key) => new Cast128(key)],
  ["cast256", (key) => new Cast256(key)],
  ["xtea", (key) => new Xtea(key)],
  ["blowfish", (key) => new Blowfish(key)],
  ["twofish", (key) => new Twofish(key)],
  ["loki97", (key) => new Loki97(key)],
  ["rc2", (key) => new Rc2(key)],
  ["rijndael192", (key) => new Rijndael(key, 24)],
  ["rijndael256", (key) => new Rijndael(key, 32)],
  ["serpent", (key) => new Serpent(key)],
  ["gost", (key) => new Gost(key)],
  ["saferplus", (key) => new SaferPlus(key)],
]);

/**
 * The encryption of a connection.
 *
 * @param password any length; what a cipher has no room for is left out, as mcrypt does
 * @param iv the 128 bytes of the init packet
 */
export function nscaEncryption(
  method: NscaMethod,
  password: string,
  iv: Uint8Array,
  direction: Direction,
): NscaEncryption {
  if (method.name === "none") return { restarts: false, update: (bytes) => bytes, updateInPlace: () => {} };
  const secret = Buffer.from(password);
  if (method.name === "xor") return new Xor(iv, secret);
  const key = Buffer.alloc(method.keySize);
  secret.copy(key);
  const native = NATIVE.get(method.name);
  if (native !== undefined) {
    const create = direction === "encrypt" ? createCipheriv : createDecipheriv;
    const keys = Buffer.concat(Array<Buffer>(native.repeat).fill(key));
    const stream = create(native.cipher, keys, iv.subarray(0, method.blockSize));
    return new Cipher(stream);
  }
  const make = OWN.get(method.name);
  if (make === undefined) throw new RangeError(`there is no cipher for NSCA's method ${method.name}`);
  return new Cipher(new CipherFeedback(make(key), iv, direction));
}

/** A cipher in feedback, OpenSSL's or ours. */
class Cipher implements NscaEncryption {
  readonly restarts = false;

  constructor(private readonly stream: { update(bytes: Uint8Array): Uint8Array }) {}

  update(bytes: Uint8Array): Uint8Array {
    return this.stream.update(bytes);
  }

  updateInPlace(bytes: Uint8Array): void {
    bytes.set(this.stream.update(bytes));
  }
}

/** Each byte is combined with one of the IV and one of the password, both taken from their beginning again and again. */
class Xor implements NscaEncryption {
  readonly restarts = true;
  /** What a packet is combined with; it is made once for the packets of a connection, which have one size. */
  #mask: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly iv: Uint8Array,
    private readonly secret: Uint8Array,
  ) {}

  update(bytes: Uint8Array): Uint8Array {
    const result = Uint8Array.from(bytes);
    this.updateInPlace(result);
    return result;
  }

  updateInPlace(bytes: Uint8Array): void {
    if (this.#mask.length < bytes.length) this.#mask = this.#maskOf(bytes.length);
    const mask = this.#mask;
    for (let index = 0; index < bytes.length; index++) bytes[index] = (bytes[index] ?? 0) ^ (mask[index] ?? 0);
  }

  #maskOf(length: number): Uint8Array {
    const { iv, secret } = this;
    const mask = new Uint8Array(length);
    for (const part of [iv, secret]) {
      if (part.length === 0) continue;
      for (let index = 0; index < length; index++) mask[index] = (mask[index] ?? 0) ^ (part[index % part.length] ?? 0);
    }
    return mask;
  }
}
