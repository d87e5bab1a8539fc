import { type BlockCipher, once, readBig, readLittle, writeBig } from "./block-cipher.js";

/**
 * The substitutions for the nibbles of a word, the lowest nibble first. GOST 28147-89 leaves them open. These are the ones
 * of the Central Bank of Russia as libmcrypt has them: the first row ends with a 2 where the bank has 12. Therefore no
 * other program's GOST can read this one.
 */
const NIBBLES = [
  [1, 15, 13, 0, 5, 7, 10, 4, 9, 2, 3, 14, 6, 11, 8, 2],
  [13, 11, 4, 1, 3, 15, 5, 9, 0, 10, 14, 7, 6, 8, 2, 12],
  [4, 11, 10, 0, 7, 2, 1, 13, 3, 6, 8, 5, 9, 12, 15, 14],
  [6, 12, 7, 1, 5, 15, 13, 8, 4, 10, 9, 14, 0, 3, 11, 2],
  [7, 13, 10, 1, 0, 8, 9, 15, 14, 4, 6, 12, 11, 2, 5, 3],
  [5, 8, 1, 13, 10, 3, 4, 2, 14, 15, 12, 7, 6, 0, 9, 11],
  [14, 11, 4, 12, 6, 13, 15, 10, 2, 3, 8, 1, 0, 7, 5, 9],
  [4, 10, 9, 2, 13, 8, 0, 14, 6, 11, 1, 12, 7, 15, 5, 3],
];

/** Order of the key's words in the 32 rounds: three times upwards, then once downwards. */
const ROUND_WORDS = Int32Array.from({ length: 32 }, (_, round) => (round < 24 ? round & 7 : 7 - (round & 7)));

/** For each byte of a word and each value of it: what it is substituted by, at its place, turned left by 11 bits. */
const substitutions = once(() => {
  const table = new Int32Array(4 * 256);
  for (let byte = 0; byte < 4; byte++) {
    for (let value = 0; value < 256; value++) {
      const high = NIBBLES[2 * byte + 1]?.[value >>> 4] ?? 0;
      const low = NIBBLES[2 * byte]?.[value & 15] ?? 0;
      const word = ((high << 4) | low) << (8 * byte);
      table[256 * byte + value] = (word << 11) | (word >>> 21);
    }
  }
  return table;
});

/** GOST 28147-89 as libmcrypt has it: words of a block highest byte first, words of the key lowest byte first. Source of the structure: RFC 5830. */
export class Gost implements BlockCipher {
  readonly blockSize = 8;
  readonly #table = substitutions();
  readonly #rounds: Int32Array;

  constructor(key: Uint8Array) {
    this.#rounds = ROUND_WORDS.map((word) => readLittle(key, 4 * word));
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const rounds = this.#rounds;
    const table = this.#table;
    let first = readBig(input, at);
    let second = readBig(input, at + 4);
    for (let round = 0; round < 32; round++) {
      const sum = first + (rounds[round] ?? 0);
      const mixed =
        (table[sum & 255] ?? 0) ^
        (table[256 + ((sum >>> 8) & 255)] ?? 0) ^
        (table[512 + ((sum >>> 16) & 255)] ?? 0) ^
        (table[768 + (sum >>> 24)] ?? 0);
      const next = second ^ mixed;
      second = first;
      first = next;
    }
    writeBig(output, 0, second);
    writeBig(output, 4, first);
  }
}
