import { chmodSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseDefine, switchContext } from "../../src/settings/open.js";
import { SettingsRegistry } from "../../src/settings/registry.js";
import { settingsFolder } from "./temporary-store.js";

describe("reading", () => {
  test("typed readers with the words that users write", () => {
    const store = settingsFolder({
      "main.ini": "[/t]\nyes=YES\non=on\nint= -7\nbad=7x\ntime=5m\nsize=64K\nlist= a, b ,,c\nempty=\n",
    }).open();
    expect(store.getBool("/t", "yes")).toBe(true);
    expect(store.getBool("/t", "on", true)).toBe(false);
    expect(store.getBool("/t", "missing", true)).toBe(true);
    expect(store.getInt("/t", "int")).toBe(-7);
    expect(store.getInt("/t", "bad", 9)).toBe(9);
    expect(store.getTime("/t", "time")).toBe(300_000);
    expect(store.getSize("/t", "size")).toBe(65_536);
    expect(store.getList("/t", "list")).toEqual(["a", "b", "c"]);
    expect(store.getString("/t", "empty", "other")).toBe("");
    expect(store.getString("/t", "missing", "other")).toBe("other");
  });

  test("names keep their case, and are found exactly before they are found in another case", () => {
    const store = settingsFolder({ "main.ini": "[/A]\nKey=1\n[/b]\nx=low\nX=up\n" }).open();
    expect(store.keys("/a")).toEqual(["Key"]);
    expect(store.get("/a", "KEY")).toBe("1");
    expect(store.get("/b", "x")).toBe("low");
    expect(store.get("/b", "X")).toBe("up");
  });

  test("sections and keys are listed once, in byte order", () => {
    const store = settingsFolder({
      "main.ini": "[/s/b/c]\nx=1\n[/s/a]\n[/s]\nb=1\nB=2\n\u00e9=3\nz=4\n[/s/b]\n",
    }).open();
    expect(store.sections("/s/")).toEqual(["a", "b"]);
    expect(store.sections("")).toEqual(["s"]);
    expect(store.keys("/s")).toEqual(["B", "b", "z", "\u00e9"]);
    expect(store.keys("/unknown")).toEqual([]);
  });
});

describe("includes", () => {
  test("what includes overrides what is included, whatever the case; the first include wins, depth first", () => {
    const files = settingsFolder({
      "main.ini": "[/includes]\nb=b.ini\na=a.ini\n[/s]\nPort=1\n",
      "a.ini": "[/s]\nport=2\nx=a\ny=a\n[/includes]\ndeep=sub/deep.ini\n",
      "b.ini": "[/s]\nx=b\nz=b\nd=b\n",
      "sub/deep.ini": "[/s]\nd=deep\ny=deep\n",
    });
    const store = files.open();
    expect(store.keys("/s").map((key) => [key, store.get("/s", key)])).toEqual([
      ["Port", "1"],
      ["d", "deep"],
      ["x", "a"],
      ["y", "a"],
      ["z", "b"],
    ]);
    expect(store.get("/s", "port")).toBe("1");
    expect(store.origin("/s", "d")).toEqual({
      context: `ini://${files.file("sub/deep.ini")}`,
      file: files.file("sub/deep.ini"),
      line: 2,
    });
  });

  test("a folder is every file in it, without what editors leave behind", () => {
    const files = settingsFolder({
      "main.ini": "[/includes]\nall=conf.d\n",
      "conf.d/10.ini": "[/s]\nx=10\n",
      "conf.d/20": "[/s]\nx=20\ny=20\n",
      "conf.d/20~": "[/s]\nz=1\n",
      "conf.d/.hidden": "[/s]\nz=1\n",
    });
    const store = files.open();
    expect(store.keys("/s").map((key) => store.get("/s", key))).toEqual(["10", "20"]);
    const folder = files.open({ context: `ini://${files.file("conf.d")}` });
    expect(folder.keys("/s").map((key) => folder.get("/s", key))).toEqual(["10", "20"]);
    expect(folder.context).toBe(`ini://${files.file("conf.d/nscp.ini")}`);
  });

  test("includes that go round in a circle are an error that names the circle", () => {
    const files = settingsFolder({
      "main.ini": "[/includes]\na=a.ini\n",
      "a.ini": "[/includes]\n; back\nm=b.ini\n",
      "b.ini": "[/includes]\nm=a.ini\n",
    });
    const [a, b] = [files.file("a.ini"), files.file("b.ini")];
    expect(() => files.open()).toThrow(
      `${b}:2: error: [/includes] m: the includes go round in a circle: ${a} → ${b} → ${a}`,
    );
  });

  test("a missing include and a store that does not exist are named, and the rest is read", () => {
    const files = settingsFolder({ "main.ini": "[/includes]\nx=a.in\ny=http://host/x.ini\n[/s]\nk=1\n", "a.ini": "" });
    const store = files.open();
    expect(store.get("/s", "k")).toBe("1");
    expect(store.loadProblems).toEqual([
      {
        severity: "error",
        file: files.file("main.ini"),
        line: 2,
        path: "/includes",
        key: "x",
        message: `the file ${files.file("a.in")} is not there`,
        suggestion: files.file("a.ini"),
      },
      {
        severity: "error",
        file: files.file("main.ini"),
        line: 3,
        path: "/includes",
        key: "y",
        message: "Settings can't be read from http://host/x.ini: only ini files, folders and dummy",
      },
    ]);
  });
});

