import { describe, expect, test } from "vitest";
import { findCharset } from "../../src/wire/charset.js";

function written(name: string, text: string): string | undefined {
  const charset = findCharset(name);
  if (charset === undefined) return undefined;
  const field = Buffer.alloc(charset.size(text));
  expect(charset.write(field, text)).toBe(field.length);
  expect([...text].reduce((sum, character) => sum + charset.width(character.codePointAt(0) ?? 0), 0)).toBe(
    field.length,
  );
  return field.toString("hex");
}

describe("Text goes out in the encoding that the receiver reads", () => {
  test.each([
    ["utf-8", "aÖ€😀", "61c396e282acf09f9880"],
    ["UTF8", "ö", "c3b6"],
    ["latin1", "aÖß", "61d6df"],
    ["ISO-8859-1", "Grüße", "4772fcdf65"],
    ["windows-1252", "5 €", "352080"],
    ["iso-8859-15", "5 €", "3520a4"],
    ["koi8-r", "мир", "cdc9d2"],
  ])("%s", (name, text, hex) => {
    expect(written(name, text)).toBe(hex);
  });

  test.each([
    ["utf-8", "61c396e282acf09f9880", "aÖ€😀"],
    ["utf-8", "4772fcdf65", "Grüße"],
    ["latin1", "61d6df", "aÖß"],
    ["windows-1252", "352080", "5 €"],
    ["koi8-r", "cdc9d2", "мир"],
    ["koi8-r", "", ""],
    ["iso-8859-7", "e1ffe2", "α\ufffdβ"],
  ])("and is read in it: %s %s", (name, hex, text) => {
    expect(findCharset(name)?.read(Buffer.from(hex, "hex"))).toBe(text);
  });

  test("what it has no byte for is a question mark", () => {
    expect(written("iso-8859-1", "a漢😀b")).toBe("613f3f62");
  });

  test.each(["utf-16le", "shift_jis", "gbk", "nonsense", ""])("%s is none of those", (name) => {
    expect(findCharset(name)).toBeUndefined();
  });
});
