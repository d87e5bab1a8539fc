import { type BlockCipher, once, readBig, writeBig } from "./block-cipher.js";

const KEY_WORDS = 8;
const ROUNDS = 14;
/** The farthest that a row is shifted, in words. */
const WRAP = 4;

/** The substitution of bytes, and with the mixing of columns behind it: a table for each row of a column. */
const tables = once(() => {
  const substitution = new Uint8Array(256);
  const columns = new Int32Array(4 * 256);
  // 3 generates the field: going up by 3 and down by its inverse gives each number beside its inverse.
  let up = 1;
  let down = 1;
  do {
    up ^= double(up);
    down ^= down << 1;
    down ^= down << 2;
    down ^= down << 4;
    down &= 255;
    if (down & 128) down ^= 9;
    substitution[up] = affine(down);
  } while (up !== 1);
  substitution[0] = affine(0);
  for (let value = 0; value < 256; value++) {
    const substituted = substitution[value] ?? 0;
    const twice = double(substituted);
    const column = (twice << 24) | (substituted << 16) | (substituted << 8) | (twice ^ substituted);
    for (let row = 0; row < 4; row++)
      columns[256 * row + value] = (column >>> (8 * row)) | (row && column << (32 - 8 * row));
  }
  return { substitution, columns };
});

function double(value: number): number {
  return ((value << 1) ^ (value & 128 ? 0x11b : 0)) & 255;
}

function affine(value: number): number {
  const turned = value | (value << 8);
  return (value ^ (turned >>> 7) ^ (turned >>> 6) ^ (turned >>> 5) ^ (turned >>> 4) ^ 0x63) & 255;
}

/**
 * Rijndael with blocks of 24 or 32 bytes and keys of 32, which AES left out of the cipher it was made from.
 * Source: Daemen and Rijmen, "AES Proposal: Rijndael", 1999.
 */
export class Rijndael implements BlockCipher {
  readonly #columns = tables().columns;
  readonly #substitution = tables().substitution;
  readonly #words: number;
  readonly #subkeys: Int32Array;
  /** How many words farther on the second, third and fourth row of a word come from. */
  readonly #shifts: readonly [number, number, number];
  /** The words of the block, and the first ones once more behind the last, so that rows need no going around. */
  readonly #state: Int32Array;
  readonly #next: Int32Array;

  constructor(
    key: Uint8Array,
    readonly blockSize: 24 | 32,
  ) {
    const words = blockSize / 4;
    this.#words = words;
    this.#shifts = blockSize === 32 ? [1, 3, 4] : [1, 2, 3];
    this.#subkeys = expandKey(key, words * (ROUNDS + 1), this.#substitution);
    this.#state = new Int32Array(words + WRAP);
    this.#next = new Int32Array(words + WRAP);
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const words = this.#words;
    const subkeys = this.#subkeys;
    const columns = this.#columns;
    const [shift1, shift2, shift3] = this.#shifts;
    let state = this.#state;
    let next = this.#next;
    for (let word = 0; word < words; word++) state[word] = readBig(input, at + 4 * word) ^ (subkeys[word] ?? 0);
    let subkey = words;
    for (let round = 1; round < ROUNDS; round++) {
      for (let word = 0; word < WRAP; word++) state[words + word] = state[word] ?? 0;
      for (let word = 0; word < words; word++, subkey++) {
        next[word] =
          (columns[(state[word] ?? 0) >>> 24] ?? 0) ^
          (columns[256 + (((state[word + shift1] ?? 0) >>> 16) & 255)] ?? 0) ^
          (columns[512 + (((state[word + shift2] ?? 0) >>> 8) & 255)] ?? 0) ^
          (columns[768 + ((state[word + shift3] ?? 0) & 255)] ?? 0) ^
          (subkeys[subkey] ?? 0);
      }
      const done = state;
      state = next;
      next = done;
    }
    for (let word = 0; word < WRAP; word++) state[words + word] = state[word] ?? 0;
    const substitution = this.#substitution;
    for (let word = 0; word < words; word++, subkey++) {
      const last =
        ((substitution[(state[word] ?? 0) >>> 24] ?? 0) << 24) |
        ((substitution[((state[word + shift1] ?? 0) >>> 16) & 255] ?? 0) << 16) |
        ((substitution[((state[word + shift2] ?? 0) >>> 8) & 255] ?? 0) << 8) |
        (substitution[(state[word + shift3] ?? 0) & 255] ?? 0);
      writeBig(output, 4 * word, last ^ (subkeys[subkey] ?? 0));
    }
  }
}

function expandKey(key: Uint8Array, length: number, substitution: Uint8Array): Int32Array {
  const substitute = (word: number) =>
    ((substitution[word >>> 24] ?? 0) << 24) |
    ((substitution[(word >>> 16) & 255] ?? 0) << 16) |
    ((substitution[(word >>> 8) & 255] ?? 0) << 8) |
    (substitution[word & 255] ?? 0);
  const subkeys = new Int32Array(length);
  let constant = 1;
  for (let index = 0; index < length; index++) {
    if (index < KEY_WORDS) {
      subkeys[index] = readBig(key, 4 * index);
      continue;
    }
    let word = subkeys[index - 1] ?? 0;
    if (index % KEY_WORDS === 0) {
      word = substitute((word << 8) | (word >>> 24)) ^ (constant << 24);
      constant = double(constant);
    } else if (index % KEY_WORDS === 4) {
      word = substitute(word);
    }
    subkeys[index] = (subkeys[index - KEY_WORDS] ?? 0) ^ word;
  }
  return subkeys;
}
