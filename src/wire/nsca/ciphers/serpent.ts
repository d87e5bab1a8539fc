import { type BlockCipher, readLittle, rotateLeft, writeLittle } from "./block-cipher.js";

const GOLDEN_RATIO = 0x9e3779b9;

/** Serpent with keys of 32 bytes, in its bit-sliced form. Source: Anderson, Biham and Knudsen, "Serpent", 1998. */
export class Serpent implements BlockCipher {
  readonly blockSize = 16;
  /** 33 round keys of four words. */
  readonly #subkeys: Int32Array;
  readonly #state = new Int32Array(4);

  constructor(key: Uint8Array) {
    this.#subkeys = expandKey(key);
  }

  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void {
    const subkeys = this.#subkeys;
    const s = this.#state;
    for (let word = 0; word < 4; word++) s[word] = readLittle(input, at + 4 * word) ^ (subkeys[word] ?? 0);
    for (let next = 4; ; ) {
      substitute0(s);
      next = transform(s, subkeys, next);
      substitute1(s);
      next = transform(s, subkeys, next);
      substitute2(s);
      next = transform(s, subkeys, next);
      substitute3(s);
      next = transform(s, subkeys, next);
      substitute4(s);
      next = transform(s, subkeys, next);
      substitute5(s);
      next = transform(s, subkeys, next);
      substitute6(s);
      next = transform(s, subkeys, next);
      substitute7(s);
      // The last round has a key in the place of the transformation.
      if (next === 128) break;
      next = transform(s, subkeys, next);
    }
    for (let word = 0; word < 4; word++) writeLittle(output, 4 * word, (s[word] ?? 0) ^ (subkeys[128 + word] ?? 0));
  }
}

/** The linear transformation, with the key of the following round behind it; returns where the key after that begins. */
function transform(s: Int32Array, subkeys: Int32Array, next: number): number {
  let a = s[0] ?? 0;
  let b = s[1] ?? 0;
  let c = s[2] ?? 0;
  let d = s[3] ?? 0;
  a = (a << 13) | (a >>> 19);
  c = (c << 3) | (c >>> 29);
  b ^= a ^ c;
  d ^= c ^ (a << 3);
  b = (b << 1) | (b >>> 31);
  d = (d << 7) | (d >>> 25);
  a ^= b ^ d;
  c ^= d ^ (b << 7);
  s[0] = ((a << 5) | (a >>> 27)) ^ (subkeys[next] ?? 0);
  s[1] = b ^ (subkeys[next + 1] ?? 0);
  s[2] = ((c << 22) | (c >>> 10)) ^ (subkeys[next + 2] ?? 0);
  s[3] = d ^ (subkeys[next + 3] ?? 0);
  return next + 4;
}

function expandKey(key: Uint8Array): Int32Array {
  const words = new Int32Array(140);
  for (let word = 0; word < 8; word++) words[word] = readLittle(key, 4 * word);
  for (let word = 8; word < 140; word++) {
    const mixed = (words[word - 8] ?? 0) ^ (words[word - 5] ?? 0) ^ (words[word - 3] ?? 0) ^ (words[word - 1] ?? 0);
    words[word] = rotateLeft(mixed ^ GOLDEN_RATIO ^ (word - 8), 11);
  }
  const subkeys = words.slice(8);
  for (let round = 0; round < 33; round++) KEY_BOXES[round & 7]?.(subkeys.subarray(4 * round, 4 * round + 4));
  return subkeys;
}

// The eight S-boxes as polynomials over the bits of a nibble, which are the four words: 32 nibbles at a time.

function substitute0(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const abc = ab & c;
  const acd = ac & d;
  const bcd = bc & d;
  const t0 = ac ^ abc;
  const t1 = bcd ^ t0;
  const t2 = a ^ c;
  const t3 = ab ^ d;
  const t4 = bc ^ acd;
  const t5 = t1 ^ t3;
  s[0] = ~(t2 ^ t4 ^ t5);
  s[1] = ~(a ^ bd ^ t1 ^ t4);
  s[2] = b ^ bd ^ t5;
  s[3] = b ^ d ^ ad ^ t2;
}

function substitute1(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abd = ab & d;
  const acd = ac & d;
  const bcd = bc & d;
  const t0 = acd ^ bcd;
  const t1 = a ^ t0;
  const t2 = b ^ ad;
  const t3 = ab ^ c;
  const t4 = ac ^ d;
  const t5 = abd ^ t4;
  s[0] = ~(bc ^ cd ^ t1 ^ t2);
  s[1] = ~(bd ^ t1 ^ t3 ^ t5);
  s[2] = ~(b ^ d ^ t3);
  s[3] = ~(t0 ^ t2 ^ t5);
}

