import { type BlockCipher, once } from "./block-cipher.js";

const KEY_SIZE = 32;
const ROUNDS = 16;

/** Powers of 45 modulo 257, where 256 is written 0, and the logarithms to them. */
const tables = once(() => {
  const powers = new Uint8Array(256);
  const logarithms = new Uint8Array(256);
  for (let exponent = 0, power = 1; exponent < 256; exponent++, power = (45 * power) % 257) {
    powers[exponent] = power;
    logarithms[power & 255] = exponent;
  }
  return { powers, logarithms };
});

/** libmcrypt takes the words of blocks and keys in the opposite order, the bytes within a word in theirs. */
const WORD_SWAP = Uint8Array.from({ length: 16 }, (_, byte) => (byte & 3) | (12 - (byte & 12)));

/**
 * SAFER+ with keys of 32 bytes as libmcrypt has it. Source: Massey, Khachatrian and Kuregian, "Nomination of SAFER+", 1998.
 */
export class SaferPlus implements BlockCipher {
  readonly blockSize = 16;
  readonly #tables = tables();
  /** 33 subkeys of 16 bytes. */
  readonly #subkeys: Uint8Array;
  readonly #state = new Uint8Array(16);

  constructor(key: Uint8Array) {
    this.#subkeys = expandKey(key, this.#tables.powers);
  }

  encryptBlock(input: Uint8Array, start: number, output: Uint8Array): void {
    const k = this.#subkeys;
    const { powers, logarithms } = this.#tables;
    const s = this.#state;
    for (let byte = 0; byte < 16; byte++) s[byte] = input[start + (WORD_SWAP[byte] ?? 0)] ?? 0;
    for (let round = 0, at = 0; round < ROUNDS; round++, at += 32) {
      let x0 = (powers[(s[0] ?? 0) ^ (k[at + 0] ?? 0)] ?? 0) + (k[at + 16] ?? 0);
      let x1 = (logarithms[((s[1] ?? 0) + (k[at + 1] ?? 0)) & 255] ?? 0) ^ (k[at + 17] ?? 0);
      let x2 = (logarithms[((s[2] ?? 0) + (k[at + 2] ?? 0)) & 255] ?? 0) ^ (k[at + 18] ?? 0);
      let x3 = (powers[(s[3] ?? 0) ^ (k[at + 3] ?? 0)] ?? 0) + (k[at + 19] ?? 0);
      let x4 = (powers[(s[4] ?? 0) ^ (k[at + 4] ?? 0)] ?? 0) + (k[at + 20] ?? 0);
      let x5 = (logarithms[((s[5] ?? 0) + (k[at + 5] ?? 0)) & 255] ?? 0) ^ (k[at + 21] ?? 0);
      let x6 = (logarithms[((s[6] ?? 0) + (k[at + 6] ?? 0)) & 255] ?? 0) ^ (k[at + 22] ?? 0);
      let x7 = (powers[(s[7] ?? 0) ^ (k[at + 7] ?? 0)] ?? 0) + (k[at + 23] ?? 0);
      let x8 = (powers[(s[8] ?? 0) ^ (k[at + 8] ?? 0)] ?? 0) + (k[at + 24] ?? 0);
      let x9 = (logarithms[((s[9] ?? 0) + (k[at + 9] ?? 0)) & 255] ?? 0) ^ (k[at + 25] ?? 0);
      let x10 = (logarithms[((s[10] ?? 0) + (k[at + 10] ?? 0)) & 255] ?? 0) ^ (k[at + 26] ?? 0);
      let x11 = (powers[(s[11] ?? 0) ^ (k[at + 11] ?? 0)] ?? 0) + (k[at + 27] ?? 0);
      let x12 = (powers[(s[12] ?? 0) ^ (k[at + 12] ?? 0)] ?? 0) + (k[at + 28] ?? 0);
      let x13 = (logarithms[((s[13] ?? 0) + (k[at + 13] ?? 0)) & 255] ?? 0) ^ (k[at + 29] ?? 0);
      let x14 = (logarithms[((s[14] ?? 0) + (k[at + 14] ?? 0)) & 255] ?? 0) ^ (k[at + 30] ?? 0);
      let x15 = (powers[(s[15] ?? 0) ^ (k[at + 15] ?? 0)] ?? 0) + (k[at + 31] ?? 0);
      // Four layers of sums: each pair (x, y) becomes (2x + y, x + y). Between layers the "Armenian shuffle" changes who
      // makes a pair; it is written out, so that no byte has to move before the end.
      x1 += x0;
      x0 += x1;
      x3 += x2;
      x2 += x3;
      x5 += x4;
      x4 += x5;
      x7 += x6;
      x6 += x7;
      x9 += x8;
      x8 += x9;
      x11 += x10;
      x10 += x11;
      x13 += x12;
      x12 += x13;
      x15 += x14;
      x14 += x15;
      x11 += x8;
      x8 += x11;
      x15 += x12;
      x12 += x15;
      x1 += x2;
      x2 += x1;
      x5 += x6;
      x6 += x5;
      x9 += x10;
      x10 += x9;
      x13 += x14;
      x14 += x13;
      x7 += x0;
      x0 += x7;
      x3 += x4;
      x4 += x3;
      x13 += x10;
      x10 += x13;
      x3 += x0;
      x0 += x3;
      x11 += x12;
      x12 += x11;
      x1 += x6;
      x6 += x1;
      x9 += x14;
      x14 += x9;
      x7 += x4;
      x4 += x7;
      x5 += x8;
      x8 += x5;
      x15 += x2;
      x2 += x15;
      x7 += x14;
      x14 += x7;
      x15 += x8;
      x8 += x15;
      x13 += x0;
      x0 += x13;
      x11 += x6;
      x6 += x11;
      x9 += x4;
      x4 += x9;
      x5 += x2;
      x2 += x5;
      x1 += x10;
      x10 += x1;
      x3 += x12;
      x12 += x3;
      s[0] = x14;
      s[1] = x7;
      s[2] = x8;
      s[3] = x15;
      s[4] = x0;
      s[5] = x13;
      s[6] = x6;
      s[7] = x11;
      s[8] = x4;
      s[9] = x9;
      s[10] = x2;
      s[11] = x5;
      s[12] = x10;
      s[13] = x1;
      s[14] = x12;
      s[15] = x3;
    }
    const last = 32 * ROUNDS;
    for (let byte = 0; byte < 16; byte++) {
      const value = s[byte] ?? 0;
      const subkey = k[last + byte] ?? 0;
      output[WORD_SWAP[byte] ?? 0] = isXored(byte) ? value ^ subkey : value + subkey;
    }
  }
}

