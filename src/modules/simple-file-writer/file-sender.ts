import { constants, type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { errorText, GatewayError } from "../../kernel/errors.js";
import type { OutgoingResult, RelayTarget, Sender, Verdict } from "../../relay/relay.js";
import { type LineTemplate, lineTemplate } from "./line-template.js";
import type { FileKeys } from "./settings.js";

const { O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_WRONLY } = constants;

/**
 * Appends a line for each result to a file. A batch is one write and one flush to the disk.
 *
 * The file is opened for each batch, so that one that was renamed, removed or cut by a program that rotates logs is
 * followed without being told.
 */
export class FileSender implements Sender {
  private readonly file: string;
  private readonly hostLine: LineTemplate;
  private readonly serviceLine: LineTemplate;
  /** The batch before: a disk that hangs can outlast the patience of whoever waited for it. */
  private before: Promise<unknown> = Promise.resolve();

  /** @throws GatewayError CONFIGURATION without a file */
  constructor({ path, settings }: RelayTarget<FileKeys>) {
    const { file, syntax, hostSyntax, serviceSyntax, timeSyntax } = settings;
    if (file === "") throw new GatewayError("CONFIGURATION", `[${path}]: there is no file to write to`);
    this.file = file;
    this.hostLine = lineTemplate(hostSyntax === "" ? syntax : hostSyntax, timeSyntax);
    this.serviceLine = lineTemplate(serviceSyntax === "" ? syntax : serviceSyntax, timeSyntax);
  }

  async send(batch: readonly OutgoingResult[], signal: AbortSignal): Promise<readonly Verdict[]> {
    const text = batch.map((result) => (result.service === "" ? this.hostLine : this.serviceLine)(result)).join("");
    const written = this.before.then(() => {
      signal.throwIfAborted();
      return append(this.file, Buffer.from(text));
    });
    this.before = written.catch(() => {});
    await orAborted(written, signal);
    return batch.map(() => ({ kind: "delivered", text: "Submission successful" }));
  }

  async close(): Promise<void> {
    await this.before;
  }
}

async function append(path: string, bytes: Buffer): Promise<void> {
  const { handle, isNew } = await openToAppend(path);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new Error(`${path} is no regular file`);
    try {
      for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten;
      await handle.datasync();
    } catch (thrown) {
      await cutBack(handle, facts.size, bytes.length);
      throw thrown;
    }
  } finally {
    await handle.close();
  }
  if (isNew) await flushFolder(dirname(path));
}

async function openToAppend(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  // Without O_NONBLOCK the opening of a pipe would wait for its reader.
  const flags = O_APPEND | O_WRONLY | O_NONBLOCK;
  try {
    return { handle: await open(path, flags), isNew: false };
  } catch (thrown) {
    if (!hasCode(thrown, "ENOENT")) throw thrown;
  }
  try {
    return { handle: await open(path, flags | O_CREAT | O_EXCL, 0o640), isNew: true };
  } catch (thrown) {
    // Whoever rotates the file has made it in between.
    if (!hasCode(thrown, "EEXIST")) throw thrown;
    return { handle: await open(path, flags), isNew: false };
  }
}

/** Takes back a half-written batch, unless somebody else wrote behind it: it is written again as a whole. */
async function cutBack(handle: FileHandle, size: number, length: number): Promise<void> {
  try {
    const { size: reached } = await handle.stat();
    if (reached > size && reached <= size + length) await handle.truncate(size);
  } catch {
    // The reason why it was not written is the one to tell.
  }
}

/** The name of a new file is on disk once its folder is. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}

function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Error(`The file was not written in time: ${errorText(signal.reason)}`));
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}
