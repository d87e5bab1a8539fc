import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { coreSettings } from "../../src/settings/core-settings.js";
import { openSettings } from "../../src/settings/open.js";
import { PathTokens } from "../../src/settings/paths.js";
import { registryOf } from "../../src/settings/registry.js";
import { validateSettings } from "../../src/settings/validate.js";
import { packageRoot, temporaryFolder } from "../support/gateway-process.js";

const page = readFileSync(join(packageRoot, "docs", "telemetry.md"), "utf8");
const samples = [...page.matchAll(/^```ini valid\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
const folder = temporaryFolder("documentation");
afterAll(() => folder.remove());

it.each(samples)("a sample of the page is a valid configuration: %s", (sample) => {
  const file = join(folder.path, "sample.ini");
  writeFileSync(file, sample);
  const paths = new PathTokens({ packageRoot, dataPath: folder.path });
  const store = openSettings({
    context: file,
    paths,
    registry: registryOf(coreSettings, []),
    workingFolder: folder.path,
  });
  expect(validateSettings(store, { core: coreSettings, modules: [] })).toEqual([]);
});

it("the page names every metric of the source", () => {
  const read = (file: string) => readFileSync(join(packageRoot, "src", "telemetry", file), "utf8");
  const source = read("metrics.ts") + read("relay-metrics.ts");
  const names = [...source.matchAll(/"((?:nscp|process|nodejs)_\w+)"/g)].map((match) => match[1]);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
