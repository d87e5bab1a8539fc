import { readFileSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";
import { groupMembers, isRunning, until } from "../support/python-source.js";

let gateway: GatewayProcess | undefined;

afterEach(async () => {
  await gateway?.stop("SIGKILL");
});

/** What the scripts of a gateway do when it is killed, one process each. */
const scripts: Readonly<Record<string, string>> = {
  idle: "",
  loops: "while True: pass",
  threads: "for _ in range(8): threading.Thread(target=lambda: time.sleep(600)).start()",
  blocks: "ctypes.PyDLL(None).sleep(600)",
  stopped: "os.kill(os.getpid(), signal.SIGSTOP)",
  ignores: "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ntime.sleep(600)",
  children: "subprocess.Popen(['sleep', '600'], close_fds=False)\nif os.fork() == 0: time.sleep(600)",
  stopped_children:
    "child = subprocess.Popen(['sleep', '600'], close_fds=False)\nos.kill(child.pid, signal.SIGSTOP)\nos.kill(os.getpid(), signal.SIGSTOP)",
  closes: "os.closerange(0, 256)\ntime.sleep(600)",
};

function source(does: string): string {
  const body = does.split("\n").map((line) => `    ${line || "pass"}`);
  return `import ctypes, os, signal, subprocess, threading, time
from NSCP import log

def work():
    time.sleep(0.3)
${body.join("\n")}

def init(plugin_id, plugin_alias, script_alias):
    log("host %d of %s." % (os.getpid(), script_alias))
    threading.Thread(target=work).start()
`;
}

/** Letter of the state of a process, such as T for one that is stopped. */
function stateOf(pid: string): string | undefined {
  return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
}

it("a gateway that is killed leaves no Python process behind, whatever its scripts do", async () => {
  const names = Object.keys(scripts);
  const settings = [
    ...["[/modules]", ...names.map((name) => `${name} = PythonScript`)],
    ...names.flatMap((name) => [`[/settings/${name}/scripts]`, `${name} = ${name}.py`]),
  ];
  gateway = await startGateway({
    settings: `${settings.join("\n")}\n`,
    files: Object.fromEntries(
      Object.entries(scripts).map(([name, does]) => [`scripts/python/${name}.py`, source(does)]),
    ),
    certificates: false,
  });
  const hosts = new Map<string, string>();
  for (const name of names) {
    const found = await gateway.waitForLog(new RegExp(`host (\\d+) of ${name}\\.`));
    hosts.set(name, found[1] ?? "");
  }
  // Each is in the middle of what it does: a process and its guard, and what it started.
  const members = () => [...hosts.values()].flatMap((host) => groupMembers(Number(host)));
  await until(() => members().length, names.length * 2 + 3);
  await until(() => ["stopped", "stopped_children"].map((name) => stateOf(hosts.get(name) ?? "")), ["T", "T"]);
  const all = members();
  expect(all.filter((pid) => isRunning(pid))).toEqual(all);
  await gateway.stop("SIGKILL");
  await until(() => all.filter((pid) => isRunning(pid)), []);
});
