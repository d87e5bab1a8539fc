import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { NrdpReceiver } from "../crash/receivers.js";
import { freePort } from "../support/free-port.js";
import { type GatewayProcess, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { postNrdp } from "../support/nrdp-sender.js";
import { Operator } from "../support/relaying-gateway.js";
import { mountArguments, needPeer, ownMounts } from "./peers.js";

/** A small file system in mounts of its own, which stay until the test ends. */
class SmallDisk {
  private constructor(
    private readonly keeper: ChildProcess,
    /** Where it is for who {@link enter}s. */
    readonly path: string,
  ) {}

  static async mount(unshare: string, path: string, size: string): Promise<SmallDisk> {
    mkdirSync(path);
    const script = 'mount -t tmpfs -o size="$1" none "$2" && echo mounted && exec cat';
    const keeper = spawn(unshare, [...mountArguments, "sh", "-c", script, "sh", size, path]);
    onTestFinished(() => {
      keeper.stdin.end();
    });
    await once(keeper.stdout, "data");
    return new SmallDisk(keeper, path);
  }

  /** What becomes the program that it is called with, where the disk is. */
  get enter(): readonly string[] {
    return ["nsenter", "--preserve-credentials", "--user", "--mount", "--target", String(this.keeper.pid)];
  }

  /** Has a file take all the room there is. */
  fill(): void {
    for (let piece = 1024 * 1024; piece >= 1; piece = Math.floor(piece / 2)) {
      try {
        for (;;) writeFileSync(this.filler, Buffer.alloc(piece, 1), { flag: "a" });
      } catch {}
    }
  }

  makeRoom(): void {
    rmSync(this.filler);
  }

  private get filler(): string {
    return `/proc/${this.keeper.pid}/root${this.path}/filler`;
  }
}

test("a gateway whose disk is full refuses at each front end and delivers on; with room it accepts again, and nothing delivered comes back", async (context) => {
  const unshare = needPeer(ownMounts, context);
  const folder = temporaryFolder("full-disk");
  onTestFinished(() => folder.remove());
  const disk = await SmallDisk.mount(unshare, join(folder.path, "disk"), "6m");
  const spool = join(disk.path, "spool");
  const intakePort = await freePort();
  const receiver = new NrdpReceiver();
  receiver.port = await freePort();
  onTestFinished(() => receiver.go());
  const start = async (): Promise<{ gateway: GatewayProcess; operator: Operator }> => {
    const gateway = await startGateway({
      folder: folder.path,
      certificates: false,
      through: disk.enter,
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
[/settings/NRDP/client/targets/central]
address = http://127.0.0.1:${receiver.port}/nrdp/
token = secret
batch size = 20
retry delay = 10ms
maximum retry delay = 100ms
[/settings/spool]
path = ${spool}
ballast size = 256k
`,
    });
    const operator = new Operator(gateway);
    onTestFinished(async () => {
      operator.close();
      await gateway.stop();
    });
    return { gateway, operator };
  };
  const full = `disk full: the spool in ${spool} has no room to grow`;
  const refusal = `Nothing is accepted: ${full}`;

  const { gateway, operator } = await start();
  const accepted: string[] = [];
  /** @returns how it was refused */
  const submit = async (to: Operator, text: string): Promise<string | undefined> => {
    const service = `s${accepted.length}`;
    try {
      await to.submitText("NRDP", text, service);
      accepted.push(service);
      return undefined;
    } catch (thrown) {
      return thrown instanceof GatewayError ? `${thrown.code}: ${thrown.message}` : String(thrown);
    }
  };
  const long = "x".repeat(3000);
  /** What is free within the store's file is used up first. */
  const submitUntilRefused = async (to: Operator): Promise<string> => {
    for (;;) {
      const refused = await submit(to, long.repeat(20));
      if (refused !== undefined) return refused;
    }
  };
  while (accepted.length < 200) await submit(operator, long);
  disk.fill();
  expect(await submitUntilRefused(operator)).toBe(`RESOURCE_EXHAUSTED: ${refusal}`);
  expect(await submit(operator, "late")).toBe(`RESOURCE_EXHAUSTED: ${refusal}`);
  expect(await postNrdp(intakePort, "of the sender", "of NRDP")).toBe(`503 ${refusal}`);
  expect(await operator.metric("nscp_spool_refusing")).toEqual([`{folder="${spool}"} 1`]);
  expect(gateway.log.split(`The spool refuses: ${full}`).length - 1, "how often the log says so").toBe(1);

  await receiver.come();
  await delivered(operator);
  expect(receiver.taken).toEqual(accepted);
  expect(await submit(operator, "late")).toBe(`RESOURCE_EXHAUSTED: ${refusal}`);
  await receiver.go();
  gateway.kill();
  await gateway.exited;

  const next = await start();
  expect(await next.operator.waiting()).toEqual({ "nrdp-client/central": 0 });
  expect(await submitUntilRefused(next.operator)).toBe(`RESOURCE_EXHAUSTED: ${refusal}`);
  disk.makeRoom();
  await next.gateway.waitForLog(/The spool accepts again/);
  expect(await next.operator.metric("nscp_spool_refusing")).toEqual([`{folder="${spool}"} 0`]);
  expect(await submit(next.operator, "afterwards")).toBeUndefined();
  expect(await postNrdp(intakePort, "of the sender", "of NRDP")).toBe("200 OK");
  await receiver.come();
  await delivered(next.operator);
  expect(receiver.taken).toEqual([...accepted, "of NRDP"]);
});

/** Resolves when nothing waits. */
function delivered(operator: Operator): Promise<void> {
  return operator.untilQueues((queues) => queues.every(({ waiting }) => Number(waiting) === 0));
}
