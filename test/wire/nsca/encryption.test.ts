import { createCipheriv, createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MakeBlockCipher } from "../../../src/wire/nsca/ciphers/block-cipher.js";
import { Blowfish } from "../../../src/wire/nsca/ciphers/blowfish.js";
import { Cast128 } from "../../../src/wire/nsca/ciphers/cast-128.js";
import { Cast256 } from "../../../src/wire/nsca/ciphers/cast-256.js";
import { Gost } from "../../../src/wire/nsca/ciphers/gost.js";
import { Loki97 } from "../../../src/wire/nsca/ciphers/loki97.js";
import { Rc2 } from "../../../src/wire/nsca/ciphers/rc2.js";
import { Rijndael } from "../../../src/wire/nsca/ciphers/rijndael.js";
import { SaferPlus } from "../../../src/wire/nsca/ciphers/safer-plus.js";
import { Serpent } from "../../../src/wire/nsca/ciphers/serpent.js";
import { Twofish } from "../../../src/wire/nsca/ciphers/twofish.js";
import { Xtea } from "../../../src/wire/nsca/ciphers/xtea.js";
import { nscaEncryption } from "../../../src/wire/nsca/encryption.js";
import { type NscaMethod, parseNscaMethod } from "../../../src/wire/nsca/methods.js";
import { recordings } from "./recordings.js";

const OWN_CIPHERS: Readonly<Record<number, MakeBlockCipher>> = {
  4: (key) => new Cast128(key),
  5: (key) => new Cast256(key),
  6: (key) => new Xtea(key),
  8: (key) => new Blowfish(key),
  9: (key) => new Twofish(key),
  10: (key) => new Loki97(key),
  11: (key) => new Rc2(key),
  15: (key) => new Rijndael(key, 24),
  16: (key) => new Rijndael(key, 32),
  20: (key) => new Serpent(key),
  23: (key) => new Gost(key),
  26: (key) => new SaferPlus(key),
};

const NAMES = [
  ...["none", "xor", "des", "3des", "cast128", "cast256", "xtea", "blowfish", "twofish", "loki97", "rc2"],
  ...["rijndael128", "rijndael192", "rijndael256", "serpent", "gost", "saferplus", "aes128", "aes192"],
];

function method(name: string): NscaMethod {
  const parsed = parseNscaMethod(name);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  return parsed.method;
}

describe("A cipher", () => {
  for (const { method: number, name, key_size, block_size, ecb } of recordings.primitives) {
    it(`${name} encrypts a block as libmcrypt does`, () => {
      const made = ecb.map(({ key, plaintext }) => {
        const whole = Buffer.alloc(key_size);
        whole.write(key, "hex");
        const block = Buffer.from(plaintext, "hex");
        const own = OWN_CIPHERS[number]?.(whole);
        if (own === undefined) return nativeBlock(number, whole, block);
        const output = Buffer.alloc(block_size);
        own.encryptBlock(Buffer.concat([Buffer.alloc(5), block]), 5, output);
        return output.toString("hex");
      });
      expect(made).toEqual(ecb.map(({ ciphertext }) => ciphertext));
    });
  }
});

/** What a cipher of OpenSSL makes of a block. */
function nativeBlock(number: number, key: Buffer, block: Buffer): string {
  const names: Record<number, string> = { 2: "des-ede3", 3: "des-ede3", 14: "aes-256-ecb" };
  const whole = number === 2 ? Buffer.concat([key, key, key]) : key;
  return createCipheriv(names[number] ?? "", whole, null)
    .update(block)
    .toString("hex");
}

describe("The encryption of a connection", () => {
  for (const { method: number, password, note, iv, packets } of recordings.connections) {
    it(`is method ${number}'s of send_nsca: ${note}`, () => {
      const parsed = method(`${number}`);
      const ivBytes = Buffer.from(iv, "hex");
      const encrypting = nscaEncryption(parsed, password, ivBytes, "encrypt");
      const decrypting = nscaEncryption(parsed, password, ivBytes, "decrypt");
      for (const { ciphertext, plaintext_sha256 } of packets) {
        const plaintext = decrypting.update(Buffer.from(ciphertext, "hex"));
        expect(createHash("sha256").update(plaintext).digest("hex")).toBe(plaintext_sha256);
        expect(hex(encrypting.update(plaintext))).toBe(ciphertext);
      }
    });
  }

  it("can be undone with every method, whatever the pieces are", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 6 });
    const iv = fc.uint8Array({ minLength: 128, maxLength: 128 });
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES),
        fc.string({ maxLength: 150 }),
        iv,
        pieces,
        (name, password, ivBytes, texts) => {
          const encrypting = nscaEncryption(method(name), password, ivBytes, "encrypt");
          const decrypting = nscaEncryption(method(name), password, ivBytes, "decrypt");
          for (const text of texts) expect(hex(decrypting.update(encrypting.update(text)))).toBe(hex(text));
        },
      ),
    );
  });

  it("is the same stream however it is cut, except with XOR, which begins anew with each packet", () => {
    const text = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 7) & 255));
    const iv = Buffer.alloc(128, 0x5a);
    for (const name of NAMES.filter((each) => each !== "xor")) {
      const whole = nscaEncryption(method(name), "secret", iv, "encrypt").update(text);
      const pieces = nscaEncryption(method(name), "secret", iv, "encrypt");
      const cut = [0, 1, 17, 50, 300].map((end, index, ends) =>
        pieces.update(text.subarray(ends[index - 1] ?? 0, end)),
      );
      expect(hex(Buffer.concat(cut)), name).toBe(hex(whole));
    }
    const xor = nscaEncryption(method("xor"), "secret", iv, "encrypt");
    expect(xor.restarts).toBe(true);
    expect(hex(xor.update(text))).toBe(hex(xor.update(text)));
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
