import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { constants, openSync, readFileSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "../support/free-port.js";
import { temporaryFolder } from "../support/gateway-process.js";

/** What a client may do, as its authorize section says it. */
interface NscaNgOptions {
  readonly identity: string;
  readonly password: string;
  /** Settings of the client's section, such as `services = "disk"`. */
  readonly grants?: readonly string[];
  /** Global settings, such as `timeout = 1`. */
  readonly settings?: readonly string[];
  /** The named pipe for commands; one that the test reads unless given. */
  readonly commandFile?: string;
}

/** The server of NSCA-ng on a free port of the loopback interface, in a temporary folder. */
export class NscaNg {
  private text = "";
  private listeners: (() => void)[] = [];
  private written = "";

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly reader: Socket | undefined,
    private readonly folder: ReturnType<typeof temporaryFolder>,
  ) {
    reader?.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
      for (const listener of this.listeners.splice(0)) listener();
    });
    child.stderr?.on("data", (bytes: Buffer) => {
      this.written += bytes.toString();
    });
  }

  /** @param program the server's executable */
  static async start(program: string, options: NscaNgOptions): Promise<NscaNg> {
    const folder = temporaryFolder("nsca-ng");
    const own = (name: string) => join(folder.path, name);
    const commandFile = options.commandFile ?? own("commands");
    let reader: Socket | undefined;
    if (options.commandFile === undefined) {
      execFileSync("mkfifo", [commandFile]);
      // Open for writing too, so that it does not end when the server closes it.
      reader = new Socket({ fd: openSync(commandFile, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
    }
    const port = await freePort();
    writeFileSync(
      own("nsca-ng.cfg"),
      [
        `command_file = "${commandFile}"`,
        `listen = "127.0.0.1:${port}"`,
        `temp_directory = "${folder.path}"`,
        "log_level = 4",
        ...(options.settings ?? []),
        `authorize "${options.identity}" {`,
        `  password = "${options.password}"`,
        ...(options.grants ?? ['hosts = ".*"', 'services = ".*"']).map((line) => `  ${line}`),
        "}\n",
      ].join("\n"),
    );
    const child = spawn(program, ["-F", "-c", own("nsca-ng.cfg")], { stdio: ["ignore", "ignore", "pipe"] });
    const server = new NscaNg(port, child, reader, folder);
    await server.until(/starting up/);
    return server;
  }

  /** The commands that it wrote, without their newlines, once there are so many. */
  async commands(count: number): Promise<string[]> {
    for (;;) {
      const lines = this.text.split("\n").slice(0, -1);
      if (lines.length >= count) return lines.map(commandOf);
      await new Promise<void>((resolve) => this.listeners.push(resolve));
    }
  }

  /** Waits until the server has logged this. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.written)) {
      if (this.child.exitCode !== null) throw new Error(`nsca-ng ended:\n${this.written}`);
      await new Promise((resolve) => this.child.stderr?.once("data", resolve));
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGTERM");
    await ended;
    this.reader?.destroy();
    this.folder.remove();
  }
}

/** What a pipe does not take in one piece the server puts into a file, and has that read. */
function commandOf(line: string): string {
  const file = /^\[\d+\] PROCESS_FILE;([^;]+);1$/.exec(line)?.[1];
  const bytes = file === undefined ? Buffer.from(line, "latin1") : readFileSync(file);
  return bytes.toString().trimEnd();
}
