import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Call } from "../../src/kernel/call.js";
import { GatewayError } from "../../src/kernel/errors.js";
import { commandPolicy } from "../../src/kernel/policy.js";
import checkHelpers from "../../src/modules/check-helpers/index.js";
import { parseCommandLine } from "../../src/wire/command-line.js";
import {
  Line,
  PB,
  QueryRequest,
  type QueryResponse,
  ResultCode,
  StatusCode,
  type SubmitRequestMessage,
  SubmitResponse,
} from "../../src/wire/messages.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";
import { textResponse } from "../../src/wire/responses.js";
import { codeName } from "../../src/wire/result-code.js";
import { incoming, type KernelOptions, owner, poller, query } from "../support/kernel.js";
import { loadModule } from "../support/module-harness.js";

const scripts = owner(9, "NodeScript", "node");
const perf = "'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3";

/** The module with some checks to wrap. */
async function helpers(ini = "", options: KernelOptions = {}) {
  const parts = await loadModule(checkHelpers, ini, options);
  const { registry } = parts;
  registry.addQuery(scripts, "state", (request) =>
    textResponse(request, Number(request.arguments[0]), `args: ${request.arguments.join(",")}`),
  );
  registry.addQuery(scripts, "perf", (request) =>
    textResponse(request, ResultCode.WARNING, "measured", parsePerfdata(perf)),
  );
  registry.addQuery(scripts, "two_lines", (request) => ({
    ...textResponse(request, ResultCode.CRITICAL, "one\nmore", parsePerfdata("x=2")),
    lines: [
      Line.create({ message: "one\nmore", perf: parsePerfdata("x=2") }),
      Line.create({ message: "two", perf: parsePerfdata("y=1") }),
    ],
  }));
  registry.addQuery(scripts, "throws", () => {
    throw new Error("no luck");
  });
  return parts;
}

async function ask(
  parts: Awaited<ReturnType<typeof helpers>>,
  line: string | readonly string[],
  call: Call = incoming(),
) {
  const words = typeof line === "string" ? (parseCommandLine(line) as { words: readonly string[] }).words : line;
  const [command = "", ...args] = words;
  const message = await parts.core.query(query([QueryRequest.create({ id: 3, command, arguments: args })]), call);
  return message.payload[0] as QueryResponse;
}

const row = (answer: QueryResponse) =>
  `${answer.id} ${answer.command} ${codeName(answer.result)}: ${renderNagiosText(answer)}`;

