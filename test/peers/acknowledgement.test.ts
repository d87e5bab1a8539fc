import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/free-port.js";
import { startGateway, temporaryFolder } from "../support/gateway-process.js";
import { postNrdp } from "../support/nrdp-sender.js";
import { Operator } from "../support/relaying-gateway.js";
import { needPeer, strace } from "./peers.js";

/** A system call, and the lines of the trace that show where it began and ended. */
interface SystemCall {
  readonly text: string;
  readonly began: number;
  ended: number;
}

/** Calls in the order in which they began. A call during which another thread was shown has two lines. */
function systemCalls(trace: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, SystemCall>();
  for (const [number, line] of trace.split("\n").entries()) {
    const [, pid = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.startsWith("<... ")) {
      const call = open.get(pid);
      if (call !== undefined) call.ended = number;
      continue;
    }
    const call = { text, began: number, ended: number };
    calls.push(call);
    if (text.endsWith("<unfinished ...>")) {
      open.set(pid, call);
      call.ended = Number.POSITIVE_INFINITY;
    }
  }
  return calls;
}

test("what a gateway has accepted is flushed before the answer goes to the sender's socket", async (context) => {
  const program = needPeer(strace, context);
  const folder = temporaryFolder("acknowledgement");
  onTestFinished(() => folder.remove());
  const trace = join(folder.path, "trace");
  const [intakePort, nobody] = [await freePort(), await freePort()];
  const names = "trace=write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync,openat";
  const gateway = await startGateway({
    folder: folder.path,
    certificates: false,
    through: [program, "-D", "-f", "--seccomp-bpf", "-y", "-s", "20000", "-e", names, "-o", trace],
    settings: `[/modules]
GRPCServer = enabled
NRDPServer = enabled
NRDPClient = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false
[/settings/NRDP/server]
port = ${intakePort}
bind to = 127.0.0.1
use ssl = false
inbox = NRDP
[/settings/NRDP/server/tokens]
sender = of the sender
[/settings/NRDP/client/targets/nobody]
address = http://127.0.0.1:${nobody}/nrdp/
token = secret
retry delay = 1h
maximum retry delay = 1h
[/settings/spool]
ballast size = 0
`,
  });
  const operator = new Operator(gateway);
  try {
    for (let number = 0; number < 3; number++) {
      await operator.submit("NRDP", `over-gRPC-${number}.`);
      expect(await postNrdp(intakePort, "of the sender", `over-NRDP-${number}.`)).toBe("200 OK");
    }
  } finally {
    operator.close();
    await gateway.stop();
  }

  const calls = systemCalls(readFileSync(trace, "latin1"));
  const toStore = calls.filter(({ text }) => /^(?:fdatasync|p?write(?:v|v2|64)?)\(\d+<[^>]*\/store\.mdb>/.test(text));
  const toSockets = calls.filter(({ text }) => /^(?:write|writev|sendto|sendmsg)\(\d+<(?:socket|TCP|UNIX)/.test(text));
  const answers = {
    gRPC: toSockets.filter(({ text }) => text.includes("Submission successful")),
    NRDP: toSockets.filter(({ text }) => text.includes("1 checks processed")),
  };
  // The page that makes the others valid goes through a descriptor whose writes are flushed when they return.
  expect(calls.some(({ text }) => /^openat\(.*store\.mdb".*O_DSYNC/.test(text))).toBe(true);
  for (const [way, answered] of Object.entries(answers)) {
    expect(answered.length, way).toBe(3);
    for (const [number, answer] of answered.entries()) {
      const written = toStore.find(({ text }) => text.includes(`over-${way}-${number}.`));
      const flushed = toStore.find(
        ({ text, began }) => text.startsWith("fdatasync(") && written !== undefined && began > written.ended,
      );
      const madeValid = toStore.find(
        ({ text, began }) => /^pwrite64\(.*, 128, \d+/.test(text) && flushed !== undefined && began > flushed.ended,
      );
      expect(madeValid?.ended, `${way} ${number}`).toBeLessThan(answer.began);
    }
  }
});
