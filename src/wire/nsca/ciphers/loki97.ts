import { type BlockCipher, once, readLittle, writeLittle } from "./block-cipher.js";

const ROUNDS = 16;
/** The golden ratio in 64 bits. */
const DELTA_HIGH = 0x9e3779b9;
const DELTA_LOW = 0x7f4a7c15;

/** The two substitutions, cubes in fields of 2^13 and 2^11 elements, and the permutation that spreads a byte's bits. */
const tables = once(() => ({
  s1: Uint8Array.from({ length: 1 << 13 }, (_, value) => cube(value ^ 0x1fff, 13, 0x2911) & 255),
  s2: Uint8Array.from({ length: 1 << 11 }, (_, value) => cube(value ^ 0x7ff, 11, 0xaa7) & 255),
  /** For each byte: its bits 4 to 7, then its bits 0 to 3, each at the lowest place of a byte of a word. */
  spread: Int32Array.from({ length: 512 }, (_, index) => {
    const nibble = index < 256 ? index >>> 4 : index & 15;
    return (nibble & 1) | ((nibble & 2) << 7) | ((nibble & 4) << 14) | ((nibble & 8) << 21);
  }),
}));

function cube(value: number, bits: number, modulus: number): number {
  return multiply(multiply(value, value, bits, modulus), value, bits, modulus);
}

function multiply(a: number, b: number, bits: number, modulus: number): number {
  let product = 0;
  for (let bit = bits - 1; bit >= 0; bit--) {
    product <<= 1;
    if (product >>> bits) product ^= modulus;
    if ((b >>> bit) & 1) product ^= a;
  }
  return product;
}

/**
 * LOKI97 with keys of 32 bytes. Words of 64 bits are pairs of numbers, the high half first.
 * Source: Brown and Pieprzyk, "Introducing the new LOKI97 Block Cipher", 1998.
 */
export class Loki97 implements BlockCipher {
  readonly blockSize = 16;
  readonly #tables = tables();
  /** 48 subkeys, each as its high and its low half. */
  readonly #subkeys = new Int32Array(6 * ROUNDS);
  /** What the last call of the round function came to. */
  #high = 0;
  #low = 0;

