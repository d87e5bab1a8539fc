import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { coreSettings } from "../../src/settings/core-settings.js";
import { validateSettings } from "../../src/settings/validate.js";
import { spoolSettings } from "../../src/spool/spool-settings.js";
import { settingsFolder } from "./temporary-store.js";

const page = readFileSync(new URL("../../docs/settings.md", import.meta.url), "utf8");
const samples = [...page.matchAll(/^```ini valid\n(.*?)^```$/gms)].map((match) => match[1] ?? "");

test.each(samples)("the page about settings has no mistake in its sample\n%s", (sample) => {
  const store = settingsFolder({ "main.ini": sample }).open();
  expect(validateSettings(store, { core: [coreSettings, spoolSettings], modules: [] })).toEqual([]);
});

test("the page about settings names every path token, and every key that belongs to no module and does something", () => {
  const groups = Object.values(coreSettings.groups).filter((group) => group.section !== "/settings/default");
  const specs = [coreSettings, spoolSettings, ...groups].flatMap((group) => Object.entries(group.keys));
  const words = specs.map(([name]) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
  const isAccepted = /^archive/;
  const names = [...settingsFolder({}).tokens().names(), ...words.filter((word) => !isAccepted.test(word))];
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
