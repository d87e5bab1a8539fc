import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NscaDaemon } from "../../test/peers/nsca-daemon.js";
import { lackOf, nscaDaemon, sendNsca } from "../../test/peers/peers.js";
import { temporaryFolder } from "../../test/support/gateway-process.js";

const password = "benchmark";

/** Debian's `nsca`, timed by what it writes, and the configuration of `send_nsca` for it. */
export class MeasuredDaemon {
  private lastSize = -1;
  private lastCount = 0;

  private constructor(
    private readonly daemon: NscaDaemon,
    private readonly folder: ReturnType<typeof temporaryFolder>,
  ) {}

  /** What is missing on this machine to measure with. */
  static get lack(): string | undefined {
    return lackOf(nscaDaemon) ?? lackOf(sendNsca);
  }

  /** Nothing listens yet. */
  static async prepare(method: number): Promise<MeasuredDaemon> {
    const daemon = await NscaDaemon.prepare(nscaDaemon.find() ?? "", {
      method,
      password,
      aggregates: true,
      isSingle: true,
    });
    const measured = new MeasuredDaemon(daemon, temporaryFolder("send-nsca"));
    writeFileSync(measured.senderConfiguration, `password=${password}\nencryption_method=${method}\n`);
    return measured;
  }

  get port(): number {
    return this.daemon.port;
  }

  get password(): string {
    return password;
  }

  get senderConfiguration(): string {
    return join(this.folder.path, "send_nsca.cfg");
  }

  /** Begins anew, without what was taken before. */
  async start(): Promise<void> {
    truncateSync(this.daemon.output);
    await this.daemon.come();
  }

  stop(): Promise<void> {
    return this.daemon.go();
  }

  async remove(): Promise<void> {
    await this.daemon.stop();
    this.folder.remove();
  }

  /**
   * Waits for so many results. Seconds from the second that was seen to the last: behind its first one the gateway waits a
   * moment to see whether the daemon can read it.
   */
  async take(results: number): Promise<number> {
    let first = 0;
    for (;;) {
      if (first === 0 && this.count() > 1) first = performance.now();
      if (first > 0 && this.count() >= results) return (performance.now() - first) / 1000;
      await sleep(2);
    }
  }

  private count(): number {
    const { size } = statSync(this.daemon.output);
    if (size === this.lastSize) return this.lastCount;
    this.lastSize = size;
    this.lastCount = 0;
    for (const byte of readFileSync(this.daemon.output)) if (byte === 10) this.lastCount++;
    return this.lastCount;
  }
}
