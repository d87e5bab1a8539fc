// Tests of check_sample.ts. `nscp unit --language node --script test_sample` runs them, with settings of their own.
import assert from "node:assert/strict";
import { query, test, unitScript } from "./lib/nscp-unit.js";

test("counts its arguments", async () => {
  assert.deepEqual(await query("check_sample", "a", "b"), [0, "I was given 2 arguments", "'arguments'=2;5"]);
});

test("warns about more than five", async () => {
  const [code, message] = await query("check_sample", ..."abcdef");
  assert.deepEqual([code, message], [1, "I was given 6 arguments"]);
});

test("explains itself", async () => {
  assert.match((await query("check_sample", "help"))[1], /^Counts its arguments/);
});

export const { init, main } = unitScript(import.meta.url, { scripts: ["check_sample.ts"] });
