import { mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { closest } from "../../src/settings/did-you-mean.js";
import { expandHostname } from "../../src/settings/hostname.js";
import { parsePathOverride } from "../../src/settings/paths.js";
import { parseBool, parseInteger, parseSize, parseTime } from "../../src/settings/values.js";
import { settingsFolder } from "./temporary-store.js";

test.each([
  ["TRUE", true],
  ["1", true],
  ["yes", true],
  ["No", false],
  ["0", false],
  ["false", false],
  ["enabled", undefined],
  ["", undefined],
])("bool %j is %j", (text, value) => expect(parseBool(text)).toBe(value));

test.each([
  ["12", 12],
  ["-3", -3],
  ["+3", 3],
  ["3.0", undefined],
  ["3x", undefined],
  ["99999999999999999", undefined],
  ["", undefined],
])("int %j is %j", (text, value) => expect(parseInteger(text)).toBe(value));

test.each([
  ["30", 30_000],
  ["250ms", 250],
  ["30s", 30_000],
  ["5M", 300_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1w", 604_800_000],
  ["5 m", 300_000],
  ["-5", undefined],
  ["5y", undefined],
  ["", undefined],
])("time %j is %j ms", (text, value) => expect(parseTime(text)).toBe(value));

test.each([
  ["512", 512],
  ["1b", 1],
  ["64K", 65_536],
  ["10mb", 10_485_760],
  ["1GiB", 1_073_741_824],
  ["2T", 2_199_023_255_552],
  ["K", undefined],
  ["1.5M", undefined],
])("size %j is %j bytes", (text, value) => expect(parseSize(text)).toBe(value));

test.each([
  ["auto", "Web01.Example.org"],
  ["auto-lc", "web01.example.org"],
  ["AUTO-UC", "WEB01.EXAMPLE.ORG"],
  ["${host}", "Web01"],
  ["${host_uc}.${domain_lc}", "WEB01.example.org"],
  ["${hostname_lc}!", "web01.example.org!"],
  ["automatic ${other}", "automatic ${other}"],
])("host name %j is %j", (template, name) => expect(expandHostname(template, "Web01.Example.org")).toBe(name));

test("a host name without a domain has an empty domain", () => {
  expect(expandHostname("${host}|${domain}", "web01")).toBe("web01|");
});

test.each([
  ["prot", ["port", "path"], "port"],
  ["Pasword", ["password", "port"], "password"],
  ["certificate", ["certificate key", "ca"], undefined],
  ["x", ["port"], undefined],
])("%j probably means %j of %j", (name, candidates, meant) => expect(closest(name, candidates)).toBe(meant));

describe("path tokens", () => {
  test("are replaced in both spellings and to any depth; an unknown one is the package's folder", () => {
    const tokens = settingsFolder({}).tokens({ scripts: "${shared-path}/my", Deep: "%(scripts)/deep" });
    expect(tokens.expand("${deep}/x %(data-path) ${nothing} ${} ${open")).toBe(
      "/package/my/deep/x /data /package ${} ${open",
    );
    expect(tokens.unknownTokens("${data-paht}/${scripts}")).toEqual([{ name: "data-paht", suggestion: "data-path" }]);
  });

  test("an override beats boot.ini, and that beats the default", () => {
    const tokens = settingsFolder({}).tokens({ "web-path": "/override" });
    tokens.useBootPaths([
      ["Web-Path", "/boot"],
      ["cache-folder", "/boot/cache"],
    ]);
    expect([tokens.get("web-path"), tokens.get("cache-folder"), tokens.get("certificate-path")]).toEqual([
      "/override",
      "/boot/cache",
      "/data/security",
    ]);
  });

  test("a token that is made of itself is an error that names the way round", () => {
    const tokens = settingsFolder({}).tokens({ a: "${b}", b: "x${a}" });
    expect(() => tokens.expand("${a}")).toThrow("The path token ${a} never ends: a → b → a");
  });

  test("scripts are beside the settings file when there is such a folder", () => {
    const files = settingsFolder({ "main.ini": "" });
    expect(files.open().paths.get("scripts")).toBe("/package/scripts");
    mkdirSync(files.file("scripts"));
    expect(files.open().paths.get("scripts")).toBe(files.file("scripts"));
  });

  test.each([
    ["scripts=/a=b", ["scripts", "/a=b"]],
    ["scripts", undefined],
    ["=x", undefined],
  ])("--path-override %j is %j", (text, pair) => expect(parsePathOverride(text)).toEqual(pair));
});