  constructor(key: Uint8Array) {
    const words = [24, 16, 8, 0].map((at) => ({ high: readLittle(key, at), low: readLittle(key, at + 4) }));
    let [k1, k2, k3, k4] = words;
    let delta = { high: 0, low: 0 };
    for (let index = 0; index < 3 * ROUNDS; index++) {
      if (!(k1 && k2 && k3 && k4)) break;
      delta = add(delta, { high: DELTA_HIGH, low: DELTA_LOW });
      const sum = add(add(k1, k3), delta);
      this.#mix(sum.high, sum.low, k2.high, k2.low);
      const made = { high: k4.high ^ this.#high, low: k4.low ^ this.#low };
      this.#subkeys[2 * index] = made.high;
      this.#subkeys[2 * index + 1] = made.low;
      k4 = k3;
      k3 = k2;
      k2 = k1;
      k1 = made;
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const subkeys = this.#subkeys;
    let leftHigh = readLittle(input, at);
    let leftLow = readLittle(input, at + 4);
    let rightHigh = readLittle(input, at + 8);
    let rightLow = readLittle(input, at + 12);
    for (let index = 0; index < 6 * ROUNDS; index += 6) {
      let low = (rightLow >>> 0) + ((subkeys[index + 1] ?? 0) >>> 0);
      const sumLow = low | 0;
      const sumHigh = (rightHigh + (subkeys[index] ?? 0) + (low > 0xffffffff ? 1 : 0)) | 0;
      this.#mix(sumHigh, sumLow, subkeys[index + 2] ?? 0, subkeys[index + 3] ?? 0);
      rightHigh = leftHigh ^ this.#high;
      rightLow = leftLow ^ this.#low;
      low = (sumLow >>> 0) + ((subkeys[index + 5] ?? 0) >>> 0);
      leftLow = low | 0;
      leftHigh = (sumHigh + (subkeys[index + 4] ?? 0) + (low > 0xffffffff ? 1 : 0)) | 0;
    }
    writeLittle(output, 0, rightHigh);
    writeLittle(output, 4, rightLow);
    writeLittle(output, 8, leftHigh);
    writeLittle(output, 12, leftLow);
  }

  /** The round function f(A, B); its value is left in `#high` and `#low`. */
  #mix(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const { s1, s2, spread } = this.#tables;
    // Bits of the two halves change places where B has a bit.
    const high = (aHigh & ~bLow) | (aLow & bLow);
    const low = (aLow & ~bLow) | (aHigh & bLow);
    // Groups of 13 and 11 bits that overlap; the first goes around the end of the word.
    const bytes0 = s1[((low & 31) << 8) | (high >>> 24)] ?? 0;
    const bytes1 = s2[(high >>> 16) & 0x7ff] ?? 0;
    const bytes2 = s1[(high >>> 8) & 0x1fff] ?? 0;
    const bytes3 = s2[high & 0x7ff] ?? 0;
    const bytes4 = s2[((high & 7) << 8) | (low >>> 24)] ?? 0;
    const bytes5 = s1[(low >>> 16) & 0x1fff] ?? 0;
    const bytes6 = s2[(low >>> 8) & 0x7ff] ?? 0;
    const bytes7 = s1[low & 0x1fff] ?? 0;
    // Each byte of the permutation's result has one bit of each of the bytes above.
    const mixedHigh =
      ((spread[bytes0] ?? 0) << 0) |
      ((spread[bytes1] ?? 0) << 1) |
      ((spread[bytes2] ?? 0) << 2) |
      ((spread[bytes3] ?? 0) << 3) |
      ((spread[bytes4] ?? 0) << 4) |
      ((spread[bytes5] ?? 0) << 5) |
      ((spread[bytes6] ?? 0) << 6) |
      ((spread[bytes7] ?? 0) << 7);
    const mixedLow =
      ((spread[256 + bytes0] ?? 0) << 0) |
      ((spread[256 + bytes1] ?? 0) << 1) |
      ((spread[256 + bytes2] ?? 0) << 2) |
      ((spread[256 + bytes3] ?? 0) << 3) |
      ((spread[256 + bytes4] ?? 0) << 4) |
      ((spread[256 + bytes5] ?? 0) << 5) |
      ((spread[256 + bytes6] ?? 0) << 6) |
      ((spread[256 + bytes7] ?? 0) << 7);
    this.#high =
      ((s2[(mixedHigh >>> 24) | ((bHigh >>> 21) & 0x700)] ?? 0) << 24) |
      ((s2[((mixedHigh >>> 16) & 255) | ((bHigh >>> 18) & 0x700)] ?? 0) << 16) |
      ((s1[((mixedHigh >>> 8) & 255) | ((bHigh >>> 13) & 0x1f00)] ?? 0) << 8) |
      (s1[(mixedHigh & 255) | ((bHigh >>> 8) & 0x1f00)] ?? 0);
    this.#low =
      ((s2[(mixedLow >>> 24) | ((bHigh >>> 5) & 0x700)] ?? 0) << 24) |
      ((s2[((mixedLow >>> 16) & 255) | ((bHigh >>> 2) & 0x700)] ?? 0) << 16) |
      ((s1[((mixedLow >>> 8) & 255) | ((bHigh << 3) & 0x1f00)] ?? 0) << 8) |
      (s1[(mixedLow & 255) | ((bHigh << 8) & 0x1f00)] ?? 0);
  }
}

interface Word64 {
  readonly high: number;
  readonly low: number;
}

function add(a: Word64, b: Word64): Word64 {
  const low = (a.low >>> 0) + (b.low >>> 0);
  return { high: (a.high + b.high + (low > 0xffffffff ? 1 : 0)) | 0, low: low | 0 };
}
