import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SalvageFindings } from "./salvage-findings.js";
import type { StoreFindings } from "./store-audit.js";
import { storeFiles } from "./store-files.js";

/** What is known of a store after a look at all of it. */
export type StoreVerdict =
  | { readonly kind: "absent" }
  /** Of another version of the format. */
  | { readonly kind: "unchecked"; readonly reason: string }
  | { readonly kind: "sound"; readonly findings: StoreFindings }
  | {
      readonly kind: "damaged";
      /** What is wrong, a line each. */
      readonly problems: readonly string[];
      /** Undefined when the look came to no end. */
      readonly findings: StoreFindings | undefined;
    };

/** What the child says of a store. */
export type AuditAnswer = { readonly findings: StoreFindings } | { readonly failure: string };

interface CheckOptions {
  /**
   * `open`: the store is about to be opened; LMDB has to agree. `read`: nothing is written, not even beside the store. `in use`:
   * somebody may write to it meanwhile.
   */
  readonly purpose: "open" | "read" | "in use";
  /** Ends the child and rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Looks at every record of the store in a folder, in a process of its own. When that process crashes or hangs the verdict is
 * that the store is damaged.
 *
 * @throws Error when no process can be started
 */
export async function checkStore(folder: string, { purpose, signal }: CheckOptions): Promise<StoreVerdict> {
  const { store } = storeFiles(folder);
  // LMDB begins a new store in an empty file.
  if (!existsSync(store) || statSync(store).size === 0) return { kind: "absent" };
  const end = await runStoreChild<AuditAnswer>(["audit", store, purpose], store, signal);
  if (typeof end === "string") return { kind: "damaged", problems: [end], findings: undefined };
  if ("failure" in end) return { kind: "damaged", problems: [end.failure], findings: undefined };
  const { findings } = end;
  if (findings.otherVersion !== undefined) {
    return { kind: "unchecked", reason: `its format ${findings.otherVersion} is another one than this release writes` };
  }
  if (findings.problemCount === 0) return { kind: "sound", findings };
  const records = findings.damagedRecords.map(({ queue, part, sequence }) =>
    part === "dead" ? `${queue}: dead letter ${sequence} is damaged` : `${queue}: record ${sequence} is damaged`,
  );
  return { kind: "damaged", problems: [...records, ...findings.problems], findings };
}

/** The answer of the child that salvages, or how it ended without one. */
export function runSalvage(
  from: string,
  to: string,
): Promise<{ readonly findings: SalvageFindings } | { readonly failure: string } | string> {
  return runStoreChild(["salvage", from, to], from);
}

const program = fileURLToPath(new URL("./store-child.js", import.meta.url));

/** Slowest sensible disk, in bytes per millisecond, and the time that a process takes to start. */
const slowestBytesPerMs = 4096;
const startMs = 60_000;

/** Runs the child to its end. @returns its answer, or in words how it ended without one */
async function runStoreChild<Answer>(
  words: readonly string[],
  store: string,
  signal?: AbortSignal,
): Promise<Answer | string> {
  const limitMs = startMs + statSync(store).size / slowestBytesPerMs;
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGKILL");
  let hasHung = false;
  const timer = setTimeout(() => {
    hasHung = true;
    stop();
  }, limitMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const { output, how } = await endOf(child);
    signal?.throwIfAborted();
    if (hasHung) return `the process that looked at it did not end within ${Math.round(limitMs / 1000)} s`;
    return parse<Answer>(output) ?? `the process that looked at it ended with ${how}`;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function endOf(child: ChildProcess): Promise<{ output: string; how: string }> {
  return new Promise((resolve, reject) => {
    let output = "";
    let complaint = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint = `${complaint}${text}`.slice(-2000);
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const last = complaint.trim().split("\n").at(-1) ?? "";
      resolve({ output, how: `${signal ?? `exit code ${code}`}${last === "" ? "" : `: ${last}`}` });
    });
  });
}

function parse<Answer>(output: string): Answer | undefined {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}
