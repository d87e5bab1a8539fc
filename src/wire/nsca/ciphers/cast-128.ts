import { type BlockCipher, readBig, rotateLeft, writeBig } from "./block-cipher.js";
import { castBoxes } from "./cast-boxes.js";

/**
 * The key schedule goes twice through these four steps. Each makes 16 bytes out of 16 others, a word in a row: which word
 * of the others it begins with, then the positions of the bytes that are looked up in S5, S6, S7 and S8 and once more in
 * the box of the row. The first word looks up bytes of the others, the following ones bytes of what is made, but for the
 * last lookup, which is always one of the others'.
 */
const FROM_X = [
  { base: 0, bytes: [0xd, 0xf, 0xc, 0xe], extra: 0x8 },
  { base: 2, bytes: [0x0, 0x2, 0x1, 0x3], extra: 0xa },
  { base: 3, bytes: [0x7, 0x6, 0x5, 0x4], extra: 0x9 },
  { base: 1, bytes: [0xa, 0x9, 0xb, 0x8], extra: 0xb },
];
const FROM_Z = [
  { base: 2, bytes: [0x5, 0x7, 0x4, 0x6], extra: 0x0 },
  { base: 0, bytes: [0x0, 0x2, 0x1, 0x3], extra: 0x2 },
  { base: 1, bytes: [0x7, 0x6, 0x5, 0x4], extra: 0x1 },
  { base: 3, bytes: [0xa, 0x9, 0xb, 0x8], extra: 0x3 },
];
/** The box of the extra lookup of each row above. */
const EXTRA_BOXES = [6, 7, 4, 5];

/** Four subkeys a step: bytes looked up in S5, S6, S7 and S8 and once more in S5, S6, S7 or S8. */
const SUBKEYS_1 = [
  [0x8, 0x9, 0x7, 0x6, 0x2],
  [0xa, 0xb, 0x5, 0x4, 0x6],
  [0xc, 0xd, 0x3, 0x2, 0x9],
  [0xe, 0xf, 0x1, 0x0, 0xc],
];
const SUBKEYS_2 = [
  [0x3, 0x2, 0xc, 0xd, 0x8],
  [0x1, 0x0, 0xe, 0xf, 0xd],
  [0x7, 0x6, 0x8, 0x9, 0x3],
  [0x5, 0x4, 0xa, 0xb, 0x7],
];
const SUBKEYS_3 = [
  [0x3, 0x2, 0xc, 0xd, 0x9],
  [0x1, 0x0, 0xe, 0xf, 0xc],
  [0x7, 0x6, 0x8, 0x9, 0x2],
  [0x5, 0x4, 0xa, 0xb, 0x6],
];
const SUBKEYS_4 = [
  [0x8, 0x9, 0x7, 0x6, 0x3],
  [0xa, 0xb, 0x5, 0x4, 0x7],
  [0xc, 0xd, 0x3, 0x2, 0x8],
  [0xe, 0xf, 0x1, 0x0, 0xd],
];
const STEPS = [
  { rows: FROM_X, subkeys: SUBKEYS_1 },
  { rows: FROM_Z, subkeys: SUBKEYS_2 },
  { rows: FROM_X, subkeys: SUBKEYS_3 },
  { rows: FROM_Z, subkeys: SUBKEYS_4 },
];

/** CAST-128 (CAST5) with keys of 16 bytes and 16 rounds. Source: RFC 2144. */
export class Cast128 implements BlockCipher {
  readonly blockSize = 8;
  readonly #boxes = castBoxes();
  /** 16 masking subkeys, then 16 rotation subkeys. */
  readonly #subkeys: Int32Array;

  constructor(key: Uint8Array) {
    this.#subkeys = expandKey(key, this.#boxes);
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const boxes = this.#boxes;
    const subkeys = this.#subkeys;
    let left = readBig(input, at);
    let right = readBig(input, at + 4);
    for (let round = 0, kind = 0; round < 16; round++, kind = kind === 2 ? 0 : kind + 1) {
      const mask = subkeys[round] ?? 0;
      const mixed = rotateLeft(
        kind === 0 ? (mask + right) | 0 : kind === 1 ? mask ^ right : (mask - right) | 0,
        subkeys[16 + round] ?? 0,
      );
      const a = boxes[mixed >>> 24] ?? 0;
      const b = boxes[256 + ((mixed >>> 16) & 255)] ?? 0;
      const c = boxes[512 + ((mixed >>> 8) & 255)] ?? 0;
      const d = boxes[768 + (mixed & 255)] ?? 0;
      const next =
        left ^ (kind === 0 ? ((a ^ b) - c + d) | 0 : kind === 1 ? ((a - b + c) | 0) ^ d : (((a + b) ^ c) - d) | 0);
      left = right;
      right = next;
    }
    writeBig(output, 0, right);
    writeBig(output, 4, left);
  }
}

function expandKey(key: Uint8Array, boxes: Int32Array): Int32Array {
  const lookUp = (box: number, value: number) => boxes[256 * box + value] ?? 0;
  const subkeys: number[] = [];
  let bytes = Uint8Array.from(key.subarray(0, 16));
  for (let step = 0; step < 8; step++) {
    const { rows = [], subkeys: picks = [] } = STEPS[step % 4] ?? {};
    const others = bytes;
    const made = new Uint8Array(16);
    rows.forEach(({ base, bytes: positions, extra }, row) => {
      const source = row === 0 ? others : made;
      let word = readBig(others, 4 * base) ^ lookUp(EXTRA_BOXES[row] ?? 0, others[extra] ?? 0);
      positions.forEach((position, box) => {
        word ^= lookUp(4 + box, source[position] ?? 0);
      });
      writeBig(made, 4 * row, word);
    });
    picks.forEach((pick, row) => {
      let word = 0;
      pick.forEach((position, index) => {
        word ^= lookUp(4 + (index === 4 ? row : index), made[position] ?? 0);
      });
      subkeys.push(word);
    });
    bytes = made;
  }
  return Int32Array.from(subkeys, (word, index) => (index < 16 ? word : word & 31));
}