describe.each<{ check: string; rows: readonly (readonly [line: string, expected: string])[] }>([
  {
    check: "fixed states",
    rows: [
      ["check_ok", "check_ok OK: No message"],
      ["CheckOK", "CheckOK OK: No message"],
      ["check_ok message=fine", "check_ok OK: fine"],
      ["check_ok --message fine", "check_ok OK: fine"],
      ["check_ok --message=fine", "check_ok OK: fine"],
      ["check_warning", "check_warning WARNING: No message"],
      ["CheckWarning message=", "CheckWarning WARNING: "],
      ["check_critical message=a=b", "check_critical CRITICAL: a=b"],
      ["CheckCritical", "CheckCritical CRITICAL: No message"],
      ["check_version", "check_version OK: 1.2.3"],
      ["CheckVersion", "CheckVersion OK: 1.2.3"],
      [
        "check_ok fine",
        "check_ok UNKNOWN: Unknown argument: fine\nUsage: check_ok [message=…]\n  message=… (No message) - The message",
      ],
      ["check_version x=1", "check_version UNKNOWN: Unknown argument: x=1\nUsage: check_version"],
      ["check_ok help-short", "check_ok OK: Answers OK and a message"],
      ["check_ok show-default", 'check_ok OK: "message=No message"'],
    ],
  },
  {
    check: "check_always",
    rows: [
      ["check_always_ok state 2 b", "check_always_ok OK: args: 2,b"],
      ["CheckAlwaysOK state 2", "CheckAlwaysOK OK: args: 2"],
      ["check_always_warning state 0", "check_always_warning WARNING: args: 0"],
      ["CheckAlwaysWARNING state 0", "CheckAlwaysWARNING WARNING: args: 0"],
      ["check_always_critical state 3", "check_always_critical CRITICAL: args: 3"],
      ["CheckAlwaysCRITICAL state 0", "CheckAlwaysCRITICAL CRITICAL: args: 0"],
      ["check_always_ok state 0 help --x command=y", "check_always_ok OK: args: 0,help,--x,command=y"],
      ["check_always_ok throws", "check_always_ok OK: Failed to process command throws: no luck"],
      ["check_always_ok none", "check_always_ok UNKNOWN: Unknown command(s): none"],
      [
        "check_always_ok",
        "check_always_ok UNKNOWN: command is missing\nUsage: check_always_ok [command …]\n  command … - The check to run and its arguments, one after the other",
      ],
      ["check_always_ok help-short", "check_always_ok OK: Runs a check and answers OK whatever its state"],
      ["check_always_ok check_always_critical state 1", "check_always_ok OK: args: 1"],
    ],
  },
  {
    check: "check_negate",
    rows: [
      ["check_negate command=state arguments=1", "check_negate WARNING: args: 1"],
      ["check_negate ok=warning warning=critical command=state arguments=0", "check_negate WARNING: args: 0"],
      ["check_negate ok=critical critical=ok command=state arguments=2 arguments=x", "check_negate OK: args: 2,x"],
      ["CheckNegate ok=c command=state arguments 0 help", "CheckNegate CRITICAL: args: 0,help"],
      ["check_negate --unknown 0 --command state --arguments 3 --y", "check_negate OK: args: 3,--y"],
      ["check_negate unknown=ok command=state arguments=7", "check_negate OK: args: 7"],
      ["check_negate unknown=ok command=none", "check_negate UNKNOWN: Unknown command(s): none"],
    ],
  },
  {
    check: "check_multi",
    rows: [
      [
        'check_multi "command=state 0" "command=state 2 x" "command=state 1"',
        "check_multi CRITICAL: args: 0, args: 2,x, args: 1",
      ],
      ['check_multi "command=state 2" command=none', "check_multi UNKNOWN: args: 2, Unknown command(s): none"],
      [
        'CheckMultiple "command=check_ok message=a" "separator= / " prefix=< suffix=> "command=check_ok message=b"',
        "CheckMultiple OK: <a / b>",
      ],
      ['CheckMulti "command=check_ok \\"message=a b\\""', "CheckMulti OK: a b"],
      [
        "check_multi command=two_lines command=perf",
        "check_multi CRITICAL: one, measured|'x'=2 'y'=1 'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3\nmore\ntwo",
      ],
    ],
  },
  {
    check: "check_timeout in time",
    rows: [
      ["check_timeout command=state arguments=1", "check_timeout WARNING: args: 1"],
      ["CheckTimeout timeout=500ms command=state arguments=1 return=critical", "CheckTimeout CRITICAL: args: 1"],
      ["check_timeout command=none return=ok", "check_timeout UNKNOWN: Unknown command(s): none"],
    ],
  },
  {
    check: "filter_perf",
    rows: [
      ["filter_perf command=perf", "filter_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3"],
      [
        "filter_perf sort=normal command=perf",
        "filter_perf WARNING: measured|'d'=-3 'a'=1%;80;90 'b'=2s;3;4:5;0;10 'c'=U",
      ],
      [
        "filter_perf sort=reverse command=perf",
        "filter_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90 'd'=-3 'c'=U",
      ],
      ["filter_perf sort=reversed limit=1 command=perf", "filter_perf WARNING: measured|'b'=2s;3;4:5;0;10"],
      ["filter_perf limit=2 command=perf", "filter_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90"],
      ["filter_perf limit=99 sort=normal command=two_lines", "filter_perf CRITICAL: one|'y'=1 'x'=2\nmore\ntwo"],
      ["filter_perf command=state arguments 0 sort=x", "filter_perf OK: args: 0,sort=x"],
      ["filter_perf command=none", "filter_perf UNKNOWN: Unknown command(s): none"],
    ],
  },
  {
    check: "render_perf",
    rows: [
      [
        "render_perf command=perf remove-perf",
        "render_perf WARNING: measured\nb\t2\ts\t3\t4:5\t0\t10\na\t1\t%\t80\t90\t\t\nc\tU\t\t\t\t\t\nd\t-3\t\t\t\t\t",
      ],
      ["render_perf command=check_ok", "render_perf OK: No message"],
      ['render_perf command=check_ok "empty-syntax=%(status) with ${count}"', "render_perf OK: OK with 0"],
      [
        [
          "render_perf",
          "command=perf",
          "remove-perf",
          "top-syntax=${status} ${count}/%(total) %(message): ${list}",
          "detail-syntax=${key}=%( value )${unit} [${min}..${max}] %(message)",
          "list-separator=; ",
        ] as unknown as string,
        "render_perf WARNING: WARNING 4/4 measured: b=2s [0..10] measured; a=1% [..] measured; c=U [..] measured; d=-3 [..] measured",
      ],
      [
        "render_perf top-syntax=%(list) detail-syntax=%(key) list-separator= command=two_lines",
        "render_perf CRITICAL: xy|'x'=2 'y'=1",
      ],
      ["render_perf command=none", "render_perf UNKNOWN: Unknown command(s): none"],
    ],
  },
  {
    check: "xform_perf",
    rows: [
      [
        "xform_perf command=perf",
        "xform_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3 'b max'=10s",
      ],
      [
        "xform_perf field=min command=perf replace=b=low",
        "xform_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3 'low'=0s",
      ],
      [
        "xform_perf command=perf replace=x=y",
        "xform_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90 'c'=U 'd'=-3 'b max'=10s",
      ],
      [
        "xform_perf mode=minmax command=perf",
        "xform_perf WARNING: measured|'b'=2s;3;4:5;0;10 'a'=1%;80;90;0;100 'c'=U 'd'=-3",
      ],
      ["xform_perf command=none", "xform_perf UNKNOWN: Unknown command(s): none"],
    ],
  },
])("$check", ({ rows }) => {
  test.each(rows)("%s", async (line, expected) => {
    expect(row(await ask(await helpers(), line))).toBe(`3 ${expected}`);
  });
});

