/** A line of a script, or of what it imports. */
export interface Place {
  /** For people: `crash.py:5 in crash`. */
  readonly text: string;
  /** Path of the file. */
  readonly file: string;
}

/** What the interpreter of a language writes to standard error about its own end, and how to read it. */
export interface LastWords {
  /** Whether the line begins what the process has to say in the end; the lines after it are kept with it. */
  begins(line: string): boolean;
  /** Why it ended, and where: the first of the lines is the one that began it. */
  crash(lines: readonly string[]): { readonly error?: string; readonly place?: Place };
  /**
   * Where the process is stuck, from the stacks that it writes when it gets {@link HostCommand.stackSignal}.
   *
   * @param suspects files of the scripts that should have answered, the first before the others
   */
  stuck?(lines: readonly string[], suspects: readonly string[]): Place | undefined;
}

/** Stacks of many threads are long; a process that never stops writing is not listened to for ever. */
const maxLines = 4_000;

/** Keeps of a process's standard error what may be its last words. */
export class Listener {
  private lines: string[] = [];
  private listening = false;

  constructor(private readonly words: LastWords | undefined) {}

  hear(line: string): void {
    if (this.words?.begins(line) === true) this.begin();
    if (this.listening && this.lines.length < maxLines) this.lines.push(line);
  }

  /** From here on everything counts. */
  begin(): void {
    this.lines = [];
    this.listening = true;
  }

  get crash(): ReturnType<LastWords["crash"]> {
    return this.words === undefined || this.lines.length === 0 ? {} : this.words.crash(this.lines);
  }

  stuck(suspects: readonly string[]): Place | undefined {
    return this.words?.stuck?.(this.lines, suspects);
  }
}
