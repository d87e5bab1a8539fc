import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNscaMethod } from "../../../src/wire/nsca/methods.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { startNscaServer } from "./nsca-gateway.js";

const readme = readFileSync(new URL("../../../src/modules/nsca-server/README.md", import.meta.url), "utf8");
const sample = runnableBlocks(readme).find((block) => block.how === "take results with these settings")?.text ?? "";

describe("the README", () => {
  test("has a sample that takes results from who has the password", async () => {
    const gateway = await startNscaServer("", `${sample.replace("port = 5667", "")}127.0.0.1 = here`);
    for (const password of ["a-long-secret", "here"]) {
      const sender = await gateway.sender();
      const results = [{ host: "web1", service: password, code: 2, output: "DISK CRITICAL|used=96%" }];
      await sender.finish(sender.packets(results, { password, encryption: "3des" }));
    }
    expect(gateway.submissions).toEqual([["web1;here;2;DISK CRITICAL|'used'=96%"]]);
    expect(gateway.modules.list()[0]?.status.detail).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 port \d+ \(encryption 3des, without TLS\), 0 connections$/),
    ]);
  });

  test("lists the methods that there are, with their numbers and keys", () => {
    const rows = [...readme.matchAll(/^\| (\d*) +\| (`.+?`) +\| ([\d, ]*?) *\|/gm)].map(([, number, names, keys]) => ({
      number: number === "" ? undefined : Number(number),
      names: (names ?? "").replaceAll("`", "").split(", "),
      keys: (keys ?? "").split(", ").map(Number),
    }));
    expect(rows).toHaveLength(18);
    for (const { number, names, keys } of rows) {
      for (const [index, name] of names.entries()) {
        const { method, problem } = { method: undefined, ...parseNscaMethod(name) };
        expect(problem).toBeUndefined();
        expect(method?.number).toBe(number);
        expect(method?.keySize).toBe(keys[index] ?? keys[0]);
      }
    }
  });
});