describe("wrong arguments", () => {
  test.each([
    ["check_negate command=state ok=good", 'ok can\'t be "good": give ok, warning, critical or unknown'],
    ["check_negate ok=critical", "command is missing"],
    ["check_multi", "command is missing"],
    ["check_multi command=", "command is empty"],
    [["check_multi", 'command=a "b'], 'command can\'t be "a "b": a " is not closed'],
    ["check_timeout timeout=soon command=state", 'timeout can\'t be "soon": give seconds, or a time such as 2m'],
    ["check_timeout timeout=0 command=state", 'timeout can\'t be "0": give seconds, or a time such as 2m'],
    ["check_and_forward command=state", "target is missing"],
    ["filter_perf sort=size command=perf", 'sort can\'t be "size": give one of none, normal, reverse, reversed'],
    ["filter_perf limit=few command=perf", 'limit can\'t be "few": give a whole number, 0 or more'],
    [
      "render_perf command=perf top-syntax=%(key)",
      "top-syntax has an unknown keyword: key (there are message, status, count, total, list, detail_list)",
    ],
    [
      "render_perf command=perf detail-syntax=${list}",
      "detail-syntax has an unknown keyword: list (there are key, value, unit, warn, crit, min, max, message)",
    ],
    ["xform_perf command=perf mode=invent", 'mode can\'t be "invent": give one of extract, minmax'],
    ["xform_perf command=perf replace=b", 'replace can\'t be "b": write old=new'],
    ["xform_perf command=perf replace==b", 'replace can\'t be "=b": write old=new'],
  ])("%s", async (line, problem) => {
    const answer = await ask(await helpers(), line);
    expect([answer.result, renderNagiosText(answer).split("\n")[0]]).toEqual([ResultCode.UNKNOWN, problem]);
  });
});

describe("time limits", () => {
  test("a check that is late is aborted and UNKNOWN, whatever return says", async () => {
    const parts = await helpers();
    let signal: AbortSignal | undefined;
    parts.registry.addQuery(scripts, "hangs", (_request, call) => {
      signal = call.signal;
      return new Promise(() => {});
    });
    const pending = ask(parts, "check_timeout timeout=2 command=hangs return=ok");
    parts.clock.advance(1999);
    expect(signal?.aborted).toBe(false);
    parts.clock.advance(1);
    expect(row(await pending)).toBe("3 check_timeout UNKNOWN: Thread failed to return within given timeout");
    expect(signal?.reason).toEqual(new GatewayError("DEADLINE_EXCEEDED", "hangs took longer than 2"));
    expect(parts.clock.waiting).toBe(0);
  });

  test("a wrapper does not end a check that may take longer than others", async () => {
    const parts = await helpers("[/settings/check helpers/alias]\nslow = check_always_ok patient", {
      queryTimeoutMs: 1000,
    });
    let finish = () => {};
    parts.registry.addQuery(
      scripts,
      "patient",
      (request) =>
        new Promise((resolve) => (finish = () => resolve(textResponse(request, ResultCode.CRITICAL, "done")))),
      { timeoutMs: 5000 },
    );
    const pending = ask(parts, "slow");
    parts.clock.advance(4000);
    finish();
    expect(row(await pending)).toBe("3 slow OK: done");
  });

  test("the caller's deadline ends wrapper and check", async () => {
    const parts = await helpers();
    parts.registry.addQuery(scripts, "hangs", () => new Promise(() => {}));
    const pending = ask(parts, "check_always_ok hangs", incoming({ deadline: 1000 }));
    parts.clock.advance(1000);
    expect(row(await pending)).toBe("3 check_always_ok UNKNOWN: check_always_ok timed out after 1 s");
  });
});

