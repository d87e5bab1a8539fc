import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryFolder } from "../../test/support/gateway-process.js";
import { unusedPort } from "./unused-port.js";

const password = "benchmark";

/** Debian's `nsca`, which writes what it takes into a file, and the configuration of `send_nsca` for it. */
export class NscaDaemon {
  private process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    readonly password: string,
  ) {}

  /** Whether both programs are on this machine. */
  static isInstalled(): boolean {
    return ["/usr/sbin/nsca", "/usr/sbin/send_nsca"].every((file) => spawnSync(file, ["-h"]).error === undefined);
  }

  /** Writes the configuration; the daemon does not run yet. */
  static async prepare(method: number): Promise<NscaDaemon> {
    const folder = temporaryFolder("nsca-bench");
    const port = await unusedPort();
    const daemon = new NscaDaemon(port, folder, password);
    const lines = [
      ...[`server_port=${port}`, "server_address=127.0.0.1", "debug=0", `command_file=${daemon.output}`],
      ...[`alternate_dump_file=${join(folder.path, "dump")}`, "aggregate_writes=1", "append_to_file=1"],
      ...["max_packet_age=0", `decryption_method=${method}`, `password=${password}`],
    ];
    writeFileSync(join(folder.path, "nsca.cfg"), `${lines.join("\n")}\n`);
    writeFileSync(daemon.senderConfiguration, `password=${password}\nencryption_method=${method}\n`);
    writeFileSync(daemon.output, "");
    return daemon;
  }

  get senderConfiguration(): string {
    return join(this.folder.path, "send_nsca.cfg");
  }

  async start(): Promise<void> {
    const child = spawn("/usr/sbin/nsca", ["-f", "-c", join(this.folder.path, "nsca.cfg"), "--single"], {
      stdio: "ignore",
    });
    this.process = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`nsca ended with ${child.exitCode}`);
      const socket = connect(this.port, "127.0.0.1");
      const isUp = await Promise.race([
        once(socket, "connect").then(() => true),
        once(socket, "error").then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isUp) return;
      await sleep(10);
    }
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill();
    await exit;
  }

  async remove(): Promise<void> {
    await this.stop();
    this.folder.remove();
  }

  /** Forgets what was taken so far. */
  clear(): void {
    truncateSync(this.output);
  }

  /** Waits for so many results. Seconds from the first that was seen to the last. */
  async take(results: number): Promise<number> {
    let first = 0;
    for (;;) {
      if (first === 0 && statSync(this.output).size > 0) first = performance.now();
      if (first > 0 && this.count() >= results) return (performance.now() - first) / 1000;
      await sleep(2);
    }
  }

  private lastSize = -1;
  private lastCount = 0;

  private count(): number {
    const { size } = statSync(this.output);
    if (size === this.lastSize) return this.lastCount;
    this.lastSize = size;
    this.lastCount = 0;
    for (const byte of readFileSync(this.output)) if (byte === 10) this.lastCount++;
    return this.lastCount;
  }

  private get output(): string {
    return join(this.folder.path, "commands");
  }
}