describe("changing", () => {
  test("a change is seen at once, listed, and gone when it is taken back", () => {
    const store = settingsFolder({ "main.ini": "[/s]\nx=1\ny=2\n[/gone]\nz=3\n" }).open();
    store.set("/s", "x", "10");
    store.set("/s", "new", "");
    store.deleteKey("/s", "y");
    store.deletePath("/gone");
    store.addSection("/empty");
    expect(store.diff()).toEqual([
      { kind: "section-added", path: "/empty", key: "", oldValue: "", newValue: "" },
      { kind: "section-removed", path: "/gone", key: "", oldValue: "", newValue: "" },
      { kind: "removed", path: "/gone", key: "z", oldValue: "3", newValue: "" },
      { kind: "added", path: "/s", key: "new", oldValue: "", newValue: "" },
      { kind: "modified", path: "/s", key: "x", oldValue: "1", newValue: "10" },
      { kind: "removed", path: "/s", key: "y", oldValue: "2", newValue: "" },
    ]);
    expect(store.keys("/s")).toEqual(["new", "x"]);
    store.reload();
    expect(store.hasChanged).toBe(false);
    store.set("/s", "x", "1");
    store.set("/t", "x", "1");
    store.deleteKey("/t", "x");
    expect(store.hasChanged).toBe(false);
  });

  test("a save changes what changed, in the file it belongs to", async () => {
    const main = "\ufeff; head\r\n[/includes]\r\na = a.ini\r\n\nnonsense\r[/s]\r\nx =1 \r\n";
    const files = settingsFolder({ "main.ini": main, "a.ini": "[/s]\n# why\ny=2\nx=hidden\n", "b.ini": "" });
    chmodSync(files.file("a.ini"), 0o640);
    const store = files.open();
    store.set("/s", "x", "10");
    store.set("/s", "y", "20");
    store.set("/s", "z", "30");
    await store.save();
    expect(files.read("main.ini")).toBe(main.replace("x =1 ", "x =10 \r\nz = 30"));
    expect(files.read("a.ini")).toBe("[/s]\n# why\ny=20\nx=hidden\n");
    expect(statSync(files.file("a.ini")).mode & 0o777).toBe(0o640);
    expect(store.hasChanged).toBe(false);
    expect(readdirSync(files.folder).sort()).toEqual(["a.ini", "b.ini", "main.ini"]);
  });

  test("a removed key is gone from the included files too", async () => {
    const files = settingsFolder({ "main.ini": "[/includes]\na=a.ini\n[/s]\nx=1\n", "a.ini": "[/s]\nX=2\n" });
    const store = files.open();
    store.deleteKey("/s", "x");
    await store.save();
    store.reload();
    expect(store.has("/s", "x")).toBe(false);
    expect(files.read("a.ini")).toBe("[/s]\n");
  });

  test("what somebody wrote to the file meanwhile is not lost", async () => {
    const files = settingsFolder({ "main.ini": "[/s]\nx=1\n" });
    const store = files.open();
    store.set("/s", "x", "2");
    writeFileSync(files.file("main.ini"), "; by hand\n[/s]\ny=3\nx=1\n");
    await store.save();
    expect(files.read("main.ini")).toBe("; by hand\n[/s]\ny=3\nx=2\n");
  });

  test("a save that fails says why and leaves the changes where they were", async () => {
    const files = settingsFolder({});
    const store = files.open({ context: files.file("new/n.ini") });
    store.set("/s", "x", "1");
    writeFileSync(files.file("new"), "in the way");
    await expect(store.save()).rejects.toThrow(`${files.file("new/n.ini")}: error: can't be read: ENOTDIR`);
    expect([store.hasChanged, store.get("/s", "x")]).toEqual([true, "1"]);
    rmSync(files.file("new"));
    await store.save();
    expect([store.hasChanged, files.read("new/n.ini")]).toEqual([false, "; Undocumented section\n[/s]\nx = 1\n"]);
  });

  test("changes made while a save runs are not lost", async () => {
    const files = settingsFolder({ "main.ini": "[/s]\nx=1\n" });
    const store = files.open();
    store.set("/s", "x", "2");
    const first = store.save();
    store.set("/s", "x", "3");
    const second = store.save();
    store.set("/s", "y", "4");
    await Promise.all([first, second]);
    expect(files.read("main.ini")).toMatch(/^\[\/s\]\nx=3\n/);
    await store.save();
    expect(files.read("main.ini")).toBe("[/s]\nx=3\ny = 4\n");
  });

  test("a link stays a link, and a new file is for its owner only", async () => {
    const files = settingsFolder({ "real/a.ini": "[/s]\nx=1\n" });
    symlinkSync(files.file("real/a.ini"), files.file("main.ini"));
    const store = files.open();
    store.set("/s", "x", "2");
    await store.save();
    expect(files.read("real/a.ini")).toBe("[/s]\nx=2\n");
    const fresh = files.open({ context: files.file("new/n.ini") });
    fresh.set("/s", "x", "1");
    await fresh.save();
    expect(files.read("new/n.ini")).toBe("; Undocumented section\n[/s]\nx = 1\n");
    expect(statSync(files.file("new/n.ini")).mode & 0o777).toBe(0o600);
  });

  test("what is described is written with its description", async () => {
    const files = settingsFolder({ "main.ini": "" });
    const registry = new SettingsRegistry();
    const rest = { advanced: false, sample: false, icon: "" };
    registry.registerSection({ path: "/s", title: "S", description: "About s", kind: "fixed", ...rest }, "test");
    registry.registerKey(
      {
        path: "/s",
        key: "x",
        title: "X",
        description: "About x",
        type: "string",
        defaultValue: "",
        sampleUsage: "",
        sensitive: false,
        ...rest,
      },
      "test",
    );
    const store = files.open({ registry });
    store.set("/s", "x", "1");
    await store.save();
    expect(files.read("main.ini")).toBe("; S - About s\n[/s]\n; X - About x\nx = 1\n");
  });

  test("a value that a file can't hold is refused when it is set", () => {
    const store = settingsFolder({ "main.ini": "" }).open();
    expect(() => store.set("/s", "x", "a\nb")).toThrow(
      "The value of /s.x has a line break, which an ini file can't hold",
    );
    store.set("/s", "x", "  padded ");
    expect(store.get("/s", "x")).toBe("padded");
  });
});

