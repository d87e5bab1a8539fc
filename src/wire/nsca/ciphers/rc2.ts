import type { BlockCipher } from "./block-cipher.js";

/** The permutation of bytes that RFC 2268 derives from the digits of pi. */
const PI_TABLE = Buffer.from(
  "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32" +
    "bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a" +
    "961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e" +
    "c5f3db47e5a59c770aa62068fe7fc1ad",
  "hex",
);

/** RC2 with a key of 128 bytes and 1024 effective bits. Source: RFC 2268. */
export class Rc2 implements BlockCipher {
  readonly blockSize = 8;
  readonly #words = new Int32Array(64);

  /** @param key 128 bytes; with all bits effective the RFC's expansion comes down to one substitution. */
  constructor(key: Uint8Array) {
    const expanded = Uint8Array.from(key);
    expanded[0] = PI_TABLE[expanded[0] ?? 0] ?? 0;
    for (let word = 0; word < 64; word++) {
      this.#words[word] = (expanded[2 * word] ?? 0) | ((expanded[2 * word + 1] ?? 0) << 8);
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const words = this.#words;
    let a = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    let b = (input[at + 2] ?? 0) | ((input[at + 3] ?? 0) << 8);
    let c = (input[at + 4] ?? 0) | ((input[at + 5] ?? 0) << 8);
    let d = (input[at + 6] ?? 0) | ((input[at + 7] ?? 0) << 8);
    for (let round = 0; round < 16; round++) {
      const word = 4 * round;
      a = (a + (b & ~d) + (c & d) + (words[word] ?? 0)) & 0xffff;
      a = ((a << 1) | (a >>> 15)) & 0xffff;
      b = (b + (c & ~a) + (d & a) + (words[word + 1] ?? 0)) & 0xffff;
      b = ((b << 2) | (b >>> 14)) & 0xffff;
      c = (c + (d & ~b) + (a & b) + (words[word + 2] ?? 0)) & 0xffff;
      c = ((c << 3) | (c >>> 13)) & 0xffff;
      d = (d + (a & ~c) + (b & c) + (words[word + 3] ?? 0)) & 0xffff;
      d = ((d << 5) | (d >>> 11)) & 0xffff;
      if (round === 4 || round === 10) {
        a = (a + (words[d & 63] ?? 0)) & 0xffff;
        b = (b + (words[a & 63] ?? 0)) & 0xffff;
        c = (c + (words[b & 63] ?? 0)) & 0xffff;
        d = (d + (words[c & 63] ?? 0)) & 0xffff;
      }
    }
    output[0] = a;
    output[1] = a >>> 8;
    output[2] = b;
    output[3] = b >>> 8;
    output[4] = c;
    output[5] = c >>> 8;
    output[6] = d;
    output[7] = d >>> 8;
  }
}
