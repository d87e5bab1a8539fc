import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { IniDocument } from "../../src/settings/ini-document.js";
import { MemoryLayer } from "../../src/settings/layer.js";
import { PathTokens } from "../../src/settings/paths.js";
import { SettingsRegistry } from "../../src/settings/registry.js";
import { SettingsStore } from "../../src/settings/store.js";

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "security-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store in memory with the settings of an ini text. */
export function storeOf(ini: string, dataPath = "/nonexistent"): SettingsStore {
  const layer = new MemoryLayer("dummy", IniDocument.parse(Buffer.from(ini)).entries());
  const paths = new PathTokens({ packageRoot: dataPath, dataPath, overrides: new Map([["log-path", dataPath]]) });
  return new SettingsStore(() => ({ layers: [layer], top: layer, problems: [] }), paths, new SettingsRegistry());
}
