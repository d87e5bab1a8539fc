import { expect, test } from "vitest";
import { run } from "../support/gateway-process.js";
import { startPolledGateway } from "../support/polled-gateway.js";
import { checkNscpApi, needPeer } from "./peers.js";

const password = "default-password";

/** Runs Icinga's plugin and gives what it printed and its exit code. */
async function check(plugin: string, port: number, query: string, args: readonly string[] = [], secret = password) {
  const words = args.length === 0 ? [] : ["-a", ...args];
  const server = ["-H", "127.0.0.1", "-P", String(port), "--password", secret];
  const done = await run(plugin, [...server, "-q", query, ...words]);
  return { code: done.code, output: done.stdout.replace(/\n$/, ""), problem: done.stderr.trim() };
}

test("Icinga's check_nscp_api runs checks unchanged", async (context) => {
  const plugin = needPeer(checkNscpApi, context);
  const { port } = await startPolledGateway();
  const rows: { query: string; args?: readonly string[]; code: number; output: string }[] = [
    {
      query: "mock_query",
      code: 0,
      output: "mock_query mock_query:: | 'a label'=30Z;20;30;10;50 'another label'=33Z;20;30 ",
    },
    { query: "state", args: ["0", "fine"], code: 0, output: "state fine | " },
    { query: "state", args: ["1", "slow"], code: 1, output: "state slow | " },
    { query: "State", args: ["2", "down"], code: 2, output: "state down | " },
    { query: "state", args: ["3", "who knows"], code: 3, output: "state who knows | " },
    { query: "no_such", code: 3, output: "no_such Unknown command(s): no_such | " },
    {
      query: "mock_alias",
      code: 0,
      output: "mock_query mock_query::of,the,alias | 'a label'=30Z;20;30;10;50 'another label'=33Z;20;30 ",
    },
    { query: "echo_alias", code: 1, output: "check_warning hello | " },
    { query: "rows", code: 2, output: "rows first row\nsecond row | 'x'=1;; " },
    {
      query: "lines",
      code: 2,
      output: "lines one  | 'b'=2;; 'a'=1s;; \nlines two | \nlines  three | 'c'=U;; ",
    },
    {
      query: "perf",
      code: 1,
      output:
        "perf gemessen: Größe | 'Größe ü'=33.500000%;4:5;@1:2;0;100 'none'=U;; 'neg'=-3;;90 " +
        "'third'=0.333333;; 'large'=12345678901B;1;;0 ",
    },
    {
      query: "many",
      code: 0,
      output: `many many | ${Array.from({ length: 1000 }, (_, index) => `'n${index}'=${index};; `).join("")}`,
    },
    {
      query: "json",
      args: [
        "warning=load > 75",
        "show-all",
        "empty=",
        "a=b=c",
        "time=5m",
        "time=1m",
        "+&%;,!'()*:@/?-._~ä€\"\\",
        "Größe=µ",
      ],
      code: 0,
      output: `json ${JSON.stringify([
        ...["warning=load > 75", "show-all", "empty", "a=b=c", "time=5m", "time=1m"],
        ...["+&%;,!'()*:@/?-._~ä€\"\\", "Größe=µ"],
      ])} | `,
    },
  ];
  for (const { query, args, code, output } of rows) {
    expect({ query, ...(await check(plugin, port, query, args)) }).toEqual({ query, code, output, problem: "" });
  }
});

test("check_nscp_api is UNKNOWN when it is not let in", async (context) => {
  const plugin = needPeer(checkNscpApi, context);
  const { port } = await startPolledGateway();
  const refused = await check(plugin, port, "check_ok", [], "wrong");
  // What follows are words of its JSON library.
  const [problem] = refused.problem.split(", error:");
  expect([refused.code, refused.output, problem]).toEqual([
    ...[3, ""],
    "UNKNOWN - Cannot parse JSON response body '403 You're not allowed'",
  ]);
});
