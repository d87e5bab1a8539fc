import type { Clock } from "../../kernel/clock.js";

/** Objects beyond these are asked for again: memory stays flat whatever the names are. */
const mostObjects = 50_000;

interface Remembered {
  readonly text: string;
  readonly atMs: number;
}

/** What Icinga said of objects that it does not know, for a while. */
export class UnknownObjects {
  readonly #answers = new Map<string, Remembered>();

  constructor(
    private readonly clock: Clock,
    private readonly keepMs: number,
  ) {}

  remember(name: string, text: string): void {
    if (this.keepMs <= 0) return;
    this.#answers.delete(name);
    this.#answers.set(name, { text, atMs: this.clock.monotonic() });
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= mostObjects) break;
      this.#answers.delete(oldest);
    }
  }

  /** What was said, and how long ago; undefined when it is to be asked. */
  find(name: string): string | undefined {
    const answer = this.#answers.get(name);
    if (answer === undefined) return undefined;
    const ageMs = this.clock.monotonic() - answer.atMs;
    if (ageMs < this.keepMs) return `${answer.text} (answered ${Math.floor(ageMs / 1000)} s ago)`;
    this.#answers.delete(name);
    return undefined;
  }
}