/** Bytes 0, 3, 4, 7, 8, 11, 12 and 15 are combined with the first subkey of a round by bits, the others by addition. */
function isXored(byte: number): boolean {
  return (byte & 3) === 0 || (byte & 3) === 3;
}

function expandKey(key: Uint8Array, powers: Uint8Array): Uint8Array {
  const register = new Uint8Array(KEY_SIZE + 1);
  for (let byte = 0; byte < KEY_SIZE; byte++) {
    register[byte] = key[(byte & 3) | (28 - (byte & 28))] ?? 0;
    register[KEY_SIZE] = (register[KEY_SIZE] ?? 0) ^ (register[byte] ?? 0);
  }
  const subkeys = new Uint8Array(16 * (2 * ROUNDS + 1));
  subkeys.set(register.subarray(0, 16));
  for (let index = 1; index <= 2 * ROUNDS; index++) {
    for (let byte = 0; byte < register.length; byte++) {
      const value = register[byte] ?? 0;
      register[byte] = (value << 3) | (value >>> 5);
    }
    for (let byte = 0; byte < 16; byte++) {
      const exponent = (17 * (index + 1) + byte + 1) & 255;
      // Biases are powers of powers of 45 in the first 16 subkeys and plain powers in the others.
      const bias = index < 17 ? powers[powers[exponent] ?? 0] : powers[exponent];
      subkeys[16 * index + byte] = (register[(index + byte) % register.length] ?? 0) + (bias ?? 0);
    }
  }
  return subkeys;
}
