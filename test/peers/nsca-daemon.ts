import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type NagiosResult, parseNagiosCommand } from "../../src/wire/nagios-command.js";
import { temporaryFolder } from "../support/gateway-process.js";

/** A result as the daemon passed it on, without the time at which it did. */
export type ArrivedResult = Omit<NagiosResult, "time">;

/** NSCA's daemon on a free port of the loopback interface; what it would tell Nagios goes to a file. */
export class NscaDaemon {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    readonly port: number,
  ) {}

  /**
   * @param program the daemon's executable
   * @param method number of the encryption method
   */
  static async start(program: string, method: number, password: string): Promise<NscaDaemon> {
    const folder = temporaryFolder("nsca");
    const own = (name: string) => join(folder.path, name);
    const port = await freePort();
    const settings = {
      server_address: "127.0.0.1",
      server_port: port,
      pid_file: own("pid"),
      command_file: own("commands"),
      alternate_dump_file: own("dump"),
      append_to_file: 1,
      aggregate_writes: 0,
      max_packet_age: 30,
      debug: 0,
      password,
      decryption_method: method,
    };
    writeFileSync(
      own("nsca.cfg"),
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(""),
    );
    writeFileSync(own("commands"), "");
    // As Debian runs it. With --single it forgets connections at times after one that it closed for a bad packet.
    const child = spawn(program, ["-f", "-c", own("nsca.cfg"), "--daemon"], { stdio: "ignore" });
    const daemon = new NscaDaemon(child, folder, port);
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`nsca ended with ${child.exitCode}`);
      await pause(20);
    }
    return daemon;
  }

  /** What the daemon has written so far. */
  get written(): Buffer {
    return readFileSync(join(this.folder.path, "commands"));
  }

  /** The same as results. */
  get arrived(): readonly ArrivedResult[] {
    const lines = this.written.toString().split("\n");
    return lines.filter((line) => line !== "").map(arrivedResult);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGTERM");
      await ended;
    }
    this.folder.remove();
  }
}

function arrivedResult(line: string): ArrivedResult {
  const command = parseNagiosCommand(line);
  if (command === undefined) throw new Error(`nsca wrote what is no command: ${line}`);
  const { host, service, code, output } = command;
  return { host, service, code, output };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
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
