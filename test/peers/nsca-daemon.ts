import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type NagiosResult, parseNagiosCommand } from "../../src/wire/nagios-command.js";
import { freePort } from "../support/free-port.js";
import { temporaryFolder } from "../support/gateway-process.js";

/** A result as the daemon passed it on, without the time at which it did. */
export type ArrivedResult = Omit<NagiosResult, "time">;

/** How the daemon is set up. */
interface NscaSetup {
  /** Number of the encryption method. */
  readonly method: number;
  readonly password: string;
  /** Opens the file once for many results instead of once for each. */
  readonly aggregates?: boolean;
  /**
   * One process for all connections, so that none outlives it when it is killed. Unless asked for it runs as Debian runs
   * it: with --single it forgets connections at times after one that it closed for a bad packet.
   */
  readonly isSingle?: boolean;
}

/** NSCA's daemon on a free port of the loopback interface; what it would tell Nagios goes to a file. */
export class NscaDaemon {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    readonly port: number,
    private readonly isSingle: boolean,
  ) {}

  /** Writes the configuration; nothing listens yet. @param program the daemon's executable */
  static async prepare(program: string, { method, password, aggregates, isSingle }: NscaSetup): Promise<NscaDaemon> {
    const daemon = new NscaDaemon(program, temporaryFolder("nsca"), await freePort(), isSingle === true);
    const settings = {
      server_address: "127.0.0.1",
      server_port: daemon.port,
      pid_file: daemon.file("pid"),
      command_file: daemon.output,
      alternate_dump_file: daemon.file("dump"),
      append_to_file: 1,
      aggregate_writes: aggregates === true ? 1 : 0,
      max_packet_age: 30,
      debug: 0,
      password,
      decryption_method: method,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(daemon.file("nsca.cfg"), lines.join(""));
    writeFileSync(daemon.output, "");
    return daemon;
  }

  /** A daemon that listens. @param program its executable @param method number of the encryption method */
  static async start(program: string, method: number, password: string): Promise<NscaDaemon> {
    const daemon = await NscaDaemon.prepare(program, { method, password });
    await daemon.come();
    return daemon;
  }

  /** The file that it writes the results to, as commands of Nagios. */
  get output(): string {
    return this.file("commands");
  }

  /** Listens. */
  async come(): Promise<void> {
    const mode = this.isSingle ? "--single" : "--daemon";
    const child = spawn(this.program, ["-f", "-c", this.file("nsca.cfg"), mode], { stdio: "ignore" });
    this.child = child;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null) throw new Error(`nsca ended with ${child.exitCode}`);
      await pause(20);
    }
  }

  /** Ends; with one process for all connections in the middle of whatever it does. */
  async go(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "close");
    child.kill(this.isSingle ? "SIGKILL" : "SIGTERM");
    await ended;
  }

  /** What the daemon has written so far. */
  get written(): Buffer {
    return readFileSync(this.output);
  }

  /** The same as results. */
  get arrived(): readonly ArrivedResult[] {
    const lines = this.written.toString().split("\n");
    return lines.filter((line) => line !== "").map(arrivedResult);
  }

  async stop(): Promise<void> {
    await this.go();
    this.folder.remove();
  }

  private file(name: string): string {
    return join(this.folder.path, name);
  }
}

function arrivedResult(line: string): ArrivedResult {
  const command = parseNagiosCommand(line);
  if (command === undefined) throw new Error(`nsca wrote what is no command: ${line}`);
  const { host, service, code, output } = command;
  return { host, service, code, output };
}

/** Whether the daemon sends its init packet. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("data", () => {
      resolve(true);
      socket.end();
    });
  });
}
