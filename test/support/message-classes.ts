import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { packageRoot } from "./gateway-process.js";

/** A message that Python wrote: as JSON, and serialized, in base64. */
export interface Written {
  readonly fields: unknown;
  readonly data: string;
}

/** A Python process that answers questions about its message classes, one after another. */
export class MessageClasses {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: AsyncIterator<string>;
  private errors = "";

  /** @param hostFolder where the modules of the classes are */
  constructor(hostFolder: string, env: NodeJS.ProcessEnv) {
    const program = join(packageRoot, "test", "peers", "message_classes.py");
    this.child = spawn("python3", [program, hostFolder], { env, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin.on("error", () => {});
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ask(...question: readonly string[]): Promise<unknown> {
    this.child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.lines.next();
    if (done === true) {
      await this.end();
      throw new Error(`${question.join(" ")}: ${this.errors}`);
    }
    return JSON.parse(value);
  }

  async end(): Promise<void> {
    this.child.stdin.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
  }
}
