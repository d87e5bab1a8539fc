import { expect, test } from "vitest";
import { pollWithNscWeb } from "../support/nsc-web-poller.js";
import { startPolledGateway } from "../support/polled-gateway.js";

const password = "default-password";

test("check_nsc_web gets states, texts and performance data in both of its modes", async () => {
  const { port } = await startPolledGateway();
  const poll = (api: "" | "1", ...words: readonly string[]) =>
    pollWithNscWeb({ port, password, api, arguments: words });
  const rows: { words: readonly string[]; code: number; output: string; versioned?: string }[] = [
    {
      words: ["mock_query", "a=b", "show-all", "c=", "warning=load > 75", "d=x=y&z;+%ä"],
      code: 0,
      output:
        "mock_query::a=b,show-all,c,warning=load > 75,d=x=y&z;+%ä " +
        "|'a label'=30Z;20;30;10;50 'another label'=33Z;20;30;;",
    },
    { words: ["state", "0"], code: 0, output: "" },
    { words: ["state", "1", "slow"], code: 1, output: "slow" },
    { words: ["STATE", "2", "down"], code: 2, output: "down" },
    { words: ["state", "3", "who knows"], code: 3, output: "who knows" },
    { words: ["no_such"], code: 3, output: "Unknown command(s): no_such" },
    { words: ["echo_alias"], code: 1, output: "hello" },
    { words: ["rows"], code: 2, output: "first row\nsecond row |'x'=1;;;;" },
    {
      words: ["lines"],
      code: 2,
      output: "onetwothree |'b'=2;;;; 'a'=1s;;;; 'c'=U;;;;",
      versioned: "onetwothree |'a'=1s;;;; 'b'=2;;;; 'c'=U;;;;",
    },
    {
      words: ["perf"],
      code: 1,
      output:
        "gemessen: Größe |'Größe ü'=33.5%;4:5;@1:2;0;100 'none'=U;;;; 'neg'=-3;;90;; 'third'=0.3333333;;;; " +
        "'large'=12345678901B;1;;0;",
      versioned:
        "gemessen: Größe |'Größe ü'=33.5%;4:5;@1:2;0;100 'large'=12345678901B;1;;0; 'neg'=-3;;90;; 'none'=U;;;; " +
        "'third'=0.3333333;;;;",
    },
  ];
  for (const { words, code, output, versioned = output } of rows) {
    expect([await poll("", ...words), await poll("1", ...words)]).toEqual([
      { code, output },
      { code, output: versioned },
    ]);
  }
  const many = Array.from({ length: 1000 }, (_, index) => `'n${index}'=${index};;;;`);
  expect([await poll("", "many"), await poll("1", "many")]).toEqual([
    { code: 0, output: `many |${many.join(" ")}` },
    { code: 0, output: `many |${many.toSorted((left, right) => (left < right ? -1 : 1)).join(" ")}` },
  ]);
});

test("check_nsc_web learns what is wrong: the password, the user, the address, the path", async () => {
  const { port } = await startPolledGateway();
  const refused = { code: 3, output: "RESPONSE-ERROR: http request failed: 403 Forbidden" };
  const ask = (more: Partial<Parameters<typeof pollWithNscWeb>[0]>) =>
    pollWithNscWeb({ port, password, arguments: ["check_ok"], ...more });
  expect({
    reachable: await ask({ arguments: [] }),
    "base address with a slash": await ask({ basePath: "/" }),
    "versioned, with a slash": await ask({ basePath: "/", api: "1" }),
    "without a login": await ask({ api: "1", login: "" }),
    "wrong password": await ask({ password: "wrong" }),
    "wrong password, versioned": await ask({ password: "wrong", api: "1" }),
    "unknown user": await ask({ api: "1", login: "nobody" }),
    "wrong path": await ask({ basePath: "/elsewhere" }),
  }).toEqual({
    reachable: { code: 0, output: "OK - REST API reachable on /" },
    "base address with a slash": { code: 0, output: "No message" },
    "versioned, with a slash": { code: 0, output: "No message" },
    "without a login": { code: 0, output: "No message" },
    "wrong password": refused,
    "wrong password, versioned": refused,
    "unknown user": refused,
    "wrong path": { code: 3, output: "RESPONSE-ERROR: http request failed: 404 Not Found" },
  });
});

test("a check that hangs is answered before check_nsc_web gives up", async () => {
  const { port } = await startPolledGateway();
  const hung = await pollWithNscWeb({ port, password, arguments: ["hangs"], timeout: 1 });
  expect([hung.code, hung.output.replace(/[\d.]+ s/, "… s")]).toEqual([3, "hangs timed out after … s"]);
});
