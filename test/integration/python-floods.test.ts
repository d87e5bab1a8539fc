import { afterEach, describe, expect, it } from "vitest";
import { check, hostOf, neighbour, startPython, until } from "../support/python-source.js";
import type { Harness, LogBook } from "../support/script-harness.js";

let harness: Harness | undefined;

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const lines = 100_000;

/** Ways to write 100,000 lines of 1000 bytes to standard output. */
const floods: Readonly<Record<string, { body: string; more?: string }>> = {
  print: { body: `for _ in range(${lines}): print('x' * 999)` },
  "os.write": { body: `for _ in range(100): os.write(1, (b'x' * 999 + b'\\n') * 1000)`, more: "import os" },
  "a program": {
    body: `subprocess.call(['sh', '-c', 'yes $0 | head -n ${lines}', 'x' * 999])`,
    more: "import subprocess",
  },
};

const leftOutLine = /(\d+) lines of output were left out$/;

/** How many lines are missing in the log, as it says itself. */
function leftOut({ records }: LogBook): number {
  return records.reduce((sum, { text }) => sum + Number(leftOutLine.exec(text)?.[1] ?? 0), 0);
}

/** The gateway, which is the process of the test here, may need so much more while it passes on what is printed. */
const margin = 128 * 1024 ** 2;

describe("100 MB on standard output", () => {
  for (const [way, { body, more }] of Object.entries(floods)) {
    it(`by ${way} are cut, and everybody is answered meanwhile`, async () => {
      const source = check("check_flood", `${body}\nreturn status.OK, 'flooded'`, more);
      harness = await startPython({ "flood.py": source, "neighbour.py": neighbour });
      const { query, log } = harness;
      const { pid } = hostOf(harness);
      const before = process.memoryUsage().rss;
      let peak = before;
      let over = false;
      const flooded = query("check_flood").finally(() => {
        over = true;
      });
      const others: unknown[] = [];
      while (!over) {
        others.push(await query("check_neighbour"));
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      expect(await flooded).toEqual([0, "flooded", ""]);
      expect(others).toEqual(others.map((_, index) => [0, `call ${index + 1}`, ""]));
      expect(peak - before).toBeLessThan(margin);
      // Every line is in the log, or counted among those that are not.
      const passed = () => log.records.filter(({ text }) => text.endsWith("x".repeat(999))).length;
      await until(() => passed() + leftOut(log), lines);
      expect(passed()).toBeLessThan(1_000);
      expect(hostOf(harness)).toMatchObject({ pid, restarts: 0 });
    });
  }

  it("of records are cut too", async () => {
    const source = check("check_logs", `for n in range(${lines}): log('x')\nreturn status.OK, 'logged'`);
    harness = await startPython({ "logs.py": source });
    const { query, log } = harness;
    expect(await query("check_logs")).toEqual([0, "logged", ""]);
    await until(() => log.texts("info").length + leftOut(log), lines);
    expect(log.texts("info").length).toBeLessThan(1_000);
    expect(log.texts("error").filter((text) => !leftOutLine.test(text))).toEqual([]);
  });
});
