/**
 * Who took the process down. A process runs many scripts, and one that crashes it takes the others along; nobody can
 * be sure which it was, but three losses tell more than one.
 *
 * At each loss the scripts that were running something are the suspects. At the third loss within five minutes are held
 * responsible, in this order:
 *
 * 1. the script that was the only suspect in more than half of the losses;
 * 2. all scripts that were suspects in every loss;
 * 3. nobody. Then the process is given up with all its scripts.
 *
 * Those who are responsible are given up, the losses in which they were suspects are forgotten, and the others go on.
 */
import type { Clock } from "../kernel/clock.js";
import { backOffMs, crashLimit, crashWindowMs } from "./restart-policy.js";

export interface Sentence<Suspect> {
  /** Milliseconds until the process is started again. */
  readonly delayMs: number;
  /** Not started any more. */
  readonly givenUp: readonly Suspect[];
}

export class Blame<Suspect> {
  private losses: { readonly at: number; readonly suspects: ReadonlySet<Suspect> }[] = [];

  constructor(private readonly clock: Clock) {}

  /**
   * The process was lost.
   *
   * @param suspects those that were running something
   * @returns undefined when it is not to be started again, because it was lost too often and nobody can be made out
   */
  afterLoss(suspects: ReadonlySet<Suspect>): Sentence<Suspect> | undefined {
    const at = this.clock.monotonic();
    this.losses = this.losses.filter((loss) => at - loss.at < crashWindowMs);
    this.losses.push({ at, suspects });
    const count = this.losses.length;
    if (count < crashLimit) return { delayMs: backOffMs[count - 1] ?? 0, givenUp: [] };
    const givenUp = this.responsible();
    if (givenUp.length === 0) return undefined;
    this.losses = this.losses.filter((loss) => !givenUp.some((one) => loss.suspects.has(one)));
    return { delayMs: backOffMs.at(-1) ?? 0, givenUp };
  }

  private responsible(): Suspect[] {
    const { losses } = this;
    const all = [...new Set(losses.flatMap((loss) => [...loss.suspects]))];
    const alone = all.find(
      (one) => losses.filter(({ suspects }) => suspects.size === 1 && suspects.has(one)).length > losses.length / 2,
    );
    if (alone !== undefined) return [alone];
    return all.filter((one) => losses.every(({ suspects }) => suspects.has(one)));
  }
}
