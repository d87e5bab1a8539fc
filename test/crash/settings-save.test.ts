import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const built = (name: string) => JSON.stringify(pathToFileURL(join(process.cwd(), "dist/settings", name)).href);

/** Saves two keys to the same number, again and again, and prints each number that is saved. */
const saver = `
import { openSettings } from ${built("open.js")};
import { PathTokens } from ${built("paths.js")};
import { SettingsRegistry } from ${built("registry.js")};
const paths = new PathTokens({ packageRoot: "/", dataPath: "/" });
const context = process.argv[1];
const store = openSettings({ context, paths, registry: new SettingsRegistry(), workingFolder: "/" });
for (let number = store.getInt("/s", "first") + 1; ; number++) {
  store.set("/s", "first", String(number));
  store.set("/s", "last", String(number));
  await store.save();
  console.log(number);
}`;

test("a settings file is whole whenever the process that saves it is killed, and what was saved is in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nscp-save-"));
  const file = join(folder, "main.ini");
  const filler = "; a comment that stays\r\n".repeat(5000);
  const content = (number: number) => `[/s]\nfirst = ${number}\n${filler}last = ${number}\n`;
  try {
    writeFileSync(file, content(0));
    chmodSync(file, 0o640);
    let saved = 0;
    for (let round = 0; round < 10; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", saver, file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(child, "exit");
      let lines = 0;
      for await (const line of createInterface(child.stdout)) {
        saved = Number(line);
        lines += 1;
        // Killed at another moment of its work each time: the next save is already running.
        if (lines === 3 + round) setTimeout(() => child.kill("SIGKILL"), round % 4);
      }
      await exited;
      const number = Number(/^first = (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1]);
      expect(readFileSync(file, "utf8")).toBe(content(number));
      expect(number).toBeGreaterThanOrEqual(saved);
      expect(statSync(file).mode & 0o777).toBe(0o640);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
