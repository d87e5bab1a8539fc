import { describe, expect, it } from "vitest";
import { check, hostOf, neighbour, startPython, until } from "../support/python-source.js";
import { type Harness, type HarnessOptions, stoppedAfterTest } from "../support/script-harness.js";

function start(files: Readonly<Record<string, string>>, options: HarnessOptions = {}): Promise<Harness> {
  return stoppedAfterTest(startPython(files, options));
}

/** A traceback as every version of Python writes it: without what underlines parts of lines, and without folders. */
function plain(text: string): string {
  const lines = text.split("\n").filter((line) => !/^ +[~^]+$/.test(line));
  return lines
    .join("\n")
    .replace(/"\/\S*\//g, '"')
    .replace("<unprintable Wordless object>", "<exception str() failed>")
    .replace(/It is \d+ bytes/, "It is n bytes")
    .replace(/(maximum recursion depth exceeded).*/, "$1");
}

/** A traceback of one or more lines of a script. */
function trace(
  command: string,
  frames: readonly (readonly [line: number, where: string, code: string])[],
  error: string,
) {
  const lines = frames.map(([line, where, code]) => `  File "${command}.py", line ${line}, in ${where}\n    ${code}\n`);
  return `Exception in check_${command}: Traceback (most recent call last):\n${lines.join("")}${error}`;
}

interface Odd {
  /** From line 5 of the script on. */
  readonly body: string;
  readonly more?: string;
  /** What the query answers; UNKNOWN `Exception in: …` unless given. */
  readonly answer?: readonly [number, string, string];
  /** What the log says of the exception. */
  readonly error?: string;
}

const odd: Readonly<Record<string, Odd>> = {
  systemexit: {
    body: "raise SystemExit(3)",
    error: trace("systemexit", [[5, "check", "raise SystemExit(3)"]], "SystemExit: 3"),
  },
  exit: {
    body: "sys.exit('bye')",
    more: "import sys",
    error: trace("exit", [[5, "check", "sys.exit('bye')"]], "SystemExit: bye"),
  },
  keyboard: {
    body: "raise KeyboardInterrupt",
    error: trace("keyboard", [[5, "check", "raise KeyboardInterrupt"]], "KeyboardInterrupt"),
  },
  generator: {
    body: "raise GeneratorExit",
    error: trace("generator", [[5, "check", "raise GeneratorExit"]], "GeneratorExit"),
  },
  wordless: {
    body: "raise Wordless()",
    more: "class Wordless(Exception):\n    def __str__(self): raise ValueError('no text')",
    error: trace("wordless", [[6, "check", "raise Wordless()"]], "Wordless: <exception str() failed>"),
  },
  nolength: {
    body: "return Result()",
    more: "class Result:\n    def __len__(self): raise ValueError('no length')",
    error: trace(
      "nolength",
      [[3, "__len__", "def __len__(self): raise ValueError('no length')"]],
      "ValueError: no length",
    ),
  },
  badlength: {
    body: "return Result()",
    more: "class Result:\n    def __len__(self): return -1",
    error: "Exception in check_badlength: ValueError: __len__() should return >= 0",
  },
  notext: {
    body: "return 0, Result()",
    more: "class Result:\n    def __str__(self): raise ValueError('no text')",
    error: trace("notext", [[3, "__str__", "def __str__(self): raise ValueError('no text')"]], "ValueError: no text"),
  },
  badtext: {
    body: "return 0, Result()",
    more: "class Result:\n    def __str__(self): return 5",
    error: "Exception in check_badtext: TypeError: __str__ returned non-string (type int)",
  },
  badnumber: {
    body: "return Result(1), 'x'",
    more: "class Result(int):\n    def __ge__(self, other): raise ValueError('no order')",
    error: trace(
      "badnumber",
      [[3, "__ge__", "def __ge__(self, other): raise ValueError('no order')"]],
      "ValueError: no order",
    ),
  },
  long: {
    body: "return 0, 'x' * 20_000_000",
    error: "Exception in check_long: The answer can't be sent: It is n bytes long, the limit is 16777216.",
  },
  longcall: {
    body: "return core.simple_query('check_x', ['x' * 20_000_000])",
    answer: [3, "", ""],
    error: "Failed to run check_x: The call can't be sent: It is n bytes long, the limit is 16777216.",
  },
  longsubmit: {
    body: "return core.simple_submit('inbox', 'check_x', 0, 'x' * 20_000_000, '')",
    error: "RuntimeError: The call can't be sent: It is n bytes long, the limit is 16777216.",
  },
  surrogates: { body: "return 0, 'a\\ud800\\0b'", answer: [0, "a?\0b", ""] },
  recursion: { body: "return check(args)", error: "RecursionError: maximum recursion depth exceeded" },
  deep: {
    body: "value = []\nfor _ in range(100_000): value = [value]\nreturn 0, value",
    error: "Exception in check_deep: RecursionError: maximum recursion depth exceeded",
  },
  nostdout: {
    body: "sys.stdout = None\nprint('nowhere')\nreturn 0, 'printed'",
    more: "import sys",
    answer: [0, "printed", ""],
  },
  closed: { body: "sys.stderr.close()\nreturn 0, 'closed'", more: "import sys", answer: [0, "closed", ""] },
  descriptors: { body: "os.close(1)\nos.close(2)\nreturn 0, 'closed'", more: "import os", answer: [0, "closed", ""] },
  patched: {
    body: "threading.Thread.start = None\ntime.sleep = time.monotonic = os.write = None\nreturn core.simple_query('check_neighbour', [])",
    more: "import os, threading, time",
    answer: [0, "call 1", ""],
  },
  signals: {
    body: "_thread.interrupt_main()\nos.kill(os.getpid(), signal.SIGPIPE)\nreturn 0, 'alive'",
    more: "import _thread, os, signal",
    answer: [0, "alive", ""],
  },
};

describe("what a Python script does that is odd", () => {
  it("is its own affair: it has its answer, and neither the process nor a neighbour notices", async () => {
    const names = Object.keys(odd);
    const scripts = Object.entries(odd).map(([name, { body, more }]) => [
      `${name}.py`,
      check(`check_${name}`, body, more),
    ]);
    const running = await start({ ...Object.fromEntries(scripts), "neighbour.py": neighbour });
    const { query, log } = running;
    const { pid } = hostOf(running);
    const outcomes: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const name of names) {
      const before = log.records.length;
      const answer = await query(`check_${name}`);
      const told = log.records.slice(before).filter(({ level }) => level === "error");
      const { error } = odd[name] ?? {};
      // Of tracebacks that are long only the last line counts.
      const texts = told.map(({ text }) =>
        plain(error?.startsWith("Exc") === false ? (text.split("\n").at(-1) ?? "") : text),
      );
      outcomes[name] = { answer, texts };
      const unknown = [3, `Exception in: check_${name}`, ""];
      expected[name] = { answer: odd[name]?.answer ?? unknown, texts: error === undefined ? [] : [error] };
    }
    expect(outcomes).toEqual(expected);
    expect(await query("check_neighbour")).toEqual([0, "call 2", ""]);
    expect(hostOf(running)).toMatchObject({ state: "running", pid, restarts: 0 });
  });
});

