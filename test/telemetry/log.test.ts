import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { createLogService, type LogServiceOptions } from "../../src/telemetry/log.js";
import { logLevelOf } from "../../src/telemetry/log-record.js";

function collecting(options: Partial<LogServiceOptions> = {}) {
  const lines: string[] = [];
  const log = createLogService({ form: "console", level: "info", write: (line) => lines.push(line), ...options });
  return { log, lines };
}

describe("the console form", () => {
  it("has level letter, sender and message in fixed columns", () => {
    const { log, lines } = collecting({ level: "trace" });
    const python = log.child("python");
    python.critical("c");
    python.error("e");
    python.warn("w");
    python.info("My arguments are: ['install', '--root', '/tmp']");
    python.debug("d");
    python.trace("t");
    log.info("core speaks");
    log.child("a-long-sender").info("not cut");
    expect(lines).toEqual([
      "C     python c\n",
      "E     python e\n",
      "W     python w\n",
      "L     python My arguments are: ['install', '--root', '/tmp']\n",
      "D     python d\n",
      "T     python t\n",
      "L       core core speaks\n",
      "L a-long-sender not cut\n",
    ]);
  });

  it("leaves out what is less severe than the level", () => {
    const { log, lines } = collecting({ level: "warning" });
    log.info("no");
    log.warn("yes");
    log.setLevel("debug");
    log.debug("now");
    log.trace("never");
    expect(lines).toEqual(["W       core yes\n", "D       core now\n"]);
  });

  it("indents further lines, so that a message can't pass for another record", () => {
    const { log, lines } = collecting();
    log.child("grpc").info("first\r\nE       core forged\n\n");
    expect(lines).toEqual(["L       grpc first\n             E       core forged\n"]);
  });

  it("takes out what steers a terminal", () => {
    const { log, lines } = collecting();
    log.info("a\u001b[31mred\u0000\u0007\tb\u202ec");
    expect(lines).toEqual(["L       core a[31mred  bc\n"]);
  });

  it("shows it escaped as JSON, and is the same text", () => {
    const { log, lines } = collecting({ form: "json" });
    const evil = "\u001b[31m\u009b31m\u007f\u2028\u202e";
    log.info(evil, { user: evil });
    expect(lines[0]).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: evil, user: evil });
  });

  it("puts everything on one line when asked to", () => {
    const { log, lines } = collecting({ oneLine: true });
    log.error("first\nsecond", { file: "a.py", line: 7 });
    expect(lines).toEqual(["E       core first second\n"]);
  });

  it("says where an error happened when that is known", () => {
    const { log, lines } = collecting();
    log.error("broken", { file: "/scripts/a.py", line: 7 });
    log.info("fine", { file: "/scripts/a.py", line: 8 });
    expect(lines).toEqual(["E       core broken\n                    /scripts/a.py:7\n", "L       core fine\n"]);
  });

  it("shows the stack of an error at level debug only", () => {
    const error = new Error("why");
    error.stack = "Error: why\n    at here";
    const info = collecting();
    info.log.error("failed: why", { error });
    expect(info.lines).toEqual(["E       core failed: why\n"]);
    const debug = collecting({ level: "debug" });
    debug.log.error("failed: why", { error });
    expect(debug.lines).toEqual(["E       core failed: why\n             Error: why\n                 at here\n"]);
  });

  it("cuts a message without end", () => {
    const { log, lines } = collecting();
    log.info("x".repeat(20_000));
    expect(lines).toEqual([`L       core ${"x".repeat(16_384)} … (3616 more characters)\n`]);
  });
});

