/**
 * Encodings of text on the wire: UTF-8, and those with one byte for each character.
 *
 * Source: WHATWG Encoding Standard, whose names are the ones that people know: `iso-8859-1`, `windows-1252`, `koi8-r`.
 */
import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";

export interface Charset {
  /** Bytes of a text. */
  size(text: string): number;
  /** Bytes of a character, by its code point. */
  width(codePoint: number): number;
  /** Writes a text that fits to the beginning of a field. How many bytes. */
  write(field: Buffer, text: string): number;
  /** The text of bytes that came; there is one for whatever they are. */
  read(bytes: Buffer): string;
}

export const utf8: Charset = {
  size: (text) => Buffer.byteLength(text),
  width(codePoint) {
    if (codePoint < 0x80) return 1;
    if (codePoint < 0x800) return 2;
    // A lone surrogate is written as U+FFFD, which has three bytes as well.
    return codePoint < 0x10000 ? 3 : 4;
  },
  write: (field, text) => field.write(text),
  // Senders that are not UTF-8 mostly are Latin-1.
  read: (bytes) => bytes.toString(isUtf8(bytes) ? "utf8" : "latin1"),
};

/** The encoding of this name; undefined when there is none or it is neither UTF-8 nor has one byte for each character. */
export function findCharset(name: string): Charset | undefined {
  const label = name.trim().toLowerCase();
  const decoder = decoderOf(label) ?? decoderOf(label.replace(/^latin-?/, "latin"));
  if (decoder === undefined) return undefined;
  return decoder.encoding === "utf-8" ? utf8 : singleByte(decoder);
}

function decoderOf(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

const QUESTION_MARK = 0x3f;
/** Stands for a byte that is no character. */
const REPLACEMENT = 0xfffd;

/** 0x80 to 0x9f of windows-1252, which Node.js takes for ISO 8859-1 in some releases. */
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** The other way round than the decoder. What the encoding has no byte for is written as a question mark. */
function singleByte(decoder: TextDecoder): Charset | undefined {
  const bytes = new Map<number, number>();
  for (let byte = 0; byte < 256; byte++) {
    const character = decoder.decode(Uint8Array.of(byte));
    // Two bytes that belong together, as in UTF-16 or in Japanese encodings, give nothing or a replacement alone.
    if (character.length !== 1 || (byte < 0x80 && character.charCodeAt(0) !== byte)) return undefined;
    if (character !== "\ufffd") bytes.set(character.charCodeAt(0), byte);
  }
  if (bytes.size < 0x80 + 0x40) return undefined;
  if (decoder.encoding === "windows-1252") {
    for (const [index, character] of [...windows1252].entries()) bytes.set(character.charCodeAt(0), 0x80 + index);
  }
  const characterOf = new Array<number>(256).fill(REPLACEMENT);
  for (const [character, byte] of bytes) characterOf[byte] = character;
  return {
    size: (text) => characters(text),
    width: () => 1,
    write(field, text) {
      let at = 0;
      for (const character of text) field[at++] = bytes.get(character.codePointAt(0) ?? 0) ?? QUESTION_MARK;
      return at;
    },
    read(field) {
      let text = "";
      for (const byte of field) text += String.fromCharCode(characterOf[byte] ?? REPLACEMENT);
      return text;
    },
  };
}

function characters(text: string): number {
  let count = 0;
  for (const _character of text) count++;
  return count;
}
