import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../support/free-port.js";
import { temporaryFolder } from "../support/gateway-process.js";

/** How the daemon is set up. */
interface NrpeSetup {
  /** Shell commands by name. */
  readonly commands: Readonly<Record<string, string>>;
  readonly useSsl?: boolean;
  /** Further keys of its configuration. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** NRPE's daemon on a free port of the loopback interface. */
export class NrpeDaemon {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    readonly port: number,
  ) {}

  /** A daemon that listens. @param program its executable */
  static async start(program: string, { commands, useSsl = true, settings = {} }: NrpeSetup): Promise<NrpeDaemon> {
    const folder = temporaryFolder("nrpe");
    const port = await freePort();
    const { username, uid } = userInfo();
    // It does not run as root, and nobody else can change who it is.
    const isRoot = uid === 0;
    const keys = {
      server_port: port,
      server_address: "127.0.0.1",
      pid_file: join(folder.path, "pid"),
      allowed_hosts: "127.0.0.1",
      nrpe_user: isRoot ? "nobody" : username,
      nrpe_group: "nogroup",
      command_timeout: 60,
      ...settings,
    };
    const lines = Object.entries(keys).map(([key, value]) => `${key}=${value}\n`);
    const rows = Object.entries(commands).map(([name, line]) => `command[${name}]=${line}\n`);
    writeFileSync(join(folder.path, "nrpe.cfg"), [...lines, ...rows].join(""));
    const child = spawn(program, [...(useSsl ? [] : ["-n"]), "-c", join(folder.path, "nrpe.cfg"), "-f"], {
      stdio: "ignore",
    });
    const daemon = new NrpeDaemon(child, folder, port);
    while (!(await listens(port))) {
      if (child.exitCode !== null) throw new Error(`nrpe ended with ${child.exitCode}`);
      await pause(20);
    }
    return daemon;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, "close");
      this.child.kill("SIGTERM");
      await ended;
    }
    this.folder.remove();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
  });
}