describe("the JSON form", () => {
  const parsed = (line: string | undefined) => {
    const { time, ...rest } = JSON.parse(line ?? "") as Record<string, unknown>;
    expect(new Date(String(time)).toISOString()).toBe(time);
    return rest;
  };

  it("is an object per line with level, time, sender, message and the caller's fields", () => {
    const { log, lines } = collecting({ form: "json", level: "trace" });
    log.child("grpc").warn("100%s of it", { traceId: "t1", peer: "127.0.0.1", time: 1, level: 2, message: 3 });
    log.critical("c");
    log.trace("t\nu");
    expect(lines.every((line) => line.endsWith("}\n") && !line.slice(0, -1).includes("\n"))).toBe(true);
    expect(lines.map(parsed)).toEqual([
      { level: "warning", sender: "grpc", traceId: "t1", message: "100%s of it", peer: "127.0.0.1" },
      { level: "critical", sender: "core", message: "c" },
      { level: "trace", sender: "core", message: "t\nu" },
    ]);
  });

  it("brings the stack of an error", () => {
    const { log, lines } = collecting({ form: "json" });
    const error = new Error("why");
    error.stack = "Error: why\n    at here";
    log.error("failed", { error });
    expect(lines.map(parsed)).toEqual([
      {
        level: "error",
        sender: "core",
        message: "failed",
        error: { type: "Error", message: "why", stack: "Error: why\n    at here" },
      },
    ]);
  });

  it("leaves the stack of an expected error out, but not that of its cause", () => {
    const { log, lines } = collecting({ form: "json" });
    const cause = new TypeError("deep");
    cause.stack = "TypeError: deep\n    at there";
    log.error("refused", { error: new GatewayError("CONFIGURATION", "wrong", { cause }) });
    log.error("odd", { error: "only a text" });
    expect(lines.map(parsed)).toEqual([
      {
        level: "error",
        sender: "core",
        message: "refused",
        error: {
          type: "GatewayError",
          code: "CONFIGURATION",
          message: "wrong",
          cause: { type: "TypeError", message: "deep", stack: "TypeError: deep\n    at there" },
        },
      },
      { level: "error", sender: "core", message: "odd", error: "only a text" },
    ]);
  });

  it("never shows what is in fields for secrets", () => {
    const { log, lines } = collecting({ form: "json" });
    log.info("login", { password: "p", target: { password: "q", token: "r", host: "h" } });
    expect(lines.map(parsed)).toEqual([
      {
        level: "info",
        sender: "core",
        message: "login",
        password: "***",
        target: { password: "***", token: "***", host: "h" },
      },
    ]);
  });
});

describe("the records in memory", () => {
  it("are the newest, with an index that has no gaps", () => {
    const { log } = collecting();
    for (let number = 1; number <= 1200; number++) log.info(`record ${number}`);
    log.debug("not logged");
    const kept = log.recent(5000);
    expect(kept.length).toBe(1000);
    expect(kept[0]).toMatchObject({ index: 201, message: "record 201" });
    expect(log.recent(2).map(({ index, level, sender, message }) => ({ index, level, sender, message }))).toEqual([
      { index: 1199, level: "info", sender: "core", message: "record 1199" },
      { index: 1200, level: "info", sender: "core", message: "record 1200" },
    ]);
    expect(log.recent(0)).toEqual([]);
  });

  it("come to those who subscribed, until they leave", () => {
    const { log } = collecting();
    const heard: string[] = [];
    const leave = log.subscribe(({ message }) => heard.push(message));
    log.info("one");
    leave();
    log.info("two");
    expect(heard).toEqual(["one"]);
  });
});

describe("changed settings", () => {
  it("change the level, unless the command line decided it", () => {
    const free = collecting();
    free.log.configure({ level: "error" });
    expect(free.log.level).toBe("error");
    const fixed = collecting({ level: "debug", fixed: ["level"] });
    fixed.log.configure({ level: "error" });
    expect(fixed.log.level).toBe("debug");
  });
});

describe("the name of a level", () => {
  it.each([
    ["critical", "critical"],
    [" Error ", "error"],
    ["crit", "critical"],
    ["W", "warning"],
    ["log", "info"],
    ["t", "trace"],
    ["loud", undefined],
    ["constructor", undefined],
    ["", undefined],
  ])("%j is %s", (text, level) => expect(logLevelOf(text)).toBe(level));
});
