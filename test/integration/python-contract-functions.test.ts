/** What scripts are promised about the functions of NSCP that belong to nobody, and about states. */
import { afterEach, describe, expect, it } from "vitest";
import { PythonGateway } from "../support/python-gateway.js";

let gateway: PythonGateway | undefined;

async function start(script: string): Promise<PythonGateway> {
  gateway = await PythonGateway.start({ scripts: { "script.py": script } });
  return gateway;
}

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

describe("log, log_error and log_debug", () => {
  it("write a line each, with the letter of the level", async () => {
    const { log } = await start(`
from NSCP import log, log_error, log_debug

state = {"queue": 3}

log("Begun")
log_error("The queue is full")
log_debug("As it is now: %s" % state)
`);
    const lines = log.filter((line) => /Begun|queue/.test(line));
    expect(lines).toEqual([
      "L     python Begun",
      "E     python The queue is full",
      "D     python As it is now: {'queue': 3}",
    ]);
  });
});

describe("sleep", () => {
  it("waits so many milliseconds", async () => {
    const { query } = await start(`
import time
from NSCP import Registry, sleep, status

def check_nap(args):
    begun = time.monotonic()
    sleep(250)
    return status.OK, "long enough" if time.monotonic() - begun >= 0.25 else "too short"

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_nap", check_nap, "Sleeps")
`).then((started) => ({ query: started.query.bind(started) }));
    expect(await query("check_nap")).toEqual([0, "long enough", ""]);
  });

  it("lets others run meanwhile", async () => {
    const started = await start(`
from NSCP import Registry, log, sleep, status

woken = False

def check_sleeper(args):
    log("asleep")
    rounds = 0
    while not woken and rounds < 1000:
        sleep(10)
        rounds += 1
    return status.OK, "woken" if woken else "nobody came"

def check_waker(args):
    global woken
    woken = True
    return status.OK, "there"

def init(plugin_id, plugin_alias, script_alias):
    registry = Registry.get(plugin_id)
    registry.simple_function("check_sleeper", check_sleeper, "Sleeps until the other comes")
    registry.simple_function("check_waker", check_waker, "Wakes it up")
`);
    const sleeper = started.query("check_sleeper");
    expect(await started.query("check_waker")).toEqual([0, "there", ""]);
    expect(await sleeper).toEqual([0, "woken", ""]);
  });
});

describe("status", () => {
  it.each([
    ["OK", 0],
    ["WARNING", 1],
    ["CRITICAL", 2],
    ["UNKNOWN", 3],
  ])("%s is %i, as a number and as the state of a check", async (name, code) => {
    const started = await start(`
from NSCP import Registry, status

def check_state(args):
    return status.${name}, "%s is %d" % (status.${name}, status.${name})

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("check_state", check_state, "Has a state")
`);
    expect(await started.query("check_state")).toEqual([code, `${name} is ${code}`, ""]);
  });
});
