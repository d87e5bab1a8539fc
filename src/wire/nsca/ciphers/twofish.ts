import { type BlockCipher, once, readLittle, rotateLeft, writeLittle } from "./block-cipher.js";

const ROUNDS = 16;

/** What the two fixed permutations of bytes, q0 and q1, are made of: four permutations of nibbles each. */
const NIBBLES = [
  ["817d6f320b59eca4", "ecb81235f4a6709d", "ba5e6d90c8f32471", "d7f4126e9b3085ca"],
  ["28bdf76e31940ac5", "1e2b4c376da5f908", "4c75169a0ed82b3f", "b951c3de647f208a"],
];

/** The matrix over GF(2^8) modulo x^8+x^6+x^5+x^3+1 that spreads the four bytes of a word. */
const SPREAD = [
  [0x01, 0xef, 0x5b, 0x5b],
  [0x5b, 0xef, 0xef, 0x01],
  [0xef, 0x5b, 0x01, 0xef],
  [0xef, 0x01, 0xef, 0x5b],
];
const SPREAD_MODULUS = 0x169;

/** The Reed-Solomon code over GF(2^8) modulo x^8+x^6+x^3+x^2+1 by which eight bytes of the key become four of the tables. */
const CODE = [
  [0x01, 0xa4, 0x55, 0x87, 0x5a, 0x58, 0xdb, 0x9e],
  [0xa4, 0x56, 0x82, 0xf3, 0x1e, 0xc6, 0x68, 0xe5],
  [0x02, 0xa1, 0xfc, 0xc1, 0x47, 0xae, 0x3d, 0x19],
  [0xa4, 0x55, 0x87, 0x5a, 0x58, 0xdb, 0x9e, 0x03],
];
const CODE_MODULUS = 0x14d;

/** Which permutation stands at which stage for each byte of a word; a byte of the key is added behind each of the first four. */
const STAGES = [
  [1, 1, 0, 0, 1],
  [0, 1, 1, 0, 0],
  [0, 0, 0, 1, 1],
  [1, 0, 1, 1, 0],
];

const fixedTables = once(() => ({
  permutations: NIBBLES.map((nibbles) => Uint8Array.from({ length: 256 }, (_, value) => permute(nibbles, value))),
  /** For each byte of a word and each value of it, its share of the product with the matrix. */
  spread: [0, 1, 2, 3].map((column) =>
    Int32Array.from({ length: 256 }, (_, value) =>
      SPREAD.reduce((word, row, byte) => word | (multiply(row[column] ?? 0, value, SPREAD_MODULUS) << (8 * byte)), 0),
    ),
  ),
}));

function permute(nibbles: readonly string[], value: number): number {
  const lookUp = (table: number, nibble: number) => Number.parseInt(nibbles[table]?.charAt(nibble) ?? "", 16);
  const mix = (a: number, b: number): [number, number] => [a ^ b, (a ^ ((b >>> 1) | (b << 3)) ^ (a << 3)) & 15];
  const [a1, b1] = mix(value >>> 4, value & 15);
  const [a3, b3] = mix(lookUp(0, a1), lookUp(1, b1));
  return (lookUp(3, b3) << 4) | lookUp(2, a3);
}

function multiply(a: number, b: number, modulus: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product <<= 1;
    if (product & 0x100) product ^= modulus;
    if ((b >>> bit) & 1) product ^= a;
  }
  return product;
}

/** Twofish with keys of 32 bytes. Source: Schneier et al., "Twofish: A 128-Bit Block Cipher", 1998. */
export class Twofish implements BlockCipher {
  readonly blockSize = 16;
  readonly #subkeys = new Int32Array(2 * ROUNDS + 8);
  /** The function g: a table for each byte of its word. */
  readonly #tables = new Int32Array(4 * 256);

  constructor(key: Uint8Array) {
    const { permutations, spread } = fixedTables();
    const substitute = (byte: number, value: number, words: readonly number[]) => {
      let result = value;
      for (let stage = 0; stage < 4; stage++) {
        const word = words[3 - stage] ?? 0;
        result = (permutations[STAGES[byte]?.[stage] ?? 0]?.[result] ?? 0) ^ ((word >>> (8 * byte)) & 255);
      }
      return spread[byte]?.[permutations[STAGES[byte]?.[4] ?? 0]?.[result] ?? 0] ?? 0;
    };
    const even = [0, 8, 16, 24].map((at) => readLittle(key, at));
    const odd = [4, 12, 20, 28].map((at) => readLittle(key, at));
    for (let pair = 0; pair < ROUNDS + 4; pair++) {
      let a = 0;
      let b = 0;
      for (let byte = 0; byte < 4; byte++) {
        a ^= substitute(byte, 2 * pair, even);
        b ^= substitute(byte, 2 * pair + 1, odd);
      }
      b = rotateLeft(b, 8);
      this.#subkeys[2 * pair] = a + b;
      this.#subkeys[2 * pair + 1] = rotateLeft(a + 2 * b, 9);
    }
    const words = [24, 16, 8, 0].map((at) => codeWord(key, at));
    for (let byte = 0; byte < 4; byte++) {
      for (let value = 0; value < 256; value++) this.#tables[256 * byte + value] = substitute(byte, value, words);
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const subkeys = this.#subkeys;
    const tables = this.#tables;
    let a = readLittle(input, at) ^ (subkeys[0] ?? 0);
    let b = readLittle(input, at + 4) ^ (subkeys[1] ?? 0);
    let c = readLittle(input, at + 8) ^ (subkeys[2] ?? 0);
    let d = readLittle(input, at + 12) ^ (subkeys[3] ?? 0);
    for (let index = 8; index < 2 * ROUNDS + 8; index += 2) {
      const first =
        (tables[a & 255] ?? 0) ^
        (tables[256 + ((a >>> 8) & 255)] ?? 0) ^
        (tables[512 + ((a >>> 16) & 255)] ?? 0) ^
        (tables[768 + (a >>> 24)] ?? 0);
      // The bytes of b turned left by 8.
      const second =
        (tables[b >>> 24] ?? 0) ^
        (tables[256 + (b & 255)] ?? 0) ^
        (tables[512 + ((b >>> 8) & 255)] ?? 0) ^
        (tables[768 + ((b >>> 16) & 255)] ?? 0);
      const mixed = c ^ ((first + second + (subkeys[index] ?? 0)) | 0);
      const nextB = ((d << 1) | (d >>> 31)) ^ ((first + 2 * second + (subkeys[index + 1] ?? 0)) | 0);
      c = a;
      d = b;
      a = (mixed >>> 1) | (mixed << 31);
      b = nextB;
    }
    writeLittle(output, 0, c ^ (subkeys[4] ?? 0));
    writeLittle(output, 4, d ^ (subkeys[5] ?? 0));
    writeLittle(output, 8, a ^ (subkeys[6] ?? 0));
    writeLittle(output, 12, b ^ (subkeys[7] ?? 0));
  }
}

/** The word that eight bytes of the key at `at` come to. */
function codeWord(key: Uint8Array, at: number): number {
  return CODE.reduce((word, row, byte) => {
    const sum = row.reduce((total, factor, column) => total ^ multiply(factor, key[at + column] ?? 0, CODE_MODULUS), 0);
    return word | (sum << (8 * byte));
  }, 0);
}
