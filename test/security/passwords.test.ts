import { describe, expect, it } from "vitest";
import { decoyCheck, hashPassword, passwordCheck } from "../../src/security/passwords.js";

// RFC 7914, section 12: scrypt with N = 1024, r = 8, p = 16.
const rfcScrypt =
  "scrypt$1024$8$16$TmFDbA==$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA==";
// RFC 7914, section 11: PBKDF2-HMAC-SHA256 with one iteration, its first 32 bytes.
const rfcPbkdf2 = "pbkdf2-sha256$1$73616c74$55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc";

describe("a password in the settings", () => {
  it.each([
    ["scrypt", rfcScrypt, "password"],
    ["pbkdf2", rfcPbkdf2, "passwd"],
    ["plain text", "gehe$im", "gehe$im"],
  ])("lets in who knows it: %s", async (_kind, stored, password) => {
    const check = passwordCheck(stored);
    expect(await Promise.all([check(password), check(`${password} `), check(""), check(stored)])).toEqual([
      true,
      false,
      false,
      stored === password,
    ]);
  });

  it("lets nobody in when it is empty", async () => {
    expect(await passwordCheck("")("")).toBe(false);
  });

  it("is hashed with a salt of its own", async () => {
    const [one, other] = [await hashPassword("geheim"), await hashPassword("geheim")];
    expect(one).toMatch(/^scrypt\$16384\$8\$1\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/);
    expect(one).not.toBe(other);
    expect([await passwordCheck(one)("geheim"), await passwordCheck(one)("Geheim")]).toEqual([true, false]);
  });

  it.each([
    ["scrypt$1000$8$1$c2FsdA==$aGFzaGhhc2hoYXNoaGFzaA==", "the parameters of its scrypt hash are out of range"],
    ["scrypt$4294967296$8$1$c2FsdA==$aGFzaGhhc2hoYXNoaGFzaA==", "the parameters of its scrypt hash are out of range"],
    ["scrypt$1048576$64$1$c2FsdA==$aGFzaGhhc2hoYXNoaGFzaA==", "the parameters of its scrypt hash are out of range"],
    ["scrypt$16384$8$1$c2FsdA==$", "its scrypt hash has an impossible length"],
    ["pbkdf2-sha256$0$00$00", "the iterations of its pbkdf2 hash are not between 1 and 1000000"],
    ["pbkdf2-sha256$1000001$00$00", "the iterations of its pbkdf2 hash are not between 1 and 1000000"],
    ["pbkdf2-sha256$1$00$abcd", "its pbkdf2 hash is not 32 bytes in hexadecimal"],
  ])("is refused when it is a hash that can't be one: %s", (stored, reason) => {
    expect(() => passwordCheck(stored)).toThrow(new RangeError(reason));
  });

  it("says no to everything for a user who is not there", async () => {
    expect(await Promise.all([decoyCheck("")(""), decoyCheck(rfcPbkdf2)("passwd")])).toEqual([false, false]);
  });
});
