import { describe, expect, it } from "vitest";
import type { CliIo } from "../../src/cli/context.js";
import { contexts } from "../../src/cli/contexts.js";
import { moduleDefinitions } from "../../src/gateway/module-list.js";
import type { RelayModule } from "../../src/relay/define-relay.js";

/** Those that a result can be sent with by hand: another gateway has `nscp client`, a file has the shell. */
const relays = moduleDefinitions
  .filter((definition) => "protocol" in definition && !["GRPCClient", "SimpleFileWriter"].includes(definition.name))
  .map((definition) => (definition as unknown as RelayModule).protocol);

describe("the command line of a relay", () => {
  it.each(relays)("$word takes every key of its targets as an option", async ({ word, targetKeys }) => {
    let help = "";
    const write = (text: string) => {
      help += text;
    };
    const io: Omit<CliIo, "stdin"> = { stdout: write, stderr: write };
    const context = await contexts.find(({ name }) => name === word)?.load();
    expect(await context?.run(["--help"], io as CliIo)).toBe(1);
    const options = new Set(help.match(/(?<=^ {2})--[a-z-]+/gm));
    const keys = Object.entries(targetKeys).map(([property, { key }]) => key ?? property);
    const names = keys.map(
      (name) => `--${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll(" ", "-")}`,
    );
    const own = ["--queue", "--command", "--result", "--message", "--batch", "--hostname", "--dry-run", "--target"];
    expect([...own, ...names].filter((name) => !options.has(name))).toEqual([]);
  });
});
