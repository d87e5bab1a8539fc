import { describe, expect, it } from "vitest";
import { type Harness, type HarnessOptions, startScripts, stoppedAfterTest } from "../support/script-harness.js";

const isLong = process.env["NSCP_TEST_LONG"] !== undefined;

function start(files: Readonly<Record<string, string>>, options?: HarnessOptions): Promise<Harness> {
  return stoppedAfterTest(startScripts(files, { ...options, language: "python" }));
}

/** A script with functions, registered as checks under their own names; `core` and so on are there. */
function script(functions: string, init = ""): string {
  const names = [...functions.matchAll(/^def (\w+)\(args\)/gm)].map(([, name]) => name);
  return `import threading, time
from NSCP import Core, Registry, Settings, log, log_error, sleep, status
order = []
${functions}
def init(plugin_id, plugin_alias, script_alias):
    global core, registry, settings
    core, registry, settings = Core.get(plugin_id), Registry.get(plugin_id), Settings.get(plugin_id)
    for function in (${names.join(", ")},):
        registry.simple_function(function.__name__, function, "")
    ${init}
`;
}

/** Something that callbacks of several scripts wait for and set off. */
const shared = { "python/lib/shared.py": "import threading\nevent = threading.Event()\nother = threading.Event()" };

describe("a callback of a script may call", () => {
  it("its own check, 200 levels deep", async () => {
    const { query } = await start({
      "deep.py": script(`
def deep(args):
    left = int(args[0])
    if left == 0:
        return status.WARNING, "bottom", ""
    code, message, perf = core.simple_query("deep", [left - 1])
    return code, message + ".", perf
`),
    });
    expect(await query("deep", "200")).toEqual([1, `bottom${".".repeat(200)}`, ""]);
  });

  it("its own command, and a channel that it subscribes to itself", async () => {
    const { query } = await start({
      "own.py": script(
        `
def everything(args):
    return status.OK, repr([core.simple_exec("", "own_command", ["x"]), core.simple_submit("own", "service", 1, "text", ""), order])

def command(args):
    order.append("command")
    return 1, core.simple_query("inner", args)[1]

def inner(args):
    return status.OK, "inner " + args[0]

def subscriber(*args):
    order.append(core.simple_query("inner", [args[4]])[1])
`,
        'registry.simple_cmdline("own_command", command); registry.simple_subscription("own", subscriber)',
      ),
    });
    expect(await query("everything")).toEqual([0, "[(1, ['inner x']), (True, ''), ['command', 'inner text']]", ""]);
  });

  it("in init what was registered just now", async () => {
    const { log } = await start({
      "early.py": script(
        "\ndef early(args):\n    return status.OK, 'early ' + args[0]\n",
        'log(repr(core.simple_query("early", ["bird"])))',
      ),
    });
    expect(log.texts("info")).toEqual(["(NSCP.status.OK, 'early bird', '')"]);
  });

  it("in shutdown what is still there", async () => {
    const running = await start({
      "late.py": `${script("\ndef late(args):\n    return status.OK, 'late'\n")}
def shutdown():
    log(repr(core.simple_query("late", [])))`,
    });
    await running.stop();
    expect(running.log.texts("info")).toEqual(["(NSCP.status.OK, 'late', '')"]);
  });
});

describe("callbacks of a script take turns", () => {
  it("and another comes in while one sleeps through NSCP.sleep", async () => {
    const { query } = await start({
      "sleeps.py": script(`
def sleeps(args):
    order.append("begins")
    while "other" not in order:
        sleep(1)
    return status.OK, " ".join(order)

def other(args):
    order.append("other")
    return status.OK, "done"
`),
    });
    const sleeping = query("sleeps");
    expect(await query("other")).toEqual([0, "done", ""]);
    expect(await sleeping).toEqual([0, "begins other", ""]);
  });

  it("and another comes in while one waits for the gateway", async () => {
    const { query } = await start({
      ...shared,
      "waits.py": script(`
import shared
def asks(args):
    return core.simple_query("answers_later", [])

def frees(args):
    shared.event.set()
    return status.OK, "done"
`),
      "later.py": script(`
import shared
def answers_later(args):
    shared.event.wait()
    return status.OK, "answered"
`),
    });
    const asking = query("asks");
    expect(await query("frees")).toEqual([0, "done", ""]);
    expect(await asking).toEqual([0, "answered", ""]);
  });

  it.each([
    ["time.sleep(0.1)", "begins ends other"],
    ["[settings.get_string('/a', 'b', '') for _ in range(20)]", "begins ends other"],
    ["[settings.set_int('/a', 'b', 1), settings.get_section('/a'), settings.save()]", "begins ends other"],
    ["settings.query(b'\\x0a\\x00')", "begins ends other"],
    ["[log('x') for _ in range(20)]", "begins ends other"],
    ["while 'other' not in order: core.expand_path('x')", "begins other ends"],
    ["while 'other' not in order: sleep(1)", "begins other ends"],
  ])("kept or given up by %s", async (waits, expected) => {
    const { queryAll, query } = await start({
      "turns.py": script(`
def takes_long(args):
    order.append("begins")
    ${waits}
    order.append("ends")
    return status.OK, ""

def other(args):
    order.append("other")
    return status.OK, ""

def shows(args):
    return status.OK, " ".join(order)
`),
    });
    await queryAll(["takes_long", "other"]);
    expect(await query("shows")).toEqual([0, expected, ""]);
  });

  it("but never with those of another script", async () => {
    const { queryAll } = await start({
      ...shared,
      "blocks.py": script(`
import shared
def blocks(args):
    shared.event.wait()
    shared.other.set()
    return status.OK, "blocked"
`),
      "free.py": script(`
import shared
def frees(args):
    shared.event.set()
    shared.other.wait()
    return status.OK, "freed"
`),
    });
    expect(await queryAll(["blocks", "frees"])).toEqual([
      [0, "blocked", ""],
      [0, "freed", ""],
    ]);
  });
});

