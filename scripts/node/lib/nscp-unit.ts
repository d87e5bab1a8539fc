/**
 * Tests for scripts, run by `nscp unit --language node --script <file>`.
 *
 * ```ts
 * test("counts its arguments", async () => {
 *   assert.deepEqual(await query("check_sample", "a"), [0, "I was given 1 arguments", "'arguments'=1;5"]);
 * });
 *
 * export const { init, main } = unitScript(import.meta.url, { scripts: ["check_sample.ts"] });
 * ```
 */
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Argument,
  type Awaitable,
  Core,
  Registry,
  Settings,
  type SimpleResult,
  status,
} from "nscp-gateway/script";

interface Test {
  readonly name: string;
  readonly run: () => Awaitable<void>;
}

/** What the tests need to be configured. */
export interface UnitNeeds {
  /** The scripts under test, as the settings would name them. */
  readonly scripts?: readonly string[];
  /** Other settings: section, key, value. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const tests: Test[] = [];

/** A test. It fails when the function throws or its promise is rejected. */
export function test(name: string, run: () => Awaitable<void>): void {
  if (tests.some((other) => other.name === name)) throw new Error(`There are two tests called "${name}".`);
  tests.push({ name, run });
}

/** Runs a check: its state, message and performance data. */
export function query(command: string, ...args: Argument[]): Promise<[code: number, message: string, perf: string]> {
  return Core.get(0).simpleQuery(command, args);
}

/**
 * Makes a script one that `nscp unit` can run: what it exports as `init` registers the checks that run the tests, and
 * `main` configures what they need.
 *
 * @param url the script's `import.meta.url`
 */
export function unitScript(
  url: string,
  { scripts = [], settings = {} }: UnitNeeds = {},
): { init(pluginId: number): void; main(args: string[]): Promise<void> } {
  return {
    init(pluginId) {
      const registry = Registry.get(pluginId);
      const run = new UnitRun();
      registry.simpleFunction("node_unittest_show_ok", () => run.showSucceeded(), "Names tests that succeed too");
      registry.simpleFunction("node_unittest_add_case", (names) => run.choose(names), "Runs only the tests named");
      registry.simpleFunction("node_unittest", () => run.all(), "Runs the tests");
    },
    async main([action]) {
      if (action !== "install") throw new Error("The only argument that there is is install.");
      const store = Settings.get(0);
      await store.setString("/modules", "NodeScript", "enabled");
      for (const script of [...scripts, fileURLToPath(url)]) {
        await store.setString("/settings/node/scripts", basename(script, extname(script)), script);
      }
      for (const [section, keys] of Object.entries(settings)) {
        for (const [key, value] of Object.entries(keys)) await store.setString(section, key, value);
      }
      await store.save();
    },
  };
}

/** The tests that were chosen, and what became of them. */
class UnitRun {
  private readonly chosen = new Set<string>();
  private namesSucceeded = false;

  showSucceeded(): SimpleResult {
    this.namesSucceeded = true;
    return [status.OK, "Tests that succeed are named too"];
  }

  choose(names: readonly string[]): SimpleResult {
    const unknown = names.filter((name) => !tests.some((known) => known.name === name));
    if (unknown.length > 0) {
      const there = tests.map(({ name }) => name).join(", ");
      return [status.UNKNOWN, `There is no test called ${unknown.join(", ")} (there are ${there})`];
    }
    for (const name of names) this.chosen.add(name);
    return [status.OK, `Tests: ${[...this.chosen].join(", ")}`];
  }

  /** One after the other, in the order in which they were written. */
  async all(): Promise<SimpleResult> {
    const wanted = tests.filter(({ name }) => this.chosen.size === 0 || this.chosen.has(name));
    if (wanted.length === 0) return [status.UNKNOWN, "There are no tests"];
    const lines: string[] = [];
    let failed = 0;
    for (const { name, run } of wanted) {
      try {
        await run();
        if (this.namesSucceeded) lines.push(`[OK] ${name}`);
      } catch (thrown) {
        failed++;
        lines.push(`[FAILED] ${name}: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
      }
    }
    const [code, summary] =
      failed === 0
        ? [status.OK, `OK: ${wanted.length} test(s) successful`]
        : [status.CRITICAL, `ERROR: ${failed}/${wanted.length} test(s) failed`];
    return [code, [summary, ...lines].join("\n")];
  }
}
