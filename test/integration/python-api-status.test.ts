import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PythonConsole, startConsole } from "../support/python-api.js";

let python: PythonConsole;

beforeAll(async () => {
  python = await startConsole();
  await python.execute("import copy, pickle");
});

afterAll(() => python.stop());

/** Expressions and what they are. */
type Rows = readonly (readonly [expression: string, outcome: string])[];

function holds(rows: Rows): void {
  it.each(rows)("%s", async (expression, outcome) => {
    expect(await python.evaluate(expression)).toBe(outcome);
  });
}

describe("status", () => {
  holds([
    ["[int(s) for s in (status.OK, status.WARNING, status.CRITICAL, status.UNKNOWN)]", "[0, 1, 2, 3]"],
    ["str(status.OK)", "'OK'"],
    ["'%s %d' % (status.WARNING, status.WARNING)", "'WARNING 1'"],
    ["'{} {:>9}|{:d}'.format(status.CRITICAL, status.CRITICAL.name, status.CRITICAL)", "'CRITICAL  CRITICAL|2'"],
    ["f'{status.UNKNOWN}'", "'UNKNOWN'"],
    ["repr(status.OK)", "'NSCP.status.OK'"],
    ["status.OK.name", "'OK'"],
    [
      "status.names",
      "{'OK': NSCP.status.OK, 'WARNING': NSCP.status.WARNING, 'CRITICAL': NSCP.status.CRITICAL, 'UNKNOWN': NSCP.status.UNKNOWN}",
    ],
    ["status.values", "{0: NSCP.status.OK, 1: NSCP.status.WARNING, 2: NSCP.status.CRITICAL, 3: NSCP.status.UNKNOWN}"],
    ["status.names['OK'] is status.values[0] is status.OK", "True"],
    ["status.OK == 0 and status.WARNING < 2 and status.CRITICAL != 1 and 3 == status.UNKNOWN", "True"],
    ["hash(status.CRITICAL) == hash(2) and {2: 'x'}[status.CRITICAL]", "'x'"],
    ["bool(status.OK), bool(status.WARNING)", "(False, True)"],
    ["['a', 'b'][status.WARNING]", "'b'"],
    ["json.dumps([status.OK, {'s': status.UNKNOWN}])", "'[0, {\"s\": 3}]'"],
    [
      "type(status.OK + 1), type(status.WARNING | 2), max(status.OK, status.CRITICAL)",
      "(<class 'int'>, <class 'int'>, NSCP.status.CRITICAL)",
    ],
    ["status(1) == status.WARNING, status(1) is status.WARNING", "(True, False)"],
    ["str(status(1)), repr(status(1)), status(1).name", "('NSCP.status(1)', 'NSCP.status(1)', None)"],
    ["status(7), int(status(7)), str(status(-1))", "(NSCP.status(7), 7, 'NSCP.status(-1)')"],
    ["copy.deepcopy(status.OK) is status.OK and pickle.loads(pickle.dumps(status.WARNING)) is status.WARNING", "True"],
    ["isinstance(status.OK, int), status.__name__, status.__module__", "(True, 'status', 'NSCP')"],
  ]);
});

describe("the code of a submission", () => {
  it.each([
    ["status.CRITICAL", 2, []],
    ["1", 1, []],
    ["True", 1, []],
    ["status(2)", 2, []],
    ["7", 3, [["info", "service was submitted with the state 7: UNKNOWN"]]],
    ["-1", 3, [["info", "service was submitted with the state -1: UNKNOWN"]]],
    ["None", 3, [["info", "service was submitted with the state None: UNKNOWN"]]],
    ["'2'", 3, [["info", "service was submitted with the state '2': UNKNOWN"]]],
    ["1.0", 3, [["info", "service was submitted with the state 1.0: UNKNOWN"]]],
  ] as const)("%s is %d", async (code, state, log) => {
    await python.execute(`
got = []
registry.simple_subscription("codes", lambda channel, source, command, code, message, perf: got.append(code))`);
    python.logged();
    expect(await python.evaluate(`core.simple_submit("codes", "service", ${code}, "m", "")`)).toBe("(True, '')");
    expect(await python.evaluate("[int(code) for code in got], [type(code).__name__ for code in got]")).toBe(
      `([${state}], ['status'])`,
    );
    expect(python.logged()).toEqual(log);
  });
});
