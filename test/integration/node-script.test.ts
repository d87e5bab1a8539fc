import { afterEach, describe, expect, it } from "vitest";
import { type Harness, type HarnessOptions, startScripts } from "../support/script-harness.js";

let harness: Harness | undefined;

async function start(files: Readonly<Record<string, string>>, options?: HarnessOptions): Promise<Harness> {
  harness = await startScripts(files, options);
  return harness;
}

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

describe("a TypeScript script", () => {
  it("answers a query with state, message and performance data", async () => {
    const { query } = await start({
      "sample.ts": `
        import { Registry, status } from "nscp-gateway/script";
        export function init(pluginId: number): void {
          Registry.get(pluginId).simpleFunction("Check_Sample", (args: string[]) => [
            status.WARNING, "args: " + args.join(","), "'count'=123;200;600",
          ], "A sample");
        }`,
    });
    expect(await query("check_sample", "a", "b c")).toEqual([1, "args: a,b c", "'count'=123;200;600"]);
  });
});
