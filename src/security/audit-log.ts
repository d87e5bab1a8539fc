import type { Clock } from "../kernel/clock.js";
import type { Logger } from "../kernel/log.js";
import { printableJson } from "../kernel/printable-json.js";
import type { Audit, AuditEvent } from "./audit.js";

/** A file that lines are appended to in the background; a line never waits for the disk, and a full disk stops nobody. */
export interface LineFile {
  write(line: string): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface LineFileOptions {
  readonly path: string;
  /** Bytes at which the file is put aside; 0 for never. */
  readonly maxSize: number;
  /** How many files that were put aside are kept. */
  readonly files: number;
  /** Permissions of a new file. */
  readonly mode: number;
}

/**
 * Opens such a file.
 * @param onProblem is told once when writing begins to fail
 * @param lostText the line that says how many lines had to be left out
 */
export type OpenLineFile = (
  options: LineFileOptions,
  onProblem: (reason: string) => void,
  lostText: (count: number) => string,
) => LineFile;

export interface AuditSettings {
  /** `none` for no audit. */
  readonly file: string;
  readonly queries: boolean;
  readonly maxSize: number;
  readonly files: number;
}

/** A record holds so many objects and says how many more there were. */
const maxObjects = 16;
const maxTextLength = 512;

/** The audit log: JSON lines, each with time, action, outcome, principal, kind, peer and front end. */
export class AuditLog implements Audit {
  #file: LineFile | undefined;
  #settings: AuditSettings = { file: "none", queries: false, maxSize: 0, files: 0 };

  constructor(
    private readonly clock: Pick<Clock, "now">,
    private readonly log: Logger,
    private readonly open: OpenLineFile,
  ) {}

  /** Takes new settings; the file stays open unless it is another one. */
  async use(settings: AuditSettings): Promise<void> {
    const before = this.#settings;
    this.#settings = settings;
    const { file, maxSize, files } = settings;
    if (file === before.file && maxSize === before.maxSize && files === before.files) return;
    const previous = this.#file;
    const isOff = file === "" || file.toLowerCase() === "none";
    this.#file = isOff ? undefined : this.open({ path: file, maxSize, files, mode: 0o600 }, this.#complain, this.#lost);
    await previous?.close();
  }

  keeps(action: string, outcome: AuditEvent["outcome"]): boolean {
    if (this.#file === undefined) return false;
    return outcome === "denied" || action !== "queries.execute" || this.#settings.queries;
  }

  record(event: AuditEvent): void {
    if (this.keeps(event.action, event.outcome)) this.#file?.write(this.#line(event));
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#settings = { ...this.#settings, file: "none" };
    await file?.close();
  }

  #line({ action, outcome, principal, peer, frontEnd, objects = [], reason, traceId }: AuditEvent): string {
    const more = objects.length - maxObjects;
    const record = {
      time: new Date(this.clock.now()).toISOString(),
      action,
      outcome,
      principal: cut(principal.name),
      kind: principal.kind,
      peer,
      frontEnd,
      ...(objects.length > 0 ? { objects: objects.slice(0, maxObjects).map(cut) } : {}),
      ...(more > 0 ? { moreObjects: more } : {}),
      ...(reason === undefined ? {} : { reason: cut(reason) }),
      ...(traceId === undefined ? {} : { traceId }),
    };
    return `${printableJson(record)}\n`;
  }

  readonly #complain = (reason: string): void => {
    this.log.error(
      `The audit log ${this.#settings.file} can't be written: ${reason}. Calls go on; records wait in memory.`,
    );
  };

  readonly #lost = (count: number): string => {
    return `${JSON.stringify({ time: new Date(this.clock.now()).toISOString(), action: "audit.lost", records: count })}\n`;
  };
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}
