import type { Clock } from "../kernel/clock.js";

const maxLineBytes = 8 * 1024;
const linesPerSecond = 200;
const tellAfterMs = 1000;

/** At most so many in a second, 200 unless given; what is more is counted and told once the second is over. */
export class LineLimit {
  private second = 0;
  private used = 0;
  private dropped = 0;
  private cancel: (() => void) | undefined;

  /** @param tell is given how many were left out */
  constructor(
    private readonly clock: Clock,
    private readonly tell: (dropped: number) => void,
    private readonly perSecond = linesPerSecond,
  ) {}

  /** Whether one more may pass. */
  admit(): boolean {
    const second = Math.floor(this.clock.monotonic() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.used = 0;
      this.flush();
    }
    if (this.used < this.perSecond) {
      this.used++;
      return true;
    }
    this.cancel ??= this.clock.after(tellAfterMs, () => this.flush());
    this.dropped++;
    return false;
  }

  /** Tells what was left out so far. */
  flush(): void {
    const { dropped } = this;
    this.cancel?.();
    this.cancel = undefined;
    this.dropped = 0;
    if (dropped > 0) this.tell(dropped);
  }
}

/** Cuts a stream of text into lines; a line that does not end is cut after 8 KiB. */
export class LineSplitter {
  private rest = "";

  constructor(private readonly line: (text: string) => void) {}

  push(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.emit(this.rest + text.slice(start, end));
      this.rest = "";
      start = end + 1;
    }
    this.rest += text.slice(start);
    while (this.rest.length > maxLineBytes) {
      this.emit(this.rest.slice(0, maxLineBytes));
      this.rest = this.rest.slice(maxLineBytes);
    }
  }

  /** The last line, when nothing ended it. */
  end(): void {
    if (this.rest !== "") this.emit(this.rest);
    this.rest = "";
  }

  private emit(text: string): void {
    this.line(text.endsWith("\r") ? text.slice(0, -1) : text);
  }
}