describe("opening", () => {
  test("dummy lives in memory, also beyond a save", async () => {
    const store = settingsFolder({}).open({ context: "dummy" });
    store.set("/s", "x", "1");
    expect([store.context, store.type, store.hasChanged]).toEqual(["dummy", "dummy", true]);
    await store.save();
    store.set("/s", "x", "2");
    store.reload();
    expect([store.get("/s", "x"), store.hasChanged]).toEqual(["1", false]);
  });

  test("defined values override the file and are saved only when they are set", async () => {
    const files = settingsFolder({ "main.ini": "[/s]\nport=1\n" });
    const store = files.open({ defines: [parseDefine("/s:Port=2"), parseDefine("/s:url=a:b=c")] });
    expect([store.get("/s", "port"), store.get("/s", "url")]).toEqual(["2", "a:b=c"]);
    await store.save();
    expect(files.read("main.ini")).toBe("[/s]\nport=1\n");
    store.set("/s", "port", "3");
    await store.save();
    expect(files.read("main.ini")).toBe("[/s]\nport=3\n");
    store.reload();
    expect(store.get("/s", "port")).toBe("3");
  });

  test.each(["/s", "/s:x", ":x=1", "/s:=1"])("a define without its parts is refused: %s", (text) => {
    expect(() => parseDefine(text)).toThrow(`Failed to parse: ${text} (write PATH:KEY=VALUE)`);
  });

  test("without --settings boot.ini decides, then the system's file, then the embedded configuration", async () => {
    const files = settingsFolder({ "embedded.ini": "", "etc/nscp-gateway/nscp.ini": "", "second.ini": "" });
    const fallback = () => ({ context: files.file("embedded.ini"), dataPath: "/var/here" });
    const open = (paths = files.tokens()) => files.open({ context: undefined, paths, fallback }).context;
    expect(open()).toBe(`ini://${files.file("etc/nscp-gateway/nscp.ini")}`);

    const elsewhere = files.tokens({ etc: files.file("nowhere") });
    expect(open(elsewhere)).toBe(`ini://${files.file("embedded.ini")}`);
    expect(elsewhere.get("data-path")).toBe("/var/here");

    const boot = "[settings]\n1=second.ini\n0=ini://first.ini\n[paths]\nscripts=/my/scripts\n";
    writeFileSync(files.file("etc/nscp-gateway/boot.ini"), boot);
    const booted = files.tokens();
    expect(open(booted)).toBe(`ini://${files.file("second.ini")}`);
    expect(booted.get("scripts")).toBe("/my/scripts");
    await switchContext("third.ini", files.tokens());
    expect(files.read("etc/nscp-gateway/boot.ini")).toBe(
      "[settings]\n1=ini://first.ini\n0=third.ini\n2 = second.ini\n[paths]\nscripts=/my/scripts\n",
    );
  });

  test("UTF-16 is refused with the way out", () => {
    const files = settingsFolder({});
    writeFileSync(files.file("main.ini"), Buffer.from("\ufeff[/s]\n", "utf16le"));
    expect(() => files.open()).toThrow(`${files.file("main.ini")}: error: the file is UTF-16; save it as UTF-8`);
  });
});
