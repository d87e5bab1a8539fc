import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  escapeNagiosOutput,
  type NagiosResult,
  nagiosHostState,
  nagiosNameProblem,
  parseNagiosCommand,
  renderNagiosCommand,
} from "../../src/wire/nagios-command.js";

const service: NagiosResult = { time: 1_795_363_736.9, host: "web1", service: "Disk C:\\", code: 2, output: "full" };

describe("a result as an external command", () => {
  it.each<[string, NagiosResult, string]>([
    ["a service", service, "[1795363736] PROCESS_SERVICE_CHECK_RESULT;web1;Disk C:\\;2;full"],
    ["a host", { ...service, service: "", code: 1 }, "[1795363736] PROCESS_HOST_CHECK_RESULT;web1;1;full"],
    [
      "output with newlines, backslashes, a semicolon and a NUL",
      { ...service, output: "größe; C:\\new|'a'=1\r\nb\rc\nd\0e" },
      "[1795363736] PROCESS_SERVICE_CHECK_RESULT;web1;Disk C:\\;2;größe; C:\\\\new|'a'=1\\nb\\nc\\nd e",
    ],
  ])("%s", (_name, result, line) => {
    expect(renderNagiosCommand(result)).toBe(line);
  });

  it.each([
    ["host", "", "The host has no name."],
    ["host", "a;b", 'The name of the host "a;b" has a ; in it, which Nagios can\'t take.'],
    [
      "service",
      "a\nb",
      'The name of the service "a\\nb" has the control character U+000A in it, which Nagios can\'t take.',
    ],
    [
      "service",
      "\r",
      'The name of the service "\\r" has the control character U+000D in it, which Nagios can\'t take.',
    ],
    [
      "service",
      "a\u0085",
      'The name of the service "a\u0085" has the control character U+0085 in it, which Nagios can\'t take.',
    ],
  ] as const)("a %s named %j is refused with the reason", (kind, name, reason) => {
    expect(nagiosNameProblem(kind, name)).toBe(reason);
    if (name === "") return;
    expect(() => renderNagiosCommand({ ...service, [kind]: name })).toThrow(new RangeError(reason));
  });

  it("takes names with blanks, umlauts, backslashes and quotes", () => {
    expect(nagiosNameProblem("service", "Größe von C:\\Program Files 'x' \u{1f600}")).toBeUndefined();
  });

  it("makes a host up when its check is OK and down when it is anything else", () => {
    expect([0, 1, 2, 3].map(nagiosHostState)).toEqual([0, 1, 1, 1]);
  });
});

describe("an external command as a result", () => {
  it.each<[string, NagiosResult | undefined]>([
    ["[1] PROCESS_HOST_CHECK_RESULT;h;2;gone\n", { time: 1, host: "h", service: "", code: 2, output: "gone" }],
    ["[1] PROCESS_HOST_CHECK_RESULT;h;0", { time: 1, host: "h", service: "", code: 0, output: "" }],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;s;9;a;b\\\\c\\nd\\te", { ...sent("h", "s", "a;b\\c\nd\\te"), code: 3 }],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;C:\\;0;a", sent("h", "C:\\", "a")],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;D:\\new;0;a", sent("h", "D:\\new", "a")],
    // As NSClient++ writes them.
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h\\;1;a\\;b;0;c\\;d", sent("h;1", "a;b", "c;d")],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;C:\\\\a\\;b;0;c", sent("h", "C:\\a;b", "c")],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;s;OK;a", undefined],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;s", undefined],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;;s;0;a", undefined],
    ["[1] PROCESS_SERVICE_CHECK_RESULT;h;;0;a", undefined],
    ["[1] PROCESS_HOST_CHECK_RESULT;h;3;a", undefined],
    ["[1] PROCESS_HOST_CHECK_RESULT;h;0;a\nb\n", undefined],
    ["[1] DISABLE_NOTIFICATIONS", undefined],
    ["PROCESS_HOST_CHECK_RESULT;h;0;a", undefined],
    ["", undefined],
  ])("%j", (line, result) => {
    expect(parseNagiosCommand(line)).toEqual(result);
  });

  it("is the result that was written, whatever its names and output are", () => {
    const name = fc
      .string({ unit: "binary", minLength: 1 })
      .map(withoutUnsafe)
      .filter((text) => text !== "");
    const output = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\0]/g, ""));
    const code = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(
        fc.nat(),
        name,
        fc.oneof(name, fc.constant("")),
        code,
        output,
        (time, host, service, code, output) => {
          const result = { time, host, service, code, output };
          expect(parseNagiosCommand(`${renderNagiosCommand(result)}\n`)).toEqual(result);
        },
      ),
    );
  });

  it("is read in time for any line", () => {
    const part = fc.constantFrom(
      "[1] ",
      "PROCESS_SERVICE_CHECK_RESULT;",
      "PROCESS_HOST_CHECK_RESULT;",
      "\\",
      ";",
      "0",
      "x",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 500 }), (parts) => {
        parseNagiosCommand(parts.join(""));
      }),
    );
  });
});

describe("output on one line", () => {
  it("has no newline and no NUL", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeNagiosOutput(text)).not.toMatch(/[\r\n\0]/);
      }),
    );
  });
});

function sent(host: string, service: string, output: string): NagiosResult {
  return { time: 1, host, service, code: 0, output };
}

function withoutUnsafe(text: string): string {
  return text.replaceAll(/[;\p{Cc}\u2028\u2029]/gu, "");
}
