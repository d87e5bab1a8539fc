import { type BlockCipher, readBig, writeBig } from "./block-cipher.js";

const DELTA = 0x9e3779b9;
const CYCLES = 32;

/** XTEA with 32 cycles, words highest byte first. Source: Needham and Wheeler, "Tea extensions", 1997. */
export class Xtea implements BlockCipher {
  readonly blockSize = 8;
  /** The keys of the half rounds with the running sum already added. */
  readonly #subkeys = new Int32Array(2 * CYCLES);

  constructor(key: Uint8Array) {
    let sum = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      this.#subkeys[2 * cycle] = sum + readBig(key, 4 * (sum & 3));
      sum = (sum + DELTA) | 0;
      this.#subkeys[2 * cycle + 1] = sum + readBig(key, 4 * ((sum >>> 11) & 3));
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const subkeys = this.#subkeys;
    let left = readBig(input, at);
    let right = readBig(input, at + 4);
    for (let index = 0; index < 2 * CYCLES; index += 2) {
      left = (left + ((((right << 4) ^ (right >>> 5)) + right) ^ (subkeys[index] ?? 0))) | 0;
      right = (right + ((((left << 4) ^ (left >>> 5)) + left) ^ (subkeys[index + 1] ?? 0))) | 0;
    }
    writeBig(output, 0, left);
    writeBig(output, 4, right);
  }
}