describe("a Python script that disturbs the connection of its process", () => {
  const ways: Readonly<Record<string, { body: string; more: string; reason: RegExp }>> = {
    "closes it": {
      body: "os.close(3)\nlog('closed')\nsleep(60000)",
      more: "import os",
      reason: /^it was ended by SIGKILL \(the connection to the gateway was closed: \[Errno 9\] Bad file descriptor\)$/,
    },
    "closes every descriptor": {
      body: "os.closerange(3, 256)\nlog('closed')\nsleep(60000)",
      more: "import os",
      reason: /^it was ended by SIGKILL \(the connection to the gateway was closed: \[Errno 9\] Bad file descriptor\)$/,
    },
    "writes to it": {
      body: "os.write(3, b'\\xff' * 64)\nsleep(60000)",
      more: "import os",
      reason: /^it was not understood: A frame of 4294967299 bytes is out of bounds\.$/,
    },
    "replaces what everything relies on": {
      body: "json.encoder.encode_basestring_ascii = None\njson.JSONEncoder.iterencode = None\nreturn 0, ''",
      more: "import json",
      reason: /^it was ended by SIGKILL \(a thread of the host failed with TypeError: .*\)$/,
    },
  };
  for (const [way, { body, more, reason }] of Object.entries(ways)) {
    it(`that ${way} is found out at once, and everything is started again`, async () => {
      const source = check("check_disturb", `if not args: return status.OK, 'alive'\n${body}`, more);
      const running = await start({ "disturb.py": source, "neighbour.py": neighbour });
      const { query, log } = running;
      // It is the next message that is not received any more.
      const messages = setInterval(() => void query("check_neighbour"), 20);
      const [state, message] = await query("check_disturb", "now").finally(() => clearInterval(messages));
      const [, told = "", during] =
        /^python: script host was lost: (.*), while it ran (check_disturb of disturb)(, .*)?$/.exec(message) ?? [];
      expect([state, during], message).toEqual([3, "check_disturb of disturb"]);
      expect(told).toMatch(reason);
      await log.written(/script host was lost and is restarted/);
      await until(() => query("check_disturb"), [0, "alive", ""]);
      await until(() => query("check_neighbour").then(([code]) => code), 0);
      expect(hostOf(running)).toMatchObject({ restarts: 1, scripts: ["disturb", "neighbour"] });
    });
  }
});
