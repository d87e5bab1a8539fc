import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runConfigCheck, runSettings, type SettingsCommandHost } from "../../src/cli/settings.js";
import { coreSettings } from "../../src/settings/core-settings.js";
import { openSettings } from "../../src/settings/open.js";
import { registryOf } from "../../src/settings/registry.js";
import { sampleModules } from "../settings/sample-schemas.js";
import { settingsFolder } from "../settings/temporary-store.js";

/** Runs commands on the files; what is printed has no folder in it. */
function commandLine(files: Readonly<Record<string, string>>) {
  const made = settingsFolder(files);
  const host: SettingsCommandHost = {
    core: coreSettings,
    modules: sampleModules,
    open: ({ settings, defines, pathOverrides }) =>
      openSettings({
        context: settings ?? made.file("main.ini"),
        paths: made.tokens(Object.fromEntries(pathOverrides)),
        registry: registryOf(coreSettings, sampleModules),
        defines,
        workingFolder: made.folder,
      }),
  };
  const run = async (command: typeof runSettings, args: readonly string[]) => {
    const written = { stdout: [] as string[], stderr: [] as string[] };
    const io = {
      stdout: (text: string) => void written.stdout.push(text),
      stderr: (text: string) => void written.stderr.push(text),
    };
    const code = await command(args, io, host);
    const shown = (texts: readonly string[]) => texts.join("").replaceAll(made.folder, "");
    return { code, stdout: shown(written.stdout), stderr: shown(written.stderr) };
  };
  return {
    ...made,
    settings: (...args: string[]) => run(runSettings, args),
    check: (...args: string[]) => run(runConfigCheck, args),
  };
}

const done = { code: 0, stdout: "", stderr: "" };
const server = "/settings/Sample/server";

