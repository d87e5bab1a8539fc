import { describe, expect, it } from "vitest";
import { type NscaDialect, parseNscaMethod } from "../../../src/wire/nsca/methods.js";

const THERE_IS =
  "there is none (0), xor (1), des (2), 3des (3, tripledes, des3), cast128 (4, cast5), cast256 (5, cast6), xtea (6), " +
  "blowfish (8), twofish (9), loki97 (10), rc2 (11), rijndael128 (14, aes256, aes), rijndael192 (15), rijndael256 (16), " +
  "serpent (20), gost (23), saferplus (26, safer+), aes128 and aes192";

function nameOf(text: string, dialect?: NscaDialect): string {
  const parsed = parseNscaMethod(text, dialect);
  return parsed.problem ?? parsed.method.name;
}

describe("An encryption method in a setting", () => {
  it("is given by name in any case, with hyphens or without, or by number", () => {
    expect(["3DES", "Cast-128", "rijndael_192", " SAFER+ ", "26", "0", "aes-128"].map((text) => nameOf(text))).toEqual([
      "3des",
      "cast128",
      "rijndael192",
      "saferplus",
      "saferplus",
      "none",
      "aes128",
    ]);
  });

  it("of 256 bits of AES is what NSCA calls rijndael-128", () => {
    expect(["aes", "aes256", "rijndael128", "14"].map((text) => nameOf(text))).toEqual(Array(4).fill("rijndael128"));
  });

  it("is NSCA's for 14 to 16, and NSClient++'s when that is asked for", () => {
    expect(["14", "15", "16"].map((text) => nameOf(text))).toEqual(["rijndael128", "rijndael192", "rijndael256"]);
    expect(["14", "15", "16", "20", "rijndael256"].map((text) => nameOf(text, "nsclient"))).toEqual([
      "aes128",
      "aes192",
      "rijndael128",
      "serpent",
      "rijndael256",
    ]);
  });

  it("that does not work is an error which names it and lists what there is", () => {
    expect(nameOf("aes512")).toBe(`encryption "aes512" is not known; ${THERE_IS}`);
    expect(nameOf("")).toBe(`encryption "" is not known; ${THERE_IS}`);
    expect(nameOf("27")).toBe(`encryption "27" is not known; ${THERE_IS}`);
    expect(nameOf("7")).toBe(`encryption 7 (3-WAY) works in no NSCA daemon; ${THERE_IS}`);
    expect(nameOf("23", "nsclient")).toBe(`encryption "23" is a variant of GOST that only NSClient++ has; ${THERE_IS}`);
    for (const number of [12, 13, 17, 18, 19, 21, 22, 24, 25])
      expect(nameOf(`${number}`)).toContain(`encryption ${number} (`);
  });
});