it("two scripts that call each other with 32 calls in flight lose no answer", async () => {
  const ring = (own: string, next: string) =>
    script(`
def ring_${own}(args):
    left = int(args[0])
    if left == 0:
        return status.OK, args[1]
    if left % 3 == 0:
        sleep(1)
    return core.simple_query("ring_${next}", [left - 1, args[1]])
`);
  const { query } = await start({ "a.py": ring("a", "b"), "b.py": ring("b", "a") });
  const until = performance.now() + (isLong ? 30_000 : 2_000);
  let asked = 0;
  let answered = 0;
  const client = async (number: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const name = `${number}/${turn}`;
      asked++;
      const [code, text] = await query(turn % 2 === 0 ? "ring_a" : "ring_b", String(1 + (turn % 6)), name);
      if (code === 0 && text === name) answered++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, number) => client(number)));
  expect(asked).toBeGreaterThan(64);
  expect(answered).toBe(asked);
}, 60_000);

describe("threads that a script starts", () => {
  const threads = `
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(4)

def in_thread(args):
    got = []
    thread = threading.Thread(target=lambda: got.append(core.simple_query("inner", ["thread"])[1]))
    thread.start()
    while thread.is_alive():
        sleep(1)
    return status.OK, got[0]

def in_pool(args):
    futures = [pool.submit(core.simple_query, "inner", [number]) for number in range(20)]
    while not all(future.done() for future in futures):
        sleep(1)
    return status.OK, " ".join(future.result()[1] for future in futures)

def inner(args):
    log("inner " + args[0])
    return status.OK, args[0]
`;

  it("may use the API", async () => {
    const { query } = await start({ "threads.py": script(threads) });
    expect(await query("in_thread")).toEqual([0, "thread", ""]);
    const numbers = Array.from({ length: 20 }, (_, number) => number).join(" ");
    expect(await query("in_pool")).toEqual([0, numbers, ""]);
    expect(await query("in_pool")).toEqual([0, numbers, ""]);
  });

  it("log and print under the name of their script", async () => {
    const source = (name: string) =>
      script(`
def speak_${name}(args):
    def speak():
        log("${name} logs")
        print("and prints")
    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()
    return status.OK, ""
`);
    const { queryAll, log } = await start({ "one.py": source("one"), "two.py": source("two") });
    await queryAll(["speak_one", "speak_two"]);
    const infos = log.records
      .filter(({ level }) => level === "info")
      .map(({ text, fields }) => [text, fields["script"]]);
    expect(infos.sort()).toEqual([
      ["one logs", "one"],
      ["one: and prints", "one"],
      ["two logs", "two"],
      ["two: and prints", "two"],
    ]);
  });

  it("go on after a reload of their script, and work for what came after it", async () => {
    const { query, modules, log } = await start({
      ...shared,
      "lasting.py": script(
        `
import shared
def lives(args):
    return status.OK, str(shared.lives)

def speak(old):
    shared.event.wait()
    log("speaks: " + old.simple_query("lives", [])[1])
    Registry.get(0).simple_function("from_thread", lambda args: (status.OK, "from the thread"), "")
    shared.other.set()

def frees(args):
    shared.event.set()
    while not shared.other.is_set():
        sleep(1)
    return status.OK, "freed"
`,
        `
    import shared
    shared.lives = getattr(shared, "lives", 0) + 1
    if shared.lives == 1:
        threading.Thread(target=speak, args=(core,), daemon=True).start()`,
      ),
    });
    expect(await query("lives")).toEqual([0, "1", ""]);
    expect(await modules.reload("python")).toBe(true);
    expect(await query("lives")).toEqual([0, "2", ""]);
    expect(await query("frees")).toEqual([0, "freed", ""]);
    const spoken = await log.written(/^speaks: /);
    expect([spoken.text, spoken.fields["script"]]).toEqual(["speaks: 2", "lasting"]);
    expect(await query("from_thread")).toEqual([0, "from the thread", ""]);
  });

  it("that raise are told of as the script's", async () => {
    const { query, log } = await start({
      "raising.py": script(`
def raises(args):
    thread = threading.Thread(target=lambda: 1 / 0, name="mine")
    thread.start()
    thread.join()
    return status.OK, ""
`),
    });
    await query("raises");
    expect((await log.written(/ZeroDivisionError/)).text).toMatch(
      /^Exception in mine of raising: Traceback [\s\S]*\nZeroDivisionError: division by zero$/,
    );
  });
});
