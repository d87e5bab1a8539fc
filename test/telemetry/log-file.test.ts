import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogService } from "../../src/telemetry/log.js";
import { LogFile } from "../../src/telemetry/log-file.js";
import { streamOutput } from "../../src/telemetry/log-output.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nscp-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lostText = (count: number) => `lost ${count}\n`;
const read = (name: string) => readFileSync(join(folder, name), "utf8");

describe("the log file", () => {
  it("is rotated by size without losing or splitting a line, the oldest files go", async () => {
    const path = join(folder, "a.log");
    const file = new LogFile({ path, maxSize: 20, files: 2 }, () => {}, lostText);
    for (const number of [1, 2, 3, 4, 5, 6, 7]) file.write(`line ${number}..\n`);
    await file.close();
    expect(readdirSync(folder).sort()).toEqual(["a.log", "a.log.1", "a.log.2"]);
    expect(read("a.log.2")).toBe("line 3..\nline 4..\n");
    expect(read("a.log.1")).toBe("line 5..\nline 6..\n");
    expect(read("a.log")).toBe("line 7..\n");
  });

  it("keeps every line in order, whatever the sizes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 40 }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 60 }),
        async (texts, maxSize) => {
          const own = mkdtempSync(join(folder, "run-"));
          const path = join(own, "a.log");
          const file = new LogFile({ path, maxSize, files: 100 }, () => {}, lostText);
          const lines = texts.map((text, index) => `${index} ${text.replaceAll("\n", " ")}\n`);
          for (const [index, line] of lines.entries()) {
            file.write(line);
            if (index % 7 === 3) await file.flush();
          }
          await file.close();
          const names = readdirSync(own).sort((a, b) => Number(b.slice(6)) - Number(a.slice(6)));
          expect(names.map((name) => readFileSync(join(own, name), "utf8")).join("")).toBe(lines.join(""));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("goes on in a file that was there, and makes its folder", async () => {
    const path = join(folder, "deep", "er", "a.log");
    const first = new LogFile({ path, maxSize: 0, files: 0 }, () => {}, lostText);
    first.write("one\n");
    await first.close();
    const second = new LogFile({ path, maxSize: 0, files: 0 }, () => {}, lostText);
    second.write("two\n");
    await second.close();
    expect(read("deep/er/a.log")).toBe("one\ntwo\n");
  });

  it("is opened anew after it was renamed from outside", async () => {
    const path = join(folder, "a.log");
    const log = createLogService({
      form: "console",
      level: "info",
      write: () => {},
      file: { path, maxSize: 0, files: 0, dateFormat: "D" },
    });
    log.info("one");
    await log.flush();
    renameSync(path, join(folder, "old.log"));
    log.configure({ level: "info", file: { path, maxSize: 0, files: 0, dateFormat: "D" } });
    log.child("python").error("two\nlines", { file: "a.py", line: 3 });
    await log.close();
    expect(read("old.log")).toBe("D: info: core: one\n");
    expect(read("a.log")).toBe("D: error: a.py:3: two lines\n");
  });

  it("says once that the disk refuses lines, and writes them when it takes them again", async () => {
    const blocked = join(folder, "blocked");
    writeFileSync(blocked, "");
    const problems: string[] = [];
    const file = new LogFile(
      { path: join(blocked, "a.log"), maxSize: 0, files: 0 },
      (text) => problems.push(text),
      lostText,
    );
    file.write("one\n");
    await file.flush();
    file.write("two\n");
    await file.flush();
    expect(problems.length).toBe(1);
    rmSync(blocked);
    file.write("three\n");
    await file.close();
    expect(read("blocked/a.log")).toBe("one\ntwo\nthree\n");
  });

  it("counts what it had to leave out while the disk refused everything", async () => {
    const blocked = join(folder, "blocked");
    writeFileSync(blocked, "");
    const file = new LogFile({ path: join(blocked, "a.log"), maxSize: 0, files: 0 }, () => {}, lostText);
    const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
    for (let count = 0; count < 6; count++) file.write(line);
    await file.flush();
    rmSync(blocked);
    await file.close();
    expect(read("blocked/a.log")).toBe(`${line}lost 2\n${line.repeat(3)}`);
  });
});

describe("standard output", () => {
  it("leaves out and counts what a reader that stands still does not take", () => {
    const written: string[] = [];
    const stream = {
      writable: true,
      writableLength: 0,
      write: (text: string) => written.push(text) > 0,
      on() {},
    };
    const output = streamOutput(stream, lostText);
    output.write("one\n");
    stream.writableLength = 2 * 1024 * 1024;
    output.write("two\n");
    output.write("three\n");
    stream.writableLength = 0;
    output.write("four\n");
    expect(written).toEqual(["one\n", "lost 2\n", "four\n"]);
  });

  it("may be closed", async () => {
    const output = streamOutput({ writable: false, writableLength: 0, write: () => false, on() {} }, lostText);
    output.write("nobody reads this\n");
    await expect(output.flush()).resolves.toBeUndefined();
  });
});
