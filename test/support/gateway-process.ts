import { type ChildProcess, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package under test. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const nscpCommand = join(packageRoot, "bin", "nscp.js");

/** What a finished process left behind. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
}

/** Runs a program to its end; a program that can't be started rejects, one that fails has its exit code. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd ?? packageRoot, env: options.env ?? process.env });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin ?? "");
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A folder of its own for a test; `remove` deletes it. */
export function temporaryFolder(purpose = "test"): { readonly path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `nscp-${purpose}-`)));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface GatewayOptions {
  /** The settings file. */
  readonly settings: string;
  /** A folder that stays when the gateway ends, so that another one goes on with what it left. One of its own unless given. */
  readonly folder?: string;
  /** Files beside the settings by their relative path, such as `scripts/node/mine.ts`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Makes the development certificates first; on unless switched off. */
  readonly certificates?: boolean;
  /** Names that client certificates are made for; one called `client` unless given. */
  readonly clients?: readonly string[];
  /** A program that becomes Node in the same process, and its words, such as `nsenter …`. */
  readonly through?: readonly string[];
  /** Words for Node before the command, such as `--expose-gc`. */
  readonly nodeArguments?: readonly string[];
  /** More words after `service --run`. */
  readonly arguments?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** The line that says that every front end listens. */
const readyLine = /\bis ready\b/;
/** Where the gRPC front end listens, in its log line. */
const listensLine = /listening on .*?port (\d+)/i;

/**
 * Starts a gateway as users do, `nscp service --run`, in a temporary folder with the settings and files that are given,
 * and resolves when it is ready. With `port = 0` in the settings the port comes from the system, see
 * {@link GatewayProcess.port}.
 *
 * @throws Error with everything it wrote, when it ends before it is ready
 */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const folder = options.folder === undefined ? temporaryFolder("gateway") : { path: options.folder, remove: () => {} };
  try {
    const write = (name: string, text: string) => {
      const file = join(folder.path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    };
    write("nscp.ini", options.settings);
    for (const [name, text] of Object.entries(options.files ?? {})) write(name, text);
    if (options.certificates !== false) await makeCertificates(folder.path, options.clients ?? []);
    return await GatewayProcess.start(folder, options);
  } catch (thrown) {
    folder.remove();
    throw thrown;
  }
}

/** Certificates by the names of their clients: to make them takes as long as to start the gateway. */
const madeCertificates = new Map<string, readonly { name: string; content: Buffer; mode: number }[]>();

async function makeCertificates(folder: string, clients: readonly string[]): Promise<void> {
  const target = join(folder, "var", "security");
  const known = madeCertificates.get(clients.join());
  if (known !== undefined) {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    for (const { name, content, mode } of known) writeFileSync(join(target, name), content, { mode });
    return;
  }
  const names = clients.flatMap((name) => ["--client-name", name]);
  const made = await run(process.execPath, [nscpCommand, "certs", "init", ...names, ...storeArguments(folder)]);
  if (made.code !== 0) throw new Error(`nscp certs init failed:\n${made.stdout}${made.stderr}`);
  const files = readdirSync(target).map((name) => {
    const file = join(target, name);
    return { name, content: readFileSync(file), mode: statSync(file).mode };
  });
  madeCertificates.set(clients.join(), files);
}

function storeArguments(folder: string): string[] {
  return [
    ...["--settings", join(folder, "nscp.ini")],
    ...["--path-override", `data-path=${join(folder, "var")}`],
    ...["--path-override", `log-path=${join(folder, "var")}`],
  ];
}

/** A running gateway in a process of its own. */
export class GatewayProcess {
  /** Everything the gateway wrote so far. */
  log = "";
  /** The process ended, by itself or because it was told to. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  private hasExited = false;
  private readonly waiting = new Set<() => void>();

  private constructor(
    private readonly ownFolder: ReturnType<typeof temporaryFolder>,
    private readonly child: ChildProcess,
  ) {
    const collect = (text: string) => {
      this.log += text;
      for (const look of [...this.waiting]) look();
    };
    child.stdout?.setEncoding("utf8").on("data", collect);
    child.stderr?.setEncoding("utf8").on("data", collect);
    this.exited = new Promise((resolve) => {
      child.once("error", (error) => {
        collect(String(error));
        resolve({ code: null, signal: null });
      });
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
    this.exited.then(() => {
      this.hasExited = true;
      for (const look of [...this.waiting]) look();
    });
  }

  /** Used by {@link startGateway}. */
  static async start(folder: ReturnType<typeof temporaryFolder>, options: GatewayOptions): Promise<GatewayProcess> {
    const words = [...(options.nodeArguments ?? []), nscpCommand, "service", "--run", ...storeArguments(folder.path)];
    const [program, ...before] = [...(options.through ?? []), process.execPath] as const;
    const child = spawn(program ?? process.execPath, [...before, ...words, ...(options.arguments ?? [])], {
      cwd: folder.path,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const gateway = new GatewayProcess(folder, child);
    try {
      await gateway.waitForLog(readyLine);
    } catch (thrown) {
      await gateway.stop();
      throw thrown;
    }
    return gateway;
  }

  get folder(): string {
    return this.ownFolder.path;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The port of the gRPC front end. */
  get port(): number {
    const port = listensLine.exec(this.log)?.[1];
    if (port === undefined) throw new Error(`The gateway does not say where it listens:\n${this.log}`);
    return Number(port);
  }

  /** The files of the development certificates: `ca.pem`, `client.pem`, `client-key.pem`, … */
  certificate(name: string): string {
    return join(this.folder, "var", "security", name);
  }

  /**
   * The first match of what the gateway wrote or will write.
   * @throws Error with everything it wrote, when it ends before
   */
  waitForLog(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.log);
        if (match === null && !this.hasExited) return;
        this.waiting.delete(look);
        if (match !== null) resolve(match);
        else reject(new Error(`The gateway ended before it wrote ${pattern}:\n${this.log}`));
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Whether the process is gone. */
  get hasEnded(): boolean {
    return this.hasExited;
  }

  /** Ends the process as a power cut would, as far as it can tell. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** Runs `nscp` with the settings and folders of this gateway: `nscp("client", "--query", "check_ok")`. */
  nscp(context: string, ...args: readonly string[]): Promise<Finished> {
    const options = args.includes("--") ? args.indexOf("--") : args.length;
    const words = [context, ...args.slice(0, options), ...storeArguments(this.folder), ...args.slice(options)];
    return run(process.execPath, [nscpCommand, ...words], { cwd: this.folder });
  }

  /** SIGTERM, the end of the process, and its folder is gone. Resolves with how it ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.hasExited) this.child.kill(signal);
    const ended = await this.exited;
    this.ownFolder.remove();
    return ended;
  }
}
