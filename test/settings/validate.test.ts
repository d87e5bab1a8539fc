import { chmodSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { coreSettings } from "../../src/settings/core-settings.js";
import { problemText } from "../../src/settings/errors.js";
import { parseDefine } from "../../src/settings/open.js";
import { SettingsRegistry } from "../../src/settings/registry.js";
import { validateSettings } from "../../src/settings/validate.js";
import { sampleModules } from "./sample-schemas.js";
import { settingsFolder } from "./temporary-store.js";

const options = { core: coreSettings, modules: sampleModules };

/** The problems of main.ini, with the folder left out. */
function check(files: Readonly<Record<string, string>>): string[] {
  const made = settingsFolder(files);
  return validateSettings(made.open(), options).map((problem) => problemText(problem).replaceAll(made.folder, ""));
}

describe("a settings file", () => {
  test("without a mistake has no problems", () => {
    expect(
      check({
        "main.ini": [
          "\ufeff; all of this is known",
          "[/modules]\nSampleServer = enabled\nsecond = SampleServer\nOtherModule.dll = disabled",
          "[/includes]\nmore = more.ini",
          "[/settings]",
          "[/Settings/Sample/Server]\nPort = 1\npassword = x\ntimeout = 5m\nmode = safe\n",
          "[/settings/Sample/second]\nport = 2\ncertificate key = key.pem",
          "[/settings/Sample/server/scripts]\nany name = a.py",
          "[/settings/Sample/server/targets]\na = host:1\n[/settings/Sample/server/targets/b]\nparent = a\nalias = bee",
          "[/settings/core/timeouts]\ncheck_x = 10s",
        ]
          .join("\n")
          .replace("key.pem", "${base-path}/../etc/hostname"),
        "more.ini": "[/settings/log]\nlevel = debug\n",
      }).filter((line) => !line.includes("/etc/hostname")),
    ).toEqual([]);
  });

  test("is told line by line what is wrong with it", () => {
    expect(
      check({
        "main.ini": [
          "[/modules]",
          "SampleServer = enabled",
          "SampelServer = enabled",
          "OtherModule = enable",
          "CheckDisk = disabled",
          "[/settings/Sample/server] port = 1",
          "prot = 5",
          "port = many",
          "timeout 5",
          "mode = fastest",
          "use ssl = on",
          "max size = big",
          "certificate key = ${certificate-paht}/key.pem",
          "[/settings/Sample/sevrer]",
          "x = 1",
          "[settings/log]",
          "[/settings/Sample/server/scripts",
          "[/settings/Sample/server/scripts]",
          "a = gone",
          "[/settings/Sample/server/limits]",
          "x = -1",
          "[/settings/Sample/server/targets/t]",
          "parent = bse",
          "retires = 3",
          "[/settings/Sample/server/targets/base]",
          "[/settings/my_script]",
          "anything = 1",
          "[/settings/log]",
          "level = inf",
          "level = info",
        ].join("\n"),
      }),
    ).toEqual([
      '/main.ini:3: error: [/modules] SampelServer: there is no module SampelServer (did you mean "SampleServer"?)',
      '/main.ini:4: error: [/modules] OtherModule: "enable" is neither enabled nor disabled (did you mean "enabled"?)',
      "/main.ini:5: warning: [/modules] CheckDisk: there is no module CheckDisk",
      '/main.ini:6: warning: [/settings/Sample/server] "port = 1" behind the ] is ignored',
      '/main.ini:7: warning: [/settings/Sample/server] prot: unknown key (did you mean "port"?)',
      '/main.ini:8: error: [/settings/Sample/server] port: "many" is not a whole number',
      "/main.ini:9: error: neither a [section], nor a comment, nor key = value",
      '/main.ini:10: error: [/settings/Sample/server] mode: "fastest" is none of Fast, Safe',
      '/main.ini:11: error: [/settings/Sample/server] use ssl: "on" is neither true nor false',
      '/main.ini:12: error: [/settings/Sample/server] max size: "big" is not a size such as 512, 64K or 10M',
      '/main.ini:13: error: [/settings/Sample/server] certificate key: there is no path token ${certificate-paht} (did you mean "certificate-path"?)',
      "/main.ini:13: error: [/settings/Sample/server] certificate key: the file /package/key.pem is not there",
      '/main.ini:14: warning: [/settings/Sample/sevrer] unknown section (did you mean "/settings/Sample/server"?)',
      '/main.ini:16: warning: [settings/log] unknown section (did you mean "/settings/log"?)',
      "/main.ini:17: error: the section header has no ]",
      "/main.ini:19: error: [/settings/Sample/server/scripts] a: Script not found: gone",
      '/main.ini:21: error: [/settings/Sample/server/limits] x: "-1" is not a time such as 30s, 5m or 1h',
      '/main.ini:23: warning: [/settings/Sample/server/targets/t] parent: there is no object "bse" to inherit from (did you mean "base"?)',
      '/main.ini:24: warning: [/settings/Sample/server/targets/t] retires: unknown key (did you mean "retries"?)',
      "/main.ini:26: warning: [/settings/my_script] unknown section",
      "/main.ini:29: warning: [/settings/log] level: is set again in line 30, and that one counts",
      '/main.ini:29: error: [/settings/log] level: "inf" is none of critical, error, warning, info, debug, trace (did you mean "info"?)',
    ]);
  });

  test("that is not there, or includes one that is not there, is named", () => {
    expect(check({})).toEqual(["/main.ini: error: the settings file is not there"]);
    expect(check({ "main.ini": "[/includes]\na = b.ini\nm = mian.ini\n" })).toEqual([
      "/main.ini:2: error: [/includes] a: the file /b.ini is not there",
      '/main.ini:3: error: [/includes] m: the file /mian.ini is not there (did you mean "/main.ini"?)',
    ]);
  });

  test("that everybody can read must hold no secret; nor may a key file", () => {
    const files = settingsFolder({
      "main.ini": "[/settings/Sample/server]\nport = 1\npassword = x\n",
      "key.ini": "[/settings/Sample/server]\ncertificate key = ${etc}/key.pem\n",
      "etc/key.pem": "",
    });
    chmodSync(files.file("main.ini"), 0o644);
    chmodSync(files.file("key.ini"), 0o644);
    const problems = (context: string) =>
      validateSettings(files.open({ context: files.file(context) }), options).map((problem) =>
        problemText(problem).replaceAll(files.folder, ""),
      );
    const secret = "password: a secret in a file that everybody can read (mode 0644)";
    expect(problems("main.ini")).toEqual([`/main.ini:3: warning: [/settings/Sample/server] ${secret}`]);
    chmodSync(files.file("main.ini"), 0o640);
    expect(problems("main.ini")).toEqual([]);
    expect(problems("key.ini")).toEqual([]);
    chmodSync(files.file("etc/key.pem"), 0o604);
    expect(problems("key.ini")).toEqual([
      "/key.ini:2: warning: [/settings/Sample/server] certificate key: everybody can read the secret in /etc/key.pem (mode 0604)",
    ]);
  });

  test("that names a file below a file is told that it is not there", () => {
    const place = "[/settings/Sample/server]\ncertificate key = ${etc}/file/key.pem\n";
    const log = "[/settings/log]\nfile name = ${etc}/file/nscp.log\n";
    expect(check({ "main.ini": place + log, "etc/file": "" })).toEqual([
      "/main.ini:2: error: [/settings/Sample/server] certificate key: the file /etc/file/key.pem is not there",
    ]);
  });

  test("with values from the command line is checked with them", () => {
    const files = settingsFolder({ "main.ini": "" });
    const store = files.open({ defines: [parseDefine("/settings/Sample/server:port=x")] });
    expect(validateSettings(store, options).map(problemText)).toEqual([
      'error: [/settings/Sample/server] port: "x" is not a whole number',
    ]);
  });

  test("may have sections of scripts, when they are named or described", () => {
    const files = settingsFolder({
      "main.ini":
        "[/settings/core]\nscript sections = /settings/my\n[/settings/MY/a/b]\nx = 1\n[/settings/own]\nx=1\ny=2\n",
    });
    const registry = new SettingsRegistry();
    const texts = { title: "X", description: "", type: "string", defaultValue: "", sampleUsage: "", icon: "" };
    const rest = { advanced: false, sample: false, sensitive: false };
    registry.registerKey({ path: "/settings/own", key: "x", ...texts, ...rest }, "my_script");
    expect(validateSettings(files.open(), { ...options, registry }).map((problem) => problem.key)).toEqual(["y"]);
  });
});
