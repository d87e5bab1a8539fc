import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Roles } from "../../src/security/roles.js";
import { securitySettings } from "../../src/security/security-settings.js";
import { coreSettings } from "../../src/settings/core-settings.js";
import { readSettings } from "../../src/settings/read.js";
import { validateSettings } from "../../src/settings/validate.js";
import { packageRoot } from "../support/gateway-process.js";
import { storeOf } from "./support.js";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const samples = [...page.matchAll(/^```ini valid\n(.*?)^```$/gms)].map((match) => match[1] ?? "");

describe("the page about security", () => {
  it.each(samples)("has a sample that is right\n%s", (sample) => {
    const store = storeOf(sample);
    expect(validateSettings(store, { core: [coreSettings, securitySettings], modules: [] })).toEqual([]);
    expect(() => readSettings(securitySettings, store, "")).not.toThrow();
  });

  it("lists the grants of every role that is there", () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \|[^|]*\| (`[^|]*`) \|$/gm)].map((row) => {
      const texts = [...(row[2] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
      return [row[1], texts.map((text) => (text.startsWith(".") ? `modules${text}` : text))];
    });
    const roles = new Roles();
    const actual = ["full", "operator", "poller", "submitter", "client", "monitoring"].map((name) => {
      const implied = new Set(["metrics.list", "openmetrics.list"]);
      return [name, roles.get(name)?.texts.filter((text) => !implied.has(text))];
    });
    expect(rows).toEqual(actual);
  });

  it("names only tests that are there, and one for every incident", () => {
    const table = /^\| What happened \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(page)?.[1] ?? "";
    const incidents = table.trimEnd().split("\n");
    expect(incidents.length).toBeGreaterThan(10);
    const missing = incidents.flatMap((row) => {
      const named = [...row.matchAll(/`(test\/[^`]+\.test\.ts)`: "([^"]+)"/g)];
      if (named.length === 0) return [row];
      return named.flatMap(([text, file = "", title = ""]) => {
        const source = existsSync(join(packageRoot, file)) ? readFileSync(join(packageRoot, file), "utf8") : "";
        return source.replace(/\(\s+"/g, '("').includes(`("${title}"`) ? [] : [text];
      });
    });
    expect(missing).toEqual([]);
  });
});
