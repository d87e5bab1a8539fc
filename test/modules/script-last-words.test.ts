import { describe, expect, test } from "vitest";
import { nodeLastWords } from "../../src/modules/node-script/last-words.js";
import { pythonLastWords } from "../../src/modules/python-script/last-words.js";
import { Listener } from "../../src/script-host/last-words.js";

const python = pythonLastWords("/gateway/host");
const library = "/usr/lib/python3.11";

function lines(text: string): string[] {
  return text.split("\n");
}

/** What is known of a Python process that wrote this before it ended. */
function pythonCrash(text: string) {
  const listener = new Listener(python);
  for (const line of lines(text)) listener.hear(line);
  return listener.crash;
}

describe("a Python process that crashed", () => {
  test("is found in the line of the script", () => {
    const text = `something else
  File "/scripts/other.py", line 1 in other
Fatal Python error: Segmentation fault

Current thread 0x00007f3a2c7fe6c0 (most recent call first):
  File "/scripts/crash.py", line 5 in crash
  File "/scripts/crash.py", line 9 in check
  File "/gateway/host/nscp_host/callbacks.py", line 40 in run`;
    expect(pythonCrash(text)).toEqual({ place: { text: "crash.py:5 in crash", file: "/scripts/crash.py" } });
  });

  test("is found where the script called a library that crashed", () => {
    const text = `Fatal Python error: Segmentation fault

Thread 0x00007f3a2bffd6c0 (most recent call first):
  File "/scripts/idle.py", line 3 in wait

Current thread 0x00007f3a2c7fe6c0 (most recent call first):
  File "${library}/ctypes/__init__.py", line 519 in string_at
  File "/home/me/.venv/lib/python3.12/site-packages/wmi/api.py", line 8 in read
  File "/scripts/lib/helper.py", line 21 in peek
  File "/scripts/crash.py", line 9 in check

Extension modules: psutil._psutil_linux (total: 1)`;
    expect(pythonCrash(text)).toEqual({ place: { text: "helper.py:21 in peek", file: "/scripts/lib/helper.py" } });
  });

  test("says what is more than the signal", () => {
    const text = `Fatal Python error: _Py_CheckRecursiveCall: Cannot recover from stack overflow.
Python runtime state: initialized

Current thread 0x00007f3a2c7fe6c0 (most recent call first):
  File "/scripts/deep.py", line 2 in deep`;
    expect(pythonCrash(text)).toEqual({
      error: "Cannot recover from stack overflow.",
      place: { text: "deep.py:2 in deep", file: "/scripts/deep.py" },
    });
  });

  test("has no place when its stack is not there", () => {
    expect(pythonCrash("Fatal Python error: Aborted\n\n<no Python frame>")).toEqual({});
    expect(pythonCrash("Traceback (most recent call last):\nValueError: no")).toEqual({});
  });
});

describe("a Python process that is stuck", () => {
  const idle = `Thread 0x00007f3a2b7fc6c0 (most recent call first):
  File "${library}/threading.py", line 324 in wait
  File "/gateway/host/nscp_host/pool.py", line 30 in work
  File "${library}/threading.py", line 982 in run`;
  const waiting = `Thread 0x00007f3a2bffd6c0 (most recent call first):
  File "${library}/threading.py", line 324 in wait
  File "/gateway/host/NSCP.py", line 77 in simple_query
  File "/scripts/asks.py", line 4 in check`;
  const blocked = `Thread 0x00007f3a2c7fe6c0 (most recent call first):
  File "${library}/re/__init__.py", line 166 in match
  File "/scripts/block.py", line 7 in block
  File "/scripts/block.py", line 11 in check
  File "/gateway/host/nscp_host/callbacks.py", line 40 in run`;
  const alsoRunning = `Thread 0x00007f3a2d7fe6c0 (most recent call first):
  File "/scripts/next.py", line 2 in check`;
  const main = `Current thread 0x00007f3a2e7fe740 (most recent call first):
  File "/gateway/host/nscp_host/channel.py", line 12 in read`;

  test("is stuck where a script runs, not where one waits", () => {
    expect(python.stuck?.(lines([idle, waiting, blocked, main].join("\n\n")), ["/scripts/asks.py"])).toEqual({
      text: "block.py:7 in block",
      file: "/scripts/block.py",
    });
  });

  test("is stuck in the script that should have answered, before others", () => {
    const stacks = lines([alsoRunning, blocked, main].join("\n\n"));
    expect(python.stuck?.(stacks, ["/scripts/block.py", "/scripts/next.py"])?.text).toBe("block.py:7 in block");
    expect(python.stuck?.(stacks, ["/scripts/next.py", "/scripts/block.py"])?.text).toBe("next.py:2 in check");
  });

  test("is stuck in the thread that took the signal when nothing else tells", () => {
    const current = alsoRunning.replace("Thread", "Current thread");
    expect(python.stuck?.(lines(`${blocked}\n\n${current}`), [])?.text).toBe("next.py:2 in check");
  });

  test("is stuck in the thread that runs and not in one that the script has waiting", () => {
    const worker = `Current thread 0x00007f3a2b7fc6c0 (most recent call first):
  File "${library}/threading.py", line 324 in wait
  File "${library}/queue.py", line 180 in get
  File "/scripts/block.py", line 30 in consume`;
    expect(python.stuck?.(lines(`${worker}\n\n${blocked}`), ["/scripts/block.py"])?.text).toBe("block.py:7 in block");
  });

  test("is nowhere when only the host runs", () => {
    expect(python.stuck?.(lines(`${idle}\n\n${main}`), ["/scripts/block.py"])).toBeUndefined();
  });
});

test("a Node process says why it was ended, and the native stack is left out", () => {
  const listener = new Listener(nodeLastWords);
  const text = `<--- Last few GCs --->
[77:0x1] 210 ms: Mark-Compact 1500.0 (1600.0) -> 1500.0 (1600.0) MB
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----
 1: 0xb8d0 node::OOMErrorHandler(char const*, out of memory) [node]`;
  for (const line of lines(text)) listener.hear(line);
  expect(listener.crash).toEqual({ error: "Reached heap limit Allocation failed - JavaScript heap out of memory" });
  expect(new Listener(undefined).crash).toEqual({});
});