describe("check_and_forward", () => {
  const { Result } = PB.Common;

  async function forwarding(code: StatusCode, message: string, data = "") {
    const parts = await helpers();
    const taken: SubmitRequestMessage[] = [];
    parts.registry.addChannel(scripts, "NSCA", (submission) => {
      taken.push(submission);
      return [SubmitResponse.create({ result: Result.create({ code, message, data }) })];
    });
    return { ...parts, taken };
  }

  test("submits the result under the name of the check, and says how that went", async () => {
    const parts = await forwarding(StatusCode.STATUS_OK, "Submission successful", "queued");
    expect(row(await ask(parts, "check_and_forward target=nsca command=perf"))).toBe(
      "3 check_and_forward OK: Message submitted: nsca (queued)",
    );
    expect(parts.taken.map(({ channel, payload }) => [channel, ...payload.map(row)])).toEqual([
      ["nsca", `3 perf WARNING: measured|${perf}`],
    ]);
  });

  test.each([
    ["check_and_forward target=nsca command=perf", "Failed to submit to nsca: receiver is down"],
    ["check_and_forward target=none command=perf", "Failed to submit to none: Failed to submit message: none"],
  ])("%s: %s", async (line, expected) => {
    const parts = await forwarding(StatusCode.STATUS_ERROR, "receiver is down");
    expect(row(await ask(parts, line))).toBe(`3 check_and_forward UNKNOWN: ${expected}`);
  });

  test("what did not run is not submitted", async () => {
    const parts = await forwarding(StatusCode.STATUS_OK, "");
    expect(row(await ask(parts, "CheckAndForward target=nsca command=none"))).toBe(
      "3 CheckAndForward UNKNOWN: Unknown command(s): none",
    );
    expect(parts.taken).toEqual([]);
  });

  test("a caller who may not submit is told", async () => {
    const parts = await forwarding(StatusCode.STATUS_OK, "");
    const call = incoming({ principal: poller("queries.*") });
    expect(row(await ask(parts, "check_and_forward target=nsca command=perf", call))).toBe(
      "3 check_and_forward UNKNOWN: Failed to submit to nsca: poller is not allowed to submit.",
    );
    expect(parts.taken).toEqual([]);
  });
});

describe("identity", () => {
  const ini = "[/settings/check helpers/alias]\nshort = state 0";

  test.each([
    "check_always_ok state 0",
    "check_negate command=state arguments=0",
    'check_multi "command=state 0"',
    "check_timeout command=state",
    "check_and_forward target=noop command=state",
    "filter_perf command=state",
    "render_perf command=state",
    "xform_perf command=state",
    "short",
  ])("%s does not reach a check that the caller has no grant for", async (line) => {
    const parts = await helpers(ini);
    const [wrapper = ""] = line.split(" ");
    const call = incoming({ principal: poller(`queries.execute:${wrapper}`, "submit") });
    expect(row(await ask(parts, line, call))).toBe(
      `3 ${wrapper} UNKNOWN: Permission denied: poller is not allowed to run state`,
    );
  });

  test("the wrapped check sees the caller, the front end and the header without its command", async () => {
    const parts = await helpers();
    const seen: unknown[] = [];
    parts.registry.addQuery(scripts, "who", (request, { principal, frontEnd, peer, caller }, header) => {
      seen.push([principal.name, frontEnd, peer, caller, header?.command, header?.messageId]);
      return textResponse(request, ResultCode.OK, "");
    });
    const message = query([QueryRequest.create({ arguments: ["who"] })], {
      command: "check_always_ok",
      messageId: "m",
    });
    await parts.core.query(message, incoming());
    expect(seen).toEqual([["poller", "grpc", "192.0.2.1", undefined, "", "m"]]);
  });

  test("the policy is held to the original caller", async () => {
    const policy = commandPolicy({
      enabled: true,
      allowExecute: true,
      policies: new Map([["grpc", ["CheckHelpers.*"]]]),
    });
    expect(row(await ask(await helpers("", { policy }), "check_always_ok state 0"))).toBe(
      "3 check_always_ok UNKNOWN: Permission denied: grpc:poller is not allowed to run state",
    );
  });
});

