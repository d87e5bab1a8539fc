/**
 * Cipher feedback with 8 bits, for the block ciphers that `node:crypto` doesn't have.
 *
 * For each byte the register, which is the last block of ciphertext (the IV at first), is encrypted, and the first byte of
 * the result is combined with the byte. The register is a window on the ciphertext itself, so nothing is shifted.
 * Source: NIST SP 800-38A, section 6.3; mcrypt calls the mode `cfb`.
 */
import type { BlockCipher } from "./ciphers/block-cipher.js";

export class CipherFeedback {
  readonly #cipher: BlockCipher;
  readonly #isEncrypting: boolean;
  readonly #register: Uint8Array;
  readonly #block: Uint8Array;

  /** @param iv at least as many bytes as a block has; the first of them are used */
  constructor(cipher: BlockCipher, iv: Uint8Array, direction: "encrypt" | "decrypt") {
    this.#cipher = cipher;
    this.#isEncrypting = direction === "encrypt";
    this.#register = Uint8Array.from(iv.subarray(0, cipher.blockSize));
    this.#block = new Uint8Array(cipher.blockSize);
  }

  /** Encrypts or decrypts the next bytes of the stream. */
  update(bytes: Uint8Array): Buffer {
    const cipher = this.#cipher;
    const block = this.#block;
    const size = cipher.blockSize;
    // The ciphertext with the register before it.
    const text = Buffer.allocUnsafe(size + bytes.length);
    text.set(this.#register);
    text.set(bytes, size);
    const result = this.#isEncrypting ? text.subarray(size) : Buffer.allocUnsafe(bytes.length);
    for (let index = 0; index < bytes.length; index++) {
      cipher.encryptBlock(text, index, block);
      result[index] = (text[size + index] ?? 0) ^ (block[0] ?? 0);
    }
    this.#register.set(text.subarray(bytes.length));
    return result;
  }
}