function substitute2(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ac & b;
  const abd = ad & b;
  const acd = ac & d;
  const t0 = b ^ c;
  const t1 = a ^ bc;
  const t2 = abc ^ t0;
  const t3 = abd ^ cd;
  const t4 = acd ^ t1;
  const t5 = t3 ^ t4;
  s[0] = ac ^ d ^ t0;
  s[1] = ad ^ t2 ^ t5;
  s[2] = b ^ d ^ bd ^ t5;
  s[3] = ~(a ^ bd ^ t2);
}

function substitute3(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ab & c;
  const abd = ab & d;
  const acd = ac & d;
  const bcd = bc & d;
  const t0 = a ^ b;
  const t1 = cd ^ acd;
  const t2 = t0 ^ t1;
  const t3 = d ^ t2;
  const t4 = ab ^ c;
  const t5 = abc ^ t4;
  s[0] = bc ^ ad ^ bcd ^ t3;
  s[1] = ac ^ ad ^ abd ^ t2;
  s[2] = a ^ d ^ bd ^ abd ^ t5;
  s[3] = ac ^ t3 ^ t5;
}

function substitute4(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ab & c;
  const abd = ab & d;
  const acd = ac & d;
  const bcd = bc & d;
  const t0 = c ^ bd;
  const t1 = a ^ bc;
  const t2 = b ^ ad;
  const t3 = ab ^ t0;
  const t4 = cd ^ bcd;
  const t5 = t1 ^ t4;
  s[0] = ~(d ^ t2 ^ t3);
  s[1] = ac ^ d ^ bd ^ acd ^ t5;
  s[2] = abc ^ abd ^ t3 ^ t5;
  s[3] = abd ^ t0 ^ t1 ^ t2;
}

function substitute5(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ab & c;
  const abd = ab & d;
  const acd = ac & d;
  const bcd = bd & c;
  const t0 = b ^ d;
  const t1 = ab ^ c;
  const t2 = ad ^ t0;
  const t3 = bd ^ t1;
  const t4 = abd ^ cd;
  s[0] = ~(t2 ^ t3);
  s[1] = ~(a ^ d ^ t3 ^ t4);
  s[2] = ~(ac ^ acd ^ bcd ^ t0 ^ t4);
  s[3] = ~(a ^ c ^ abc ^ acd ^ t2);
}

function substitute6(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ab & c;
  const abd = ab & d;
  const bcd = bc & d;
  const t0 = b ^ c;
  const t1 = abc ^ bcd;
  const t2 = a ^ bc;
  const t3 = ac ^ d;
  const t4 = abd ^ t1;
  const t5 = t0 ^ t3;
  const t6 = t2 ^ t4;
  const t7 = ab ^ cd;
  s[0] = ~(t5 ^ t6);
  s[1] = ~(ad ^ t0);
  s[2] = ~(c ^ bd ^ t6 ^ t7);
  s[3] = t1 ^ t5 ^ t7;
}

function substitute7(s: Int32Array): void {
  const a = s[0] ?? 0;
  const b = s[1] ?? 0;
  const c = s[2] ?? 0;
  const d = s[3] ?? 0;
  const ab = a & b;
  const ac = a & c;
  const bc = b & c;
  const ad = a & d;
  const bd = b & d;
  const cd = c & d;
  const abc = ab & c;
  const abd = ab & d;
  const acd = ac & d;
  const bcd = bc & d;
  const t0 = c ^ ad;
  const t1 = b ^ t0;
  const t2 = ab ^ acd;
  const t3 = bd ^ bcd;
  const t4 = ac ^ t1;
  const t5 = d ^ abd;
  const t6 = a ^ abc;
  s[0] = ~(cd ^ t0 ^ t2 ^ t3);
  s[1] = bc ^ t2 ^ t4 ^ t5;
  s[2] = t1 ^ t3 ^ t5 ^ t6;
  s[3] = t4 ^ t6;
}

/** The S-box of a round key, by its number modulo 8: they go downwards from 3. */
const KEY_BOXES = [
  substitute3,
  substitute2,
  substitute1,
  substitute0,
  substitute7,
  substitute6,
  substitute5,
  substitute4,
];
