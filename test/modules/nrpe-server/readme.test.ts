import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { moduleSchemas } from "../../../src/gateway/module-list.js";
import { parseArgumentType } from "../../../src/modules/nrpe-server/argument-types.js";
import { coreSettings } from "../../../src/settings/core-settings.js";
import { validateSettings } from "../../../src/settings/validate.js";
import { settingsFolder } from "../../settings/temporary-store.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { startNrpeServer } from "./nrpe-gateway.js";

const readme = readFileSync(new URL("../../../src/modules/nrpe-server/README.md", import.meta.url), "utf8");
const sample =
  runnableBlocks(readme).find((block) => block.how === "answer check_nrpe with these settings")?.text ?? "";

function problemsOf(ini: string): string[] {
  const store = settingsFolder({ "main.ini": ini }).open();
  const problems = validateSettings(store, { core: [coreSettings], modules: moduleSchemas });
  return problems.map(({ line, message }) => `${line}: ${message}`);
}

describe("the README", () => {
  test("has a sample that lets commands have the arguments that it says", async () => {
    expect(problemsOf(sample)).toEqual([]);
    const gateway = await startNrpeServer("", sample.replace("port = 5666", "").replace("check_disk", "check_args"));
    const text = "check_args!warning=80%!critical=90%!drive=/srv/data";
    expect(await gateway.ask(text, { tls: {} })).toBe("v4 0 <warning=80%> <critical=90%> <drive=/srv/data>");
    expect(await gateway.ask(text.replace("/srv", "/etc"), { tls: {} })).toMatch(
      /argument 3, "drive=\/etc\/data", does not fit drive=path\(\/srv\): it has to be a path below \/srv/,
    );
  });

  test("lists the types that there are", () => {
    const listed = [...readme.matchAll(/^\| `([a-z-]+)(?:\(.*?\))?` /gm)].map(([, name]) => name ?? "");
    const named = listed.filter((name) => !["none", "peer", "peer-cert"].includes(name));
    expect(parseArgumentType("nothing")).toBe(`there is no type "nothing"; there are ${named.join(", ")}`);
  });
});

test("config check finds what can't be meant, with its line", () => {
  const lines = [
    "[/modules]",
    "NRPEServer = enabled",
    "[/settings/NRPE/server]",
    "encoding = klingon",
    "max answer length = 1G",
    "legacy allowed hosts = 10.0.0.0/99",
    "payload length = 4",
    "[/settings/NRPE/server/arguments]",
    "check_disk = warning=percnt",
  ];
  expect(problemsOf(lines.join("\n"))).toEqual([
    expect.stringMatching(/^4: .*there is no such encoding/),
    expect.stringMatching(/^5: .*it has to be from 1K to 1M/),
    expect.stringMatching(/^6: .*10\.0\.0\.0\/99/),
    expect.stringMatching(/^7: .*16/),
    expect.stringMatching(/^9: .*it is no rule for arguments: there is no type "percnt"; there are integer,/),
  ]);
});
