import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import type { Clock } from "../kernel/clock.js";
import { Channel } from "./channel.js";
import { type LastWords, Listener, type Place } from "./last-words.js";
import { LineSplitter } from "./output-lines.js";
import {
  type ControlToGateway,
  type ControlToHost,
  controlDescriptor,
  type ToGateway,
  type ToScript,
} from "./protocol.js";

/** How a host is started; no shell is involved. */
export interface HostCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Channels for single scripts that the process gets beside the control channel; 0: its scripts share that one. */
  readonly lanes: number;
  /** What to say when there is no such program, for people. */
  readonly ifMissing?: string;
  /** How to read what the interpreter says before it ends. */
  readonly lastWords?: LastWords;
  /** The signal on which the process writes the stacks of its threads to standard error, even when it does nothing else. */
  readonly stackSignal?: NodeJS.Signals;
}

export interface HostProcessEvents {
  onControl(message: ControlToGateway | ToGateway, raw: Uint8Array | undefined): void;
  /** A line on the process's own standard output or error. */
  onLine(stream: "stdout" | "stderr", text: string): void;
  /** A line of the stacks that it was asked for. */
  onStack(text: string): void;
  /** Once, when the process is gone; the reason is for people, the place where it crashed or was stuck, if it is known. */
  onExit(reason: string, place: Place | undefined): void;
}

export interface HostLimits {
  /** Resident memory of the process in bytes; undefined: no limit. */
  readonly memoryLimit: number | undefined;
}

const memoryCheckMs = 500;
/** After the process is gone its last words may still be on the way; a child of its own may hold the pipes for ever. */
const lastWordsMs = 100;
/** How long a process that does not react has to write its stacks. */
const stacksMs = 300;

export type ScriptLane = Channel<ToGateway, ToScript>;

/** One process that runs scripts: its pipes, its memory, its end. Nothing here knows what language it speaks. */
export class HostProcess {
  readonly control: Channel<ControlToGateway | ToGateway, ControlToHost | ToScript>;
  private readonly child: ChildProcess;
  private nextLane = controlDescriptor + 1;
  private readonly listener: Listener;
  private asked = false;
  private stuckAt: Place | undefined;
  private verdict: string | undefined;
  private exited = false;
  private cancelMemoryCheck: (() => void) | undefined;
  private readonly gone: Promise<void>;

  constructor(
    private readonly command: HostCommand,
    limits: HostLimits,
    private readonly clock: Clock,
    private readonly events: HostProcessEvents,
  ) {
    this.listener = new Listener(command.lastWords);
    const channels = new Array<"pipe">(1 + command.lanes).fill("pipe");
    this.child = spawn(command.file, command.args, {
      stdio: ["ignore", "pipe", "pipe", ...channels],
      env: command.env,
      // A process group of its own, so that what the scripts started goes with them.
      detached: true,
      windowsHide: true,
    });
    this.control = new Channel(this.duplex(controlDescriptor), {
      onMessage: (message, raw) => events.onControl(message, raw),
      onClose: (reason) => {
        if (!this.exited) this.kill(reason === undefined ? undefined : `it was not understood: ${reason.message}`);
      },
    });
    this.readLines("stdout");
    this.readLines("stderr");
    this.gone = new Promise((resolve) => {
      const finish = (reason: string) => {
        if (this.exited) return;
        this.exited = true;
        this.cancelMemoryCheck?.();
        this.signalGroup();
        const end = () => {
          this.destroyStreams();
          if (this.verdict !== undefined) events.onExit(this.verdict, this.stuckAt);
          else {
            const { error, place } = this.listener.crash;
            const where = place === undefined ? "" : ` at ${place.text}`;
            events.onExit(`${reason}${where}${error === undefined ? "" : ` (${error})`}`, place);
          }
          resolve();
        };
        const cancel = this.clock.after(lastWordsMs, () => {
          this.child.off("close", closed);
          end();
        });
        const closed = () => {
          cancel();
          end();
        };
        this.child.once("close", closed);
      };
      this.child.once("error", (error: NodeJS.ErrnoException) => {
        const refused = error.code === "EACCES" ? `${command.file} can't be executed` : undefined;
        const why = error.code === "ENOENT" ? command.ifMissing : refused;
        finish(`it could not be started: ${why ?? error.message}`);
      });
      this.child.once("exit", (code, signal) =>
        finish(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`),
      );
    });
    if (limits.memoryLimit !== undefined) this.watchMemory(limits.memoryLimit);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The next channel that no script had; its descriptor in the host. Undefined when all are used up. */
  takeLane(): { descriptor: number; stream: Duplex } | undefined {
    if (this.nextLane > controlDescriptor + this.command.lanes) return undefined;
    const descriptor = this.nextLane++;
    return { descriptor, stream: this.duplex(descriptor) };
  }

  get lanesLeft(): number {
    return controlDescriptor + this.command.lanes + 1 - this.nextLane;
  }

  /** Ends the process and what it started at once. */
  kill(why?: string): void {
    this.verdict ??= why;
    this.signalGroup();
  }

  /**
   * Ends a process that does not react any more, and finds out where it is stuck where it can tell.
   *
   * @param why goes on with the place: `… did not react any more: block.py:7 in block`
   * @param suspects files of the scripts that should have answered
   */
  killStuck(why: string, suspects: readonly string[]): void {
    if (this.verdict !== undefined || this.exited) return;
    this.verdict = why;
    const { stackSignal } = this.command;
    if (stackSignal === undefined) {
      this.kill();
      return;
    }
    this.listener.begin();
    this.asked = true;
    this.child.kill(stackSignal);
    this.clock.after(stacksMs, () => {
      if (this.exited) return;
      this.stuckAt = this.listener.stuck(suspects);
      if (this.stuckAt !== undefined) this.verdict = `${why}: ${this.stuckAt.text}`;
      this.kill();
    });
  }

  /** Lets the process end by itself; it has `graceMs` for it. */
  async stop(graceMs: number): Promise<void> {
    this.control.close();
    const cancel = this.clock.after(graceMs, () => this.kill());
    await this.gone;
    cancel();
  }

  private signalGroup(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody of the group is left.
    }
  }

  private duplex(descriptor: number): Duplex {
    const stream = this.child.stdio[descriptor];
    // A process that could not be started has no pipes; its `error` event says why.
    return stream instanceof Duplex ? stream : Duplex.from([]);
  }

  private readLines(name: "stdout" | "stderr"): void {
    const lines = new LineSplitter((text) => {
      if (name === "stderr") {
        this.listener.hear(text);
        if (this.asked) return this.events.onStack(text);
      }
      this.events.onLine(name, text);
    });
    const stream = this.child[name];
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => lines.push(text));
    stream?.on("end", () => lines.end());
    stream?.on("error", () => {});
  }

  private destroyStreams(): void {
    for (const stream of this.child.stdio) stream?.destroy();
  }

  /** The host can't be asked: all its threads may be busy. */
  private watchMemory(limit: number): void {
    const check = () => {
      const used = residentBytes(this.pid);
      if (used === undefined) return;
      if (used > limit) this.kill(`it used ${megabytes(used)} of memory, its limit is ${megabytes(limit)}`);
      else this.cancelMemoryCheck = this.clock.after(memoryCheckMs, check);
    };
    this.cancelMemoryCheck = this.clock.after(memoryCheckMs, check);
  }
}

/** Resident memory of a process, or undefined where /proc does not tell. */
function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / (1024 * 1024))} MB`;
}
