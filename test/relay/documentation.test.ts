import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { moduleDefinitions, moduleSchemas } from "../../src/gateway/module-list.js";
import type { RelayModule } from "../../src/relay/define-relay.js";
import { deliveryKeys } from "../../src/relay/delivery-keys.js";
import { nameKeys } from "../../src/relay/name-keys.js";
import { commonTargetKeys } from "../../src/relay/target-keys.js";
import { coreSettings } from "../../src/settings/core-settings.js";
import { openSettings } from "../../src/settings/open.js";
import { PathTokens } from "../../src/settings/paths.js";
import { registryOf } from "../../src/settings/registry.js";
import { keyName } from "../../src/settings/schema.js";
import { validateSettings } from "../../src/settings/validate.js";
import { spoolSettings } from "../../src/spool/spool-settings.js";
import { packageRoot, temporaryFolder } from "../support/gateway-process.js";
import { loadModule } from "../support/module-harness.js";

const docs = join(packageRoot, "docs");
const read = (name: string) => readFileSync(join(docs, name), "utf8");
const guide = read("relays.md");
const samples = [...guide.matchAll(/^```ini valid\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
samples.push(readFileSync(join(packageRoot, "config", "relays.ini"), "utf8"));
const folder = temporaryFolder("documentation");
afterAll(() => folder.remove());

const core = [coreSettings, spoolSettings];
const relays = moduleDefinitions.filter((definition) => "protocol" in definition) as unknown as RelayModule[];

describe("the guide of relays", () => {
  it.each(samples)("has no mistake in its sample\n%s", async (sample) => {
    const file = join(folder.path, "sample.ini");
    writeFileSync(file, sample, { mode: 0o600 });
    const paths = new PathTokens({ packageRoot, dataPath: folder.path });
    const registry = registryOf(core, moduleSchemas);
    const store = openSettings({ ...{ context: file, paths, registry }, workingFolder: folder.path });
    expect(validateSettings(store, { core, modules: moduleSchemas })).toEqual([]);
    for (const name of sample.match(/^\w+(?= = enabled$)/gm) ?? []) {
      const relay = relays.find((definition) => definition.name === name);
      // An intake opens a port, and has tests of its own.
      if (relay === undefined) continue;
      const { modules, isLoaded } = await loadModule(relay, sample);
      expect([name, isLoaded, modules.list()[0]?.failure]).toEqual([name, true, ""]);
      await modules.stopAll();
    }
  });

  it("names every relay with its channel and its delivery grade", () => {
    const rows = relays.map(({ name, protocol: { channel, grade } }) => [name, `| \`${channel}\` | ${grade} |`]);
    const lines = guide.split("\n");
    expect(
      rows.filter(([name = "", row = ""]) => !lines.some((line) => line.includes(`[${name}]`) && line.endsWith(row))),
    ).toEqual([]);
  });

  it("names every key that all targets have, and those of the spool", () => {
    const specs = [commonTargetKeys, deliveryKeys, nameKeys, spoolSettings.keys].flatMap((keys) =>
      Object.entries(keys),
    );
    const names = specs.map(([property, spec]) => keyName(property, spec));
    expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });
});

describe("the guides of relays", () => {
  const pages = ["relays.md", "relay-failures.md", "relay-sizing.md"];

  it.each(pages)("%s links to what is there", (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? join(docs, page) : join(dirname(join(docs, page)), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !headingsOf(readFileSync(target, "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)("%s names no metric that there is not", (page) => {
    const telemetry = join(packageRoot, "src", "telemetry");
    const source = readdirSync(telemetry)
      .map((name) => readFileSync(join(telemetry, name), "utf8"))
      .join("");
    const names = read(page).match(/nscp_[a-z_]+/g) ?? [];
    const known = (name: string) => source.includes(`"${name}"`) || name === "nscp_submission_duration_seconds";
    expect([...new Set(names)].filter((name) => !known(name))).toEqual([]);
  });
});

/** The headings of a page as links name them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );
}