describe("nscp settings", () => {
  test("--set writes one key and says nothing", async () => {
    const cli = commandLine({ "main.ini": "; mine\r\n[/s]\r\nx=1\r\n" });
    expect(await cli.settings("--path", "/s", "--key", "x", "--set", "2")).toEqual(done);
    expect(await cli.settings("--path=/s", "--key=new", "--set")).toEqual(done);
    expect(await cli.settings("--path", server, "--key", "port", "--set=-1")).toEqual(done);
    expect(cli.read("main.ini")).toBe(
      "; mine\r\n[/s]\r\nx=2\r\nnew = \r\n\r\n; Sample server - A server for tests\r\n[/settings/Sample/server]\r\n; Port - The port\r\nport = -1\r\n",
    );
    expect(await cli.settings("--path", "/s", "--set", "2")).toEqual({
      code: 255,
      stdout: "",
      stderr: "Invalid command line please use --path and --key with set\n",
    });
    expect(await cli.settings("--path", "/s", "--key", "x", "--set", "a\nb")).toEqual({
      code: 255,
      stdout: "",
      stderr: "The value of /s.x has a line break, which an ini file can't hold\n",
    });
  });

  test("--show prints a value without a newline, a secret as stars, and the store with its includes", async () => {
    const cli = commandLine({
      "main.ini": `[/includes]\na = a.ini\n[/s]\nx=1\n[${server}]\npassword = p\n`,
      "a.ini": "[/includes]\nb = b.ini\n",
      "b.ini": "",
    });
    const shown = async (...args: string[]) => (await cli.settings("--show", ...args)).stdout;
    expect(await shown("--path", "/s", "--key", "x")).toBe("1");
    expect(await shown("--path", "/s", "--key", "none")).toBe("");
    expect(await shown("--path", server, "--key", "password")).toBe("***");
    expect(await shown()).toBe("ini:///main.ini\n  ini:///a.ini\n    ini:///b.ini\n");
    expect(await cli.settings("--show", "--key", "x")).toEqual({
      code: 255,
      stdout: "",
      stderr: "Invalid command line please use --path and --key with show\n",
    });
  });

  test("--list prints path.key=value, children first", async () => {
    const cli = commandLine({ "main.ini": `[/s]\nx=1\n[/s/sub]\ny=2\n[${server}]\npassword = p\n[loose]\nz=3\n` });
    expect((await cli.settings("--list")).stdout).toBe(`/s/sub.y=2\n/s.x=1\n${server}.password=***\nloose.z=3\n`);
    expect((await cli.settings("--list", "--path", "/s/sub/")).stdout).toBe("/s/sub.y=2\n");
    expect((await cli.settings("--list", "--path", "/s", "--define", "/s:x=9")).stdout).toBe("/s/sub.y=2\n/s.x=9\n");
  });

  test("--delete removes a key or a section", async () => {
    const cli = commandLine({ "main.ini": "[/s]\nx=1\ny=2\n\n[/t]\nz=3\n" });
    expect(await cli.settings("--delete", "--path", "/s", "--key", "x")).toEqual(done);
    expect(await cli.settings("--delete", "--path", "/t")).toEqual(done);
    expect(cli.read("main.ini")).toBe("[/s]\ny=2\n\n");
  });

  test("--activate-module switches on what there is, and with --add-missing writes its defaults", async () => {
    const cli = commandLine({ "main.ini": "" });
    expect(await cli.settings("--activate-module", "sampleserver", "Nothing")).toEqual({
      code: 255,
      stdout: "",
      stderr: "Failed to load module (Wont activate): Nothing\n",
    });
    expect(cli.read("main.ini")).toMatch(/\[\/modules\]\nSampleServer = enabled\n/);
    expect(await cli.settings("--activate-module", "SampleServer", "--add-missing")).toEqual(done);
    const list = (await cli.settings("--list", "--path", server)).stdout;
    expect(list).toBe(
      [
        `${server}/log.debug=false`,
        ...["bind to=::", "hosts=", "idle=5m", "max size=4M", "mode=Fast", "password=", "port=8443", "timeout=30"].map(
          (line) => `${server}.${line}`,
        ),
        `${server}.use ssl=true`,
        "",
      ].join("\n"),
    );
    expect((await cli.settings("--validate")).stderr).toBe("");
  });

  test("--remove-defaults takes out what would be so anyway, but no object", async () => {
    const cli = commandLine({
      "main.ini": `[${server}]\nport = 8443\nmode = Safe\nbind to = ::\n[${server}/log]\ndebug = false\n[/settings/default]\nbind to = 1.2.3.4\n[${server}/targets/t]\nretries = 3\n[${server}/targets/empty]\n`,
    });
    expect(await cli.settings("--remove-defaults", "--generate")).toEqual(done);
    expect(cli.read("main.ini")).toBe(
      `[${server}]\nmode = Safe\nbind to = ::\n[/settings/default]\nbind to = 1.2.3.4\n[${server}/targets/t]\nretries = 3\n[${server}/targets/empty]\n`,
    );
  });

  test("--dry-run shows what would change", async () => {
    const cli = commandLine({ "main.ini": `[/s]\nx=1\n` });
    expect(await cli.settings("--dry-run", "--path", server, "--key", "password", "--set", "p")).toEqual({
      ...done,
      stdout: `added: ${server}.password=***\n`,
    });
    expect(cli.read("main.ini")).toBe("[/s]\nx=1\n");
  });

  test.each(["--generate", "--update", "--migrate-to"])("%s writes everything to another store", async (action) => {
    const cli = commandLine({ "main.ini": "[/includes]\na=a.ini\n[/s]\nx=1\n", "a.ini": "[/s]\ny=2\n" });
    expect(await cli.settings(action, "other.ini")).toEqual(done);
    const list = await cli.settings("--settings", "other.ini", "--list", "--path", "/s");
    expect(list).toEqual({ ...done, stdout: "/s.x=1\n/s.y=2\n" });
  });

  test("--migrate-from takes over another store, and says when it is not there", async () => {
    const cli = commandLine({ "main.ini": "[/s]\nx=1\n", "old.ini": "[/s]\nx=2\n" });
    expect(await cli.settings("--migrate-from", "old.ini")).toEqual(done);
    expect(cli.read("main.ini")).toBe("[/s]\nx=2\n");
    expect(await cli.settings("--migrate-from", "none.ini")).toEqual({
      code: 255,
      stdout: "",
      stderr: "/none.ini: error: the settings file is not there\n",
    });
    expect(await cli.settings("--migrate-layout")).toEqual({
      code: 255,
      stdout: "",
      stderr: "--migrate-layout is not supported: there is only one layout\n",
    });
  });

  test("--sort and --switch say where they wrote", async () => {
    const cli = commandLine({ "main.ini": "[/b]\nx=1\n[/modules]\n", "other.ini": "" });
    expect(await cli.settings("--sort")).toEqual({ ...done, stdout: "Sorted settings written to: ini:///main.ini\n" });
    expect(cli.read("main.ini")).toBe("[/modules]\n[/b]\nx=1\n");
    const other = cli.file("other.ini");
    expect(await cli.settings("--switch", other)).toEqual({ ...done, stdout: "ini:///other.ini\n" });
    expect(readFileSync(cli.file("etc/nscp-gateway/boot.ini"), "utf8")).toBe(
      `; The stores that are tried in order\n[settings]\n0 = ${other}\n`,
    );
  });

  test("without an action prints the options and the store", async () => {
    const { code, stdout, stderr } = await commandLine({ "main.ini": "" }).settings();
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toMatch(/^Usage: nscp settings \[options\]\n.*--validate .*\nActive store: ini:\/\/\/main\.ini\n$/s);
  });

  test("names unknown options and malformed defines", async () => {
    const cli = commandLine({ "main.ini": "" });
    expect(await cli.settings("--lst")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: unknown option '--lst'\n(Did you mean --list?)\n",
    });
    expect(await cli.settings("--list", "--define", "nonsense")).toEqual({
      code: 255,
      stdout: "",
      stderr: "Failed to parse: nonsense (write PATH:KEY=VALUE)\n",
    });
    expect(await cli.settings("--list", "--path-override", "nonsense")).toEqual({
      ...done,
      stderr: "Ignoring path override without NAME=VALUE: nonsense\n",
    });
    expect(await cli.settings("--list", "--no-stderr", "--path-override", "nonsense")).toEqual(done);
  });
});

describe("nscp settings --validate and nscp config check", () => {
  test("name every problem with file and line, and fail", async () => {
    const cli = commandLine({ "main.ini": `[${server}]\nprot = 1\n` });
    const expected = {
      code: 1,
      stdout: "",
      stderr: `/main.ini:2: warning: [${server}] prot: unknown key (did you mean "port"?)\n`,
    };
    expect(await cli.settings("--validate")).toEqual(expected);
    expect(await cli.check()).toEqual(expected);
  });

  test("say so when all is well", async () => {
    const cli = commandLine({ "main.ini": `[${server}]\nport = 1\n` });
    const expected = { ...done, stdout: "No problems found in ini:///main.ini\n" };
    expect(await cli.settings("--validate")).toEqual(expected);
    expect(await cli.check("--settings", cli.file("main.ini"))).toEqual(expected);
  });

  test("fail for settings that can't be read", async () => {
    const cli = commandLine({ "main.ini": "[/includes]\nme = main.ini\n" });
    const stderr = "/main.ini:2: error: [/includes] me: the includes go round in a circle: /main.ini → /main.ini\n";
    expect(await cli.settings("--validate")).toEqual({ code: 1, stdout: "", stderr });
    expect(await cli.check()).toEqual({ code: 1, stdout: "", stderr });
  });
});
