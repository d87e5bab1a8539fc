import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type OpenOptions, openSettings } from "../../src/settings/open.js";
import { PathTokens } from "../../src/settings/paths.js";
import { SettingsRegistry } from "../../src/settings/registry.js";

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nscp-settings-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files, each by its name below a new folder, with mode 0600; reads them and opens stores in it. */
export function settingsFolder(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  }
  const tokens = (overrides: Readonly<Record<string, string>> = {}) =>
    new PathTokens({
      packageRoot: "/package",
      dataPath: "/data",
      overrides: new Map(Object.entries({ etc: join(folder, "etc"), ...overrides })),
    });
  return {
    folder,
    file: (name: string) => join(folder, name),
    read: (name: string) => readFileSync(join(folder, name), "utf8"),
    tokens,
    open: (options: Partial<OpenOptions> = {}) =>
      openSettings({
        context: join(folder, "main.ini"),
        paths: tokens(),
        registry: new SettingsRegistry(),
        workingFolder: folder,
        ...options,
      }),
  };
}
