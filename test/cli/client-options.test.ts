import { describe, expect, it } from "vitest";
import { type ClientOptions, checkArguments, clientCommand, stateOf, timeoutOf } from "../../src/cli/client-options.js";
import { parseArguments } from "../../src/cli/store-options.js";

function parsed(...args: string[]): { options: ClientOptions; words: readonly string[]; errors: string } {
  let errors = "";
  const command = clientCommand({ stdout: () => {}, stderr: (text) => (errors += text) });
  parseArguments(command, args);
  return { options: command.opts<ClientOptions>(), words: command.args, errors };
}

describe("the options of nscp client", () => {
  it("leave what is not theirs, in order, to the check", () => {
    const { options, words } = parsed("warn=5", "--query", "check_x", "-w", "5", "--crit=9", "more", "--timeout", "3");
    expect(options).toMatchObject({ query: "check_x", timeout: "3" });
    expect(words).toEqual(["warn=5", "-w", "5", "--crit=9", "more"]);
  });

  it("take no abbreviations", () => {
    const { options, words } = parsed("--quer", "check_x", "--time", "5");
    expect([options.query, options.timeout, words]).toEqual([
      undefined,
      undefined,
      ["--quer", "check_x", "--time", "5"],
    ]);
  });

  it("take a value that looks like an option", () => {
    const { options } = parsed("--message", "--down--", "--perf", "-1");
    expect([options.message, options.perf]).toEqual(["--down--", "-1"]);
  });

  it("put --argument and --raw-argument behind the words", () => {
    const { options, words } = parsed("-a", "a=1=2", "w", "--argument", "flag", "--raw-argument", "r=", "-a", "b=3");
    expect(checkArguments(words, options)).toEqual(["w", "--a", "1=2", "--flag", "--b", "3", "r", ""]);
  });

  it("say what is missing", () => {
    expect(parsed("--query").errors).toBe("error: option '-q, --query <name>' argument missing\n");
  });
});

describe("a time", () => {
  it.each([
    ["10", 10_000],
    ["10s", 10_000],
    ["500ms", 500],
    ["2m", 120_000],
  ])("of %s is %i ms", (text, ms) => expect(timeoutOf(text)).toBe(ms));

  it.each(["0", "", "-1", "soon", "1.5"])("of %j is none", (text) => {
    expect(() => timeoutOf(text)).toThrow(`Not a time for --timeout: ${text} (write 10, 10s, 500ms or 2m)`);
  });
});

describe("a state", () => {
  it.each([
    ["0", 0],
    ["3", 3],
    ["ok", 0],
    ["Warning", 1],
    ["CRIT", 2],
    [" unknown ", 3],
  ])("%j is %i", (text, code) => expect(stateOf(text)).toBe(code));

  it.each(["4", "-1", "", "up", "constructor"])("%j is none", (text) => {
    expect(() => stateOf(text)).toThrow(`Not a state: ${text} (`);
  });
});
