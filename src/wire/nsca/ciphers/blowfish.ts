import { type BlockCipher, once, readBig, writeBig } from "./block-cipher.js";

const ROUNDS = 16;
const SUBKEYS = ROUNDS + 2;
const BOXES = 4 * 256;

/** The subkeys and substitutions that a key begins from are the binary digits of pi behind the point, 32 to a word. */
const digitsOfPi = once(() => {
  const bits = 32 * (SUBKEYS + BOXES);
  // Room for what the sums of the series round off.
  const guard = 64;
  const one = 1n << BigInt(bits + guard);
  // Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239).
  const pi = (16n * arctanOfInverse(5n, one) - 4n * arctanOfInverse(239n, one)) >> BigInt(guard);
  const digits = (pi & ((1n << BigInt(bits)) - 1n)).toString(16).padStart(bits / 4, "0");
  return Int32Array.from({ length: SUBKEYS + BOXES }, (_, word) =>
    Number.parseInt(digits.slice(8 * word, 8 * word + 8), 16),
  );
});

/** The arcus tangens of 1/`inverse`, in units of 1/`one`. */
function arctanOfInverse(inverse: bigint, one: bigint): bigint {
  const square = inverse * inverse;
  let power = one / inverse;
  let sum = power;
  for (let divisor = 3n, sign = -1n; power !== 0n; divisor += 2n, sign = -sign) {
    power /= square;
    sum += (sign * power) / divisor;
  }
  return sum;
}

/** Blowfish with keys of up to 56 bytes, words highest byte first. Source: Schneier, FSE 1993. */
export class Blowfish implements BlockCipher {
  readonly blockSize = 8;
  readonly #subkeys: Int32Array;
  readonly #boxes: Int32Array;
  #left = 0;
  #right = 0;

  constructor(key: Uint8Array) {
    const digits = digitsOfPi();
    this.#subkeys = digits.slice(0, SUBKEYS);
    this.#boxes = digits.slice(SUBKEYS);
    for (let index = 0; index < SUBKEYS; index++) {
      let word = 0;
      for (let byte = 0; byte < 4; byte++) word = (word << 8) | (key[(4 * index + byte) % key.length] ?? 0);
      this.#subkeys[index] = (this.#subkeys[index] ?? 0) ^ word;
    }
    for (const table of [this.#subkeys, this.#boxes]) {
      for (let index = 0; index < table.length; index += 2) {
        this.#encryptPair();
        table[index] = this.#left;
        table[index + 1] = this.#right;
      }
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    this.#left = readBig(input, at);
    this.#right = readBig(input, at + 4);
    this.#encryptPair();
    writeBig(output, 0, this.#left);
    writeBig(output, 4, this.#right);
  }

  #encryptPair(): void {
    const subkeys = this.#subkeys;
    const boxes = this.#boxes;
    let left = this.#left;
    let right = this.#right;
    for (let round = 0; round < ROUNDS; round++) {
      left ^= subkeys[round] ?? 0;
      const sum = (boxes[left >>> 24] ?? 0) + (boxes[256 + ((left >>> 16) & 255)] ?? 0);
      const mixed = ((sum ^ (boxes[512 + ((left >>> 8) & 255)] ?? 0)) + (boxes[768 + (left & 255)] ?? 0)) | 0;
      const next = right ^ mixed;
      right = left;
      left = next;
    }
    this.#left = right ^ (subkeys[ROUNDS + 1] ?? 0);
    this.#right = left ^ (subkeys[ROUNDS] ?? 0);
  }
}
