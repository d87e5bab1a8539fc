import { describe, expect, expectTypeOf, test } from "vitest";
import { readSettings } from "../../src/settings/read.js";
import { serverSettings } from "./sample-schemas.js";
import { settingsFolder } from "./temporary-store.js";

const read = (ini: string, alias = "server") => {
  const files = settingsFolder({ "main.ini": ini });
  return readSettings(serverSettings, files.open(), alias);
};

describe("a module's settings", () => {
  test("are the defaults where nothing is written", () => {
    const { scripts, limits, targets, ...keys } = read("");
    expect(keys).toEqual({
      port: 8443,
      bindTo: "::",
      password: undefined,
      timeout: 30_000,
      idle: 300_000,
      maxSize: 4_194_304,
      mode: "Fast",
      hosts: [],
      useTls: true,
      certificateKey: "/data/security/key.pem",
      log: { debug: false },
    });
    expect([scripts.size, limits.size, targets.active.size]).toEqual([0, 0, 0]);
    expect(targets.default.values).toEqual({ address: undefined, timeout: 30_000, retries: 3, password: "" });
  });

  test("are read by their types, from the section of the alias", () => {
    const settings = read(
      [
        "[/settings/Sample/two]",
        "port = 0\npassword = s3cret\ntimeout = 1m\nidle = off\nmax size = 1K\nmode = SAFE\nhosts = a, b",
        "use ssl = no\ncertificate key = ${data-path}/k.pem",
        "[/settings/Sample/two/log]\ndebug = yes",
        "[/settings/Sample/two/scripts]\nb = b.py\na = a.py",
        "[/settings/Sample/two/limits]\ncheck_x = 10s",
        "[/settings/default]\nbind to = 10.0.0.1",
      ].join("\n"),
      "two",
    );
    expectTypeOf(settings.port).toEqualTypeOf<number>();
    expectTypeOf(settings.password).toEqualTypeOf<string | undefined>();
    expectTypeOf(settings.mode).toEqualTypeOf<"Fast" | "Safe">();
    expectTypeOf(settings.hosts).toEqualTypeOf<readonly string[]>();
    expectTypeOf(settings.log.debug).toEqualTypeOf<boolean>();
    expectTypeOf(settings.limits).toEqualTypeOf<ReadonlyMap<string, number>>();
    expectTypeOf(settings.targets.default.values.retries).toEqualTypeOf<number>();
    const { targets: _targets, ...rest } = settings;
    expect(rest).toEqual({
      port: 0,
      bindTo: "10.0.0.1",
      password: "s3cret",
      timeout: 60_000,
      idle: Number.POSITIVE_INFINITY,
      maxSize: 1024,
      mode: "Safe",
      hosts: ["a", "b"],
      useTls: false,
      certificateKey: "/data/k.pem",
      log: { debug: true },
      scripts: new Map([
        ["a", "a.py"],
        ["b", "b.py"],
      ]),
      limits: new Map([["check_x", 10_000]]),
    });
  });

  test("that are wrong are named all at once, with file and line", () => {
    const files = settingsFolder({
      "main.ini":
        "[/settings/Sample/server]\nport = 70000\nmode = slow\ntimeout = soon\n[/settings/Sample/server/targets/a]\nretries = x\n",
    });
    const file = files.file("main.ini");
    expect(() => readSettings(serverSettings, files.open(), "server")).toThrow(
      [
        `${file}:2: error: [/settings/Sample/server] port: 70000 is more than 65535`,
        `${file}:4: error: [/settings/Sample/server] timeout: "soon" is not a time such as 30s, 5m or 1h`,
        `${file}:3: error: [/settings/Sample/server] mode: "slow" is none of Fast, Safe`,
        `${file}:6: error: [/settings/Sample/server/targets/a] retries: "x" is not a whole number`,
      ].join("\n"),
    );
  });
});

describe("objects", () => {
  const targets = (ini: string) => read(ini.replace(/\[T/g, "[/settings/Sample/server/targets")).targets;
  const shown = (ini: string) => {
    const { active, templates } = targets(ini);
    const rows = [...active.values(), ...templates.values()];
    return rows.map(({ id, name, isTemplate, parents, values }) => [
      `${id}${name === id ? "" : ` as ${name}`}${isTemplate ? " (template)" : ""}`,
      parents.join(" "),
      ...[values.address, values.timeout, values.retries, values.password],
    ]);
  };

  test("are one line, or a section, or both, and then the section counts", () => {
    expect(shown("[T]\na = a:1\nb = b:1\n[T/b]\naddress = b:2\n[T/c]\nretries = 5\nalias = sea\n")).toEqual([
      ["a", "default", "a:1", 30_000, 3, ""],
      ["b", "default", "b:2", 30_000, 3, ""],
      ["c as sea", "default", undefined, 30_000, 5, ""],
    ]);
  });

  test("inherit from their parents, then from default, then from the declaration", () => {
    expect(
      shown(
        [
          "[T/default]\ntimeout = 1m\npassword = shared\nretries = 9",
          "[T/base]\nis template = true\nretries = 7\npassword =",
          "[T/middle]\nparent = BASE\naddress = m:1",
          "[T/leaf]\nparent = middle\ntimeout = 5",
          "[T/alone]\nparent = alone",
          "[T/lost]\nparent = nobody",
        ].join("\n"),
      ),
    ).toEqual([
      ["alone", "", undefined, 30_000, 3, ""],
      ["leaf", "middle base default", "m:1", 5000, 7, ""],
      ["lost", "nobody default", undefined, 60_000, 9, "shared"],
      ["middle", "base default", "m:1", 60_000, 7, ""],
      ["base (template)", "default", undefined, 60_000, 7, ""],
      ["default (template)", "", undefined, 60_000, 9, "shared"],
    ]);
  });

  test("default may have a parent of its own", () => {
    const { default: fallback } = targets("[T/default]\nparent = base\n[T/base]\nretries = 1\nis template = yes\n");
    expect([fallback.parents, fallback.values.retries]).toEqual([["base"], 1]);
  });

  test("whose parents go round in a circle are an error that names it", () => {
    expect(() => targets("[T/a]\nparent = b\n[T/b]\nparent = c\n[T/c]\nparent = a\n")).toThrow(
      /main\.ini:6: error: \[\/settings\/Sample\/server\/targets\/c\] parent: the parents go round in a circle: a → b → c → a$/m,
    );
  });
});
