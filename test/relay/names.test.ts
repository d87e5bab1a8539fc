import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import type { NameSettings } from "../../src/relay/name-keys.js";
import { nameMapping } from "../../src/relay/names.js";

const folder = mkdtempSync(join(tmpdir(), "names-"));
afterAll(() => rmSync(folder, { recursive: true }));

const plain: NameSettings = {
  hostCase: "keep",
  hostDomain: "keep",
  domain: "",
  serviceCase: "keep",
  hostNameTemplate: "",
  serviceNameTemplate: "",
  nameTable: undefined,
};

function table(text: string): string {
  const file = join(folder, "names.txt");
  writeFileSync(file, text);
  return file;
}

function mapped(settings: Partial<NameSettings>, names: string): string {
  const [host = "", service = ""] = names.split(";");
  const result = nameMapping({ ...plain, ...settings })({ host, service });
  return result.service === "" ? result.host : `${result.host};${result.service}`;
}

describe("names of hosts and services", () => {
  test.each<{ settings: Partial<NameSettings>; from: string; to: string }>([
    { settings: {}, from: "Web01.example.org;Disk /", to: "Web01.example.org;Disk /" },
    { settings: { hostCase: "lower" }, from: "Web01;Load", to: "web01;Load" },
    { settings: { hostCase: "upper", serviceCase: "lower" }, from: "Web01;Load", to: "WEB01;load" },
    { settings: { hostDomain: "strip" }, from: "web01.example.org;load", to: "web01;load" },
    { settings: { hostDomain: "strip" }, from: "192.0.2.17", to: "192.0.2.17" },
    { settings: { hostDomain: "strip" }, from: "web01", to: "web01" },
    { settings: { hostDomain: "add", domain: "example.org" }, from: "web01", to: "web01.example.org" },
    { settings: { hostDomain: "add", domain: ".example.org" }, from: "web01.a.b", to: "web01.a.b" },
    { settings: { hostDomain: "add", domain: "example.org" }, from: "2001:db8::1", to: "2001:db8::1" },
    { settings: { hostNameTemplate: "site1-${host}" }, from: "web01;load", to: "site1-web01;load" },
    { settings: { hostDomain: "strip", hostNameTemplate: "${host}@${domain}" }, from: "a.b.c", to: "a@b.c" },
    { settings: { serviceNameTemplate: "${host}: ${service}" }, from: "web;load", to: "web;web: load" },
    { settings: { serviceNameTemplate: "passive ${service}" }, from: "web", to: "web" },
    { settings: { hostNameTemplate: "${domain}" }, from: "web", to: "web" },
  ])("$from becomes $to with $settings", ({ settings, from, to }) => {
    expect(mapped(settings, from)).toBe(to);
  });

  test("what stands in the table is final, everything else follows the rules", () => {
    const nameTable = table("# names\n\nold = New.Host\nold;Load = other;CPU = load\r\nx=Y\n");
    const settings: Partial<NameSettings> = { nameTable, hostCase: "lower", serviceCase: "upper" };
    expect(["old;Load", "old;disk", "old", "x", "ELSE;a"].map((names) => mapped(settings, names))).toEqual([
      "other;CPU = load",
      "New.Host;DISK",
      "New.Host",
      "Y",
      "else;A",
    ]);
  });
});

describe("a target whose names can't work is refused", () => {
  const file = join(folder, "names.txt");
  test.each<{ settings: () => Partial<NameSettings>; message: string }>([
    {
      settings: () => ({ hostDomain: "add" }),
      message: "domain: host domain = add needs the domain to add",
    },
    {
      settings: () => ({ hostNameTemplate: "${hostname}" }),
      message: "host name template: there is no ${hostname}, only ${host}, ${domain}, ${service}",
    },
    {
      settings: () => ({ nameTable: table("a = b\nnonsense\n") }),
      message: `name table: ${file}:2: "nonsense" has no =, write old = new`,
    },
    {
      settings: () => ({ nameTable: table("a;b = c\n") }),
      message: `name table: ${file}:1: "a;b = c" has a service on one side only; write host = host or host;service = host;service`,
    },
    {
      settings: () => ({ nameTable: table("a = \n") }),
      message: `name table: ${file}:1: "a =" lacks a name, or has more than one ; on a side`,
    },
    {
      settings: () => ({ nameTable: table("a = b\n\na = c\n") }),
      message: `name table: ${file}:3: a stands in line 1 already`,
    },
  ])("$message", ({ settings, message }) => {
    expect(() => nameMapping({ ...plain, ...settings() })).toThrow(new GatewayError("CONFIGURATION", message));
  });

  test("a table that is not there", () => {
    const nameTable = join(folder, "none.txt");
    expect(() => nameMapping({ ...plain, nameTable })).toThrow(`name table: ${nameTable} can't be read: ENOENT`);
  });
});
