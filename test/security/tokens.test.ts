import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTokenFile, updateTokenFile } from "../../src/security/token-file.js";
import { makeToken, parseTokens, serialiseTokens, tokenHash } from "../../src/security/tokens.js";
import { temporaryFolder } from "./support.js";

const poller = { name: "icinga", role: "poller", expires: undefined };

describe("a token", () => {
  it("has 256 random bits and is kept as its hash only", () => {
    const { text, record } = makeToken(poller, 1_000);
    expect(text).toMatch(/^nscp_[A-Za-z0-9_-]{43}$/);
    expect(record).toEqual({ id: record.id, ...poller, hash: tokenHash(text), created: 1_000 });
    expect(record.id).toMatch(/^[0-9a-f]{8}$/);
    expect(serialiseTokens([record])).not.toContain(text);
    expect(makeToken(poller, 1_000).text).not.toBe(text);
  });
});

describe("the token file", () => {
  it("is read back as it was written", () => {
    const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
    const record = fc.record({
      id: fc.stringMatching(/^[0-9a-f]{8}$/),
      name: fc.string({ minLength: 1 }),
      role: fc.string(),
      hash: fc.stringMatching(/^[0-9a-f]{64}$/),
      created: time,
      expires: fc.option(time, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(record), (records) => {
        expect(parseTokens(serialiseTokens(records), "tokens.json")).toEqual(records);
      }),
    );
  });

  const row = {
    id: "00000000",
    name: "n",
    role: "r",
    hash: `sha256:${"0".repeat(64)}`,
    created: "2030-01-01T00:00:00Z",
  };
  it.each([
    ["", "not a token file: it is no JSON"],
    ["[]", 'not a token file: it has no list "tokens"'],
    ['{"tokens":[]}', "a token file of version undefined, which this version of the gateway does not read"],
    [{ ...row, id: 1 }, "token 1 of the list has no id"],
    [{ ...row, name: "" }, "token 1 of the list has no name"],
    [{ ...row, role: null }, "token 1 of the list has no role"],
    [{ ...row, hash: "0".repeat(64) }, 'token 1 of the list has no hash of the form "sha256:…"'],
    [{ ...row, expires: "soon" }, "token 1 of the list has an expiry that is no date"],
    [{ ...row, expires: null }, "token 1 of the list has an expiry that is no date"],
    ["text", "not a token file: it is no JSON"],
  ])("that is broken is refused, and says where: %j", (content, reason) => {
    const text = typeof content === "string" ? content : JSON.stringify({ version: 1, tokens: [content] });
    expect(() => parseTokens(text, "tokens.json")).toThrow(`tokens.json: ${reason}`);
  });

  it("keeps what several commands write at the same time, and is for its owner only", async () => {
    const file = join(temporaryFolder(), "data", "tokens.json");
    const names = Array.from({ length: 8 }, (_, index) => `poller${index}`);
    const add = (name: string) =>
      updateTokenFile(file, (tokens) => ({
        tokens: [...tokens, makeToken({ ...poller, name }, 0).record],
        result: undefined,
      }));
    await Promise.all(names.map(add));
    expect((await readTokenFile(file)).map(({ name }) => name).sort()).toEqual(names);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("stays as it is when a change of it fails", async () => {
    const file = join(temporaryFolder(), "tokens.json");
    writeFileSync(file, serialiseTokens([makeToken(poller, 0).record]));
    const before = readFileSync(file, "utf8");
    const change = updateTokenFile(file, () => {
      throw new Error("no");
    });
    await expect(change).rejects.toThrow("no");
    expect(readFileSync(file, "utf8")).toBe(before);
    await updateTokenFile(file, () => ({ tokens: [], result: undefined }));
    expect(await readTokenFile(file)).toEqual([]);
  });

  it("need not be there", async () => {
    expect(await readTokenFile(join(temporaryFolder(), "tokens.json"))).toEqual([]);
  });
});
