import type { Reporter, TestCase, Vitest } from "vitest/node";

/** Says once, when a run is over, what it had to do without: a line for each peer that is missing. */
export class MissingPeers implements Reporter {
  private readonly skipped = new Map<string, number>();

  /** @param left by project: what was not even looked at, and why */
  constructor(private readonly left: Readonly<Record<string, string>>) {}

  onInit({ projects }: Vitest): void {
    // Also a run that found no file at all comes by here.
    process.once("exit", () => {
      const lines = [...this.skipped].map(
        ([note, count]) => `${count === 1 ? "1 test" : `${count} tests`} skipped: ${note}`,
      );
      for (const line of [...projects.flatMap(({ name }) => this.left[name] ?? []), ...lines]) console.log(line);
    });
  }

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state !== "skipped" || result.note === undefined) return;
    this.skipped.set(result.note, (this.skipped.get(result.note) ?? 0) + 1);
  }
}
