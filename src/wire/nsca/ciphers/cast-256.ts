import { type BlockCipher, readLittle, rotateLeft, writeLittle } from "./block-cipher.js";
import { castBoxes } from "./cast-boxes.js";

const QUAD_ROUNDS = 12;

/** CAST-256 with keys of 32 bytes. Source: RFC 2612. */
export class Cast256 implements BlockCipher {
  readonly blockSize = 16;
  readonly #boxes = castBoxes();
  readonly #masks = new Int32Array(4 * QUAD_ROUNDS);
  readonly #turns = new Int32Array(4 * QUAD_ROUNDS);

  constructor(key: Uint8Array) {
    const boxes = this.#boxes;
    const words = Int32Array.from({ length: 8 }, (_, word) => readLittle(key, 4 * word));
    let mask = 0x5a827999;
    let turn = 19;
    const octave = () => {
      // The words from the last but one down to the first, then the last: each takes in its neighbour on the right.
      for (let step = 0; step < 8; step++) {
        const target = (14 - step) & 7;
        const source = words[(target + 1) & 7] ?? 0;
        words[target] = (words[target] ?? 0) ^ (MIXES[step % 3] ?? mix1)(boxes, source, mask, turn);
        mask = (mask + 0x6ed9eba1) | 0;
        turn = (turn + 17) & 31;
      }
    };
    for (let quad = 0; quad < QUAD_ROUNDS; quad++) {
      octave();
      octave();
      for (let index = 0; index < 4; index++) {
        this.#turns[4 * quad + index] = (words[2 * index] ?? 0) & 31;
        this.#masks[4 * quad + index] = words[7 - 2 * index] ?? 0;
      }
    }
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const boxes = this.#boxes;
    const masks = this.#masks;
    const turns = this.#turns;
    let a = readLittle(input, at);
    let b = readLittle(input, at + 4);
    let c = readLittle(input, at + 8);
    let d = readLittle(input, at + 12);
    for (let index = 0; index < 2 * QUAD_ROUNDS; index += 4) {
      c ^= mix1(boxes, d, masks[index] ?? 0, turns[index] ?? 0);
      b ^= mix2(boxes, c, masks[index + 1] ?? 0, turns[index + 1] ?? 0);
      a ^= mix3(boxes, b, masks[index + 2] ?? 0, turns[index + 2] ?? 0);
      d ^= mix1(boxes, a, masks[index + 3] ?? 0, turns[index + 3] ?? 0);
    }
    for (let index = 2 * QUAD_ROUNDS; index < 4 * QUAD_ROUNDS; index += 4) {
      d ^= mix1(boxes, a, masks[index + 3] ?? 0, turns[index + 3] ?? 0);
      a ^= mix3(boxes, b, masks[index + 2] ?? 0, turns[index + 2] ?? 0);
      b ^= mix2(boxes, c, masks[index + 1] ?? 0, turns[index + 1] ?? 0);
      c ^= mix1(boxes, d, masks[index] ?? 0, turns[index] ?? 0);
    }
    writeLittle(output, 0, a);
    writeLittle(output, 4, b);
    writeLittle(output, 8, c);
    writeLittle(output, 12, d);
  }
}

/** The round functions f1, f2 and f3 of the RFC. */
function mix1(boxes: Int32Array, word: number, mask: number, turn: number): number {
  const mixed = rotateLeft((mask + word) | 0, turn);
  const high = (boxes[mixed >>> 24] ?? 0) ^ (boxes[256 + ((mixed >>> 16) & 255)] ?? 0);
  return (high - (boxes[512 + ((mixed >>> 8) & 255)] ?? 0) + (boxes[768 + (mixed & 255)] ?? 0)) | 0;
}

function mix2(boxes: Int32Array, word: number, mask: number, turn: number): number {
  const mixed = rotateLeft(mask ^ word, turn);
  const high = (boxes[mixed >>> 24] ?? 0) - (boxes[256 + ((mixed >>> 16) & 255)] ?? 0);
  return ((high + (boxes[512 + ((mixed >>> 8) & 255)] ?? 0)) | 0) ^ (boxes[768 + (mixed & 255)] ?? 0);
}

function mix3(boxes: Int32Array, word: number, mask: number, turn: number): number {
  const mixed = rotateLeft((mask - word) | 0, turn);
  const high = (boxes[mixed >>> 24] ?? 0) + (boxes[256 + ((mixed >>> 16) & 255)] ?? 0);
  return ((high ^ (boxes[512 + ((mixed >>> 8) & 255)] ?? 0)) - (boxes[768 + (mixed & 255)] ?? 0)) | 0;
}

const MIXES = [mix1, mix2, mix3];