describe("aliases", () => {
  const ini = [
    "[/settings/check helpers/alias]",
    'Disk = state 1 "$ARG1$ of %ARG2%" %ARG3%',
    "all = state 0 $ARGS$",
    "check_ok = state 2",
    "loop = LOOP",
  ].join("\n");

  test.each([
    ["Disk /a", "Disk WARNING: args: 1,/a of %ARG2%,%ARG3%"],
    ["disk a b c d", "disk WARNING: args: 1,a of b,c"],
    ["ALL", "ALL OK: args: 0"],
    ['all a "b c"', "all OK: args: 0,a,b c"],
    ["check_ok", "check_ok OK: No message"],
    ["loop", "loop UNKNOWN: Failed to process command loop: Calls are nested deeper than 512."],
  ])("%s", async (line, expected) => {
    expect(row(await ask(await helpers(ini), line))).toBe(`3 ${expected}`);
  });

  test("a reload takes changed ones in place, and leaves them as they were when the new ones are wrong", async () => {
    const parts = await helpers("[/settings/check helpers/alias]\nold = state 0\nboth = state 0");
    parts.configure("[/settings/check helpers/alias]\nnew = state 1\nboth = state 1");
    expect(await parts.modules.reload("check helpers")).toBe(true);
    const answers = async () =>
      Promise.all(["old", "both", "new", "check_ok"].map(async (line) => row(await ask(parts, line))));
    const expected = [
      "3 old UNKNOWN: Unknown command(s): old",
      "3 both WARNING: args: 1",
      "3 new WARNING: args: 1",
      "3 check_ok OK: No message",
    ];
    expect(await answers()).toEqual(expected);
    parts.configure('[/settings/check helpers/alias]\nnew = state "1');
    await expect(parts.modules.reload("CheckHelpers")).rejects.toEqual(
      new GatewayError("CONFIGURATION", 'The alias new is wrong: not a command line: a " is not closed'),
    );
    expect(await answers()).toEqual(expected);
  });

  test.each([
    ['x = "state', 'not a command line: a " is not closed'],
    ["x = C:\\scripts\\x", "not a command line: \\s at 3 is no escape"],
    ["x =", "there is no command"],
  ])("%s keeps the module from loading and is named", async (line, problem) => {
    const parts = await loadModule(checkHelpers, `[/settings/check helpers/alias]\n${line}`);
    expect([parts.isLoaded, parts.registry.listQueries()]).toEqual([false, []]);
    expect(parts.log.of("error")).toEqual([
      `Failed to load module: CheckHelpers (check helpers): The alias x is wrong: ${problem}`,
    ]);
  });
});

test("every check has help, and its description for programs", async () => {
  const parts = await helpers();
  const names = parts.registry.listQueries().filter(({ owner: { name } }) => name === "CheckHelpers");
  expect(names.map(({ name }) => name)).toEqual([
    ...["check_always_critical", "check_always_ok", "check_always_warning", "check_and_forward", "check_critical"],
    ...["check_multi", "check_negate", "check_ok", "check_timeout", "check_version", "check_warning"],
    ...["filter_perf", "render_perf", "xform_perf"],
  ]);
  for (const { name, options } of names) {
    const help = await ask(parts, `${name} help`);
    expect([help.result, help.lines[0]?.message.split("\n").slice(0, 2)]).toEqual([
      ResultCode.OK,
      [options.description, expect.stringMatching(`^Usage: ${name}`)],
    ]);
    const { data } = await ask(parts, `${name} help-pb`);
    expect(data).toEqual(
      PB.Registry.ParameterDetails.encode(options.parameters ?? PB.Registry.ParameterDetails.create()).finish(),
    );
  }
});

test("the README's settings answer the README's queries", async () => {
  const readme = readFileSync(new URL("../../src/modules/check-helpers/README.md", import.meta.url), "utf8");
  const block = (language: string) => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)?.[1] ?? "";
  const parts = await helpers(block("ini"));
  const answers: string[] = [];
  for (const line of block("queries")
    .split("\n")
    .filter((text) => text.startsWith("> "))) {
    const answer = await ask(parts, line.slice(2));
    answers.push(line, `${codeName(answer.result)}: ${renderNagiosText(answer)}`);
  }
  expect(answers.length).toBeGreaterThan(8);
  expect(`${answers.join("\n")}\n`).toBe(block("queries"));
});
