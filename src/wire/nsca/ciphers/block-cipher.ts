/**
 * What a block cipher of NSCA is, and the words and bytes that all of them need.
 *
 * Only encryption of a block is here: cipher feedback uses it in both directions. A cipher runs once for each byte that
 * is sent, so these classes keep to typed arrays and 32-bit numbers, and nothing is allocated for a block. `?? 0` behind
 * an index into a typed array is for the compiler alone; the indexes are masked.
 */
export interface BlockCipher {
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Encrypts the block that begins at `at` in `input` and writes it to the beginning of `output`. */
  encryptBlock(input: Uint8Array, at: number, output: Uint8Array): void;
}

/** Makes a cipher from a key that is as long as the cipher's longest one. */
export type MakeBlockCipher = (key: Uint8Array) => BlockCipher;

/** The word at `at`, highest byte first. */
export function readBig(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** Writes a word at `at`, highest byte first. */
export function writeBig(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** The word at `at`, lowest byte first. */
export function readLittle(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** Writes a word at `at`, lowest byte first. */
export function writeLittle(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

/** Turns a word left; the count may be any number, of which the lowest five bits matter. */
export function rotateLeft(word: number, count: number): number {
  return (word << count) | (word >>> (32 - (count & 31)));
}

/** A table that is made when it is needed first, and kept. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
