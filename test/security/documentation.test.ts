import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Roles } from "../../src/security/roles.js";
import { securitySettings } from "../../src/security/security-settings.js";
import { coreSettings } from "../../src/settings/core-settings.js";
import { readSettings } from "../../src/settings/read.js";
import { validateSettings } from "../../src/settings/validate.js";
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
});
