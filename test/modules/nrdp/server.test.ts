import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { PB, StatusCode, SubmitResponse } from "../../../src/wire/messages.js";
import { writeJsonDocument } from "../../../src/wire/nrdp/json-document.js";
import { writeXmlDocument } from "../../../src/wire/nrdp/xml-document.js";
import { deferred } from "../../support/kernel.js";
import { type NrdpGateway, startNrdpServer } from "./nrdp-gateway.js";

const declaration = '<?xml version="1.0" encoding="utf-8"?>\n';
const xmlAnswer = (status: number, message: string, more = "") =>
  `${declaration}<result>\n    <status>${status}</status>\n    <message>${message}</message>\n${more}</result>\n`;
const taken = (count: number) =>
  xmlAnswer(0, "OK", `    <meta>\n        <output>${count} checks processed</output>\n    </meta>\n`);
const information = (text: string) => `    <information>${text}</information>\n`;

const results = [
  {
    type: "service",
    hostname: "web1",
    servicename: "disk",
    state: 2,
    output: "96% full|used=96%;80;90",
    time: undefined,
  },
  { type: "host", hostname: "router", servicename: "", state: 1, output: "down", time: undefined },
] as const;
const rows = ["web1;disk;2;96% full|'used'=96%;80;90", "router;;1;down"];
const xml = writeXmlDocument(results);

const post = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields) });
const submit = (gateway: NrdpGateway, fields: Record<string, string> = {}) =>
  gateway.request("/nrdp/", post({ token: "secret", cmd: "submitcheck", XMLDATA: xml, ...fields }));

describe("senders deliver their results", () => {
  test("as NSClient++ does", async () => {
    const gateway = await startNrdpServer();
    const document = xml.replaceAll("%", "%25").replaceAll("&", "%26").replaceAll(";", "%3B");
    const body = `XMLDATA=${document.replaceAll("<", "%3C").replaceAll(" ", "%20")}&cmd=submitcheck&token=secret`;
    const answer = await gateway.raw(
      `POST /nrdp/server/ HTTP/1.0\r\nHost: gateway\r\nAccept: */*\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-type: text\/xml;charset=UTF-8\r\n/);
    expect(answer.split("\r\n\r\n")[1]).toBe(taken(2));
    expect(gateway.submissions).toEqual([rows]);
  });

  test("as send_nrdp.sh does, with XML that is not encoded, at the URL with one slash too many", async () => {
    const gateway = await startNrdpServer();
    const document =
      `<?xml version='1.0'?>\n<checkresults>\n    <checkresult type="service" checktype="1">\n        <hostname>web1</hostname>\n` +
      '        <servicename>disk</servicename>\n        <state>2</state>\n        <output><![CDATA[5% free, a=b %26 "c" %3Ctag%3E|used=95%]]></output>\n    </checkresult>\n</checkresults>';
    const answer = await gateway.request("/nrdp//", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `token=secret&cmd=submitcheck&xml=${document}`,
    });
    expect(answer).toEqual({ status: 200, type: "text/xml;charset=UTF-8", body: taken(1) });
    expect(gateway.submissions).toEqual([["web1;disk;2;5% free, a=b & \"c\" <tag>|'used'=95%"]]);
  });

  test("as send_nrdp.sh does from its standard input, where an & cuts the document", async () => {
    const gateway = await startNrdpServer();
    const answer = await gateway.request("/nrdp/", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "token=secret&cmd=submitcheck&xml=<checkresults><checkresult><hostname>h</hostname><state>0</state><output>a & b</output>",
    });
    expect(answer.body).toBe(
      xmlAnswer(-1, "BAD XML", information("Missing end tag for element output (line 1, column 74)")),
    );
    expect(gateway.submissions).toEqual([]);
  });

  test("as send_nrdp.py does, with a long document in the URL", async () => {
    const gateway = await startNrdpServer();
    const long = Array.from({ length: 300 }, (_, index) => ({ ...results[0], servicename: `disk ${index}` }));
    const query = new URLSearchParams({ token: "secret", cmd: "submitcheck", XMLDATA: writeXmlDocument(long) });
    expect(query.toString().length).toBeGreaterThan(64 * 1024);
    expect(await gateway.request(`/nrdp?${query}`)).toMatchObject({ status: 200, body: taken(300) });
    expect(gateway.submissions[0]).toHaveLength(300);
  });

  test("as send_nrdp.php does", async () => {
    const gateway = await startNrdpServer();
    const init = { ...post({ token: "secret", cmd: "submitcheck", xml }), headers: { accept: "text/*" } };
    expect(await gateway.request("/nrdp/", init)).toMatchObject({ status: 200, body: taken(2) });
    expect(gateway.submissions).toEqual([rows]);
  });

  test("as agents do, in JSON", async () => {
    const gateway = await startNrdpServer();
    const fields = { token: "secret", cmd: "submitcheck", JSONDATA: writeJsonDocument(results) };
    expect(await gateway.request("/nrdp/", post(fields))).toEqual({
      status: 200,
      type: "application/json",
      body: '{"result":{"status":0,"message":"OK","meta":{"output":"2 checks processed"}}}',
    });
    expect(gateway.submissions).toEqual([rows]);
  });

  test("with the times at which their checks ran, but none from the future", async () => {
    const gateway = await startNrdpServer();
    const before = Date.now();
    const timed = [1_700_000_000, undefined, 4_000_000_000].map((time) => ({ ...results[1], time }));
    await submit(gateway, { XMLDATA: writeXmlDocument(timed) });
    const [first, second, third = ""] = gateway.submissions[0] ?? [];
    expect([first, second]).toEqual(["router;;1;down @1700000000000", "router;;1;down"]);
    expect(Number(third.split("@")[1])).toBeGreaterThanOrEqual(before);
    expect(Number(third.split("@")[1])).toBeLessThanOrEqual(Date.now());
    await gateway.reload("allow old results = false");
    await submit(gateway, { XMLDATA: writeXmlDocument(timed.slice(0, 1)) });
    expect(gateway.submissions[1]).toEqual(["router;;1;down"]);
  });

  test("with states that are none, which are UNKNOWN, and empty lists", async () => {
    const gateway = await startNrdpServer();
    await submit(gateway, { XMLDATA: writeXmlDocument([{ ...results[0], state: 7 }]) });
    expect(gateway.submissions).toEqual([[rows[0]?.replace(";2;", ";3;")]]);
    expect((await submit(gateway, { XMLDATA: "<checkresults/>" })).body).toBe(taken(0));
  });

  test("and hear that only when somebody has accepted them", async () => {
    const gateway = await startNrdpServer();
    const accepted = deferred<SubmitResponse[]>();
    const asked = deferred<void>();
    gateway.takeWith(() => {
      asked.resolve();
      return accepted.promise;
    });
    let isAnswered = false;
    const answer = submit(gateway).finally(() => {
      isAnswered = true;
    });
    await asked.promise;
    expect(isAnswered).toBe(false);
    accepted.resolve([SubmitResponse.create()]);
    expect((await answer).body).toBe(taken(2));
  });
});

describe("senders whose results were not accepted", () => {
  test("are told so by HTTP too, with the reason, and keep them", async () => {
    const gateway = await startNrdpServer();
    gateway.takeWith(() => {
      throw new Error("The spool is full: 1000 results.");
    });
    const reason = "Failed to process submission on inbox: The spool is full: 1000 results.";
    expect(await submit(gateway)).toEqual({ status: 503, type: "text/xml;charset=UTF-8", body: xmlAnswer(-1, reason) });
    expect(await submit(gateway, { output_type: "TYPE_JSON", XMLDATA: "", json: writeJsonDocument(results) })).toEqual({
      status: 503,
      type: "application/json",
      body: JSON.stringify({ result: { status: -1, message: reason } }),
    });
    expect(gateway.audited.map(({ action, outcome, reason: why }) => [action, outcome, why])).toEqual([
      ["submit", "failed", reason],
      ["submit", "failed", reason],
    ]);
  });

  test("are told so also when only some of them were refused", async () => {
    const gateway = await startNrdpServer();
    gateway.takeWith(() => [
      SubmitResponse.create(),
      SubmitResponse.create({ result: PB.Common.Result.create({ code: StatusCode.STATUS_ERROR, message: "No room" }) }),
    ]);
    expect(await submit(gateway)).toMatchObject({ status: 503, body: xmlAnswer(-1, "No room") });
  });

  test("are told so when nobody listens to the channel", async () => {
    const gateway = await startNrdpServer("inbox = nobody");
    expect(await submit(gateway)).toMatchObject({
      status: 503,
      body: xmlAnswer(-1, "Failed to submit message: nobody"),
    });
  });

  test("are told so when it takes too long", async () => {
    const gateway = await startNrdpServer("timeout = 50ms");
    gateway.takeWith(() => new Promise(() => {}));
    expect(await submit(gateway)).toMatchObject({
      status: 503,
      body: xmlAnswer(-1, "The results were not accepted within 0.05 s."),
    });
  });

  test("are told so while the gateway stops, which lets those finish that came before", async () => {
    const gateway = await startNrdpServer();
    const accepted = deferred<SubmitResponse[]>();
    const asked = deferred<void>();
    gateway.takeWith(() => {
      asked.resolve();
      return accepted.promise;
    });
    const port = gateway.port;
    const early = submit(gateway);
    await asked.promise;
    // A second connection that is open already, with the head of its request under way.
    const late = connect(port, "127.0.0.1");
    await once(late, "connect");
    late.write("GET /nrdp/?token=secret&cmd=submitcheck HTTP/1.1\r\nHost: x\r\n");
    await gateway.request("/nrdp/?cmd=hello");
    const stopping = gateway.stop();
    late.write("\r\n");
    const [head] = await once(late.setEncoding("utf8"), "data");
    expect(head).toMatch(/^HTTP\/1\.1 503 /);
    expect(head).toContain(xmlAnswer(-1, "The gateway is shutting down."));
    accepted.resolve([SubmitResponse.create()]);
    expect((await early).body).toBe(taken(2));
    await stopping;
  });
});

describe("what is wrong with a request is told in NRDP's words", () => {
  test.each([
    ["no token", { cmd: "submitcheck" }, xmlAnswer(-1, "NO TOKEN")],
    ["a wrong token", { cmd: "submitcheck", token: "wrong" }, xmlAnswer(-1, "BAD TOKEN")],
    [
      "a wrong token in JSON",
      { cmd: "submitcheck", token: "x", json: "{" },
      '{"result":{"status":-1,"message":"BAD TOKEN"}}',
    ],
    [
      "no document",
      { cmd: "submitcheck", token: "secret" },
      xmlAnswer(-1, "BAD XML", information("There is no document")),
    ],
    [
      "bad JSON",
      { cmd: "submitcheck", token: "secret", json: "{" },
      '{"result":{"status":-1,"message":"BAD JSON","information":"Syntax error"}}',
    ],
    [
      "XML where JSON is wanted",
      { cmd: "submitcheck", token: "secret", XMLDATA: xml, output_type: "TYPE_JSON" },
      '{"result":{"status":-1,"message":"BAD JSON","information":"There is no document"}}',
    ],
    [
      "a name with a line end",
      {
        cmd: "submitcheck",
        token: "secret",
        json: '{"checkresults":[{"hostname":"a","state":0},{"hostname":"a\\nb=c","state":0}]}',
        pretty: "1",
      },
      JSON.stringify(
        {
          result: {
            status: -1,
            message: "BAD JSON",
            information: 'Result 2 has a control character in its hostname "a?b=c"',
          },
        },
        undefined,
        4,
      ),
    ],
    [
      "commands",
      { cmd: "submitcmd", token: "secret", command: "SHUTDOWN_PROGRAM" },
      xmlAnswer(-1, "COMMANDS DISABLED"),
    ],
    ["commands without a token", { cmd: "submitcmd", command: "SHUTDOWN_PROGRAM" }, xmlAnswer(-1, "NO TOKEN")],
    ["an unknown request", { cmd: "reboot", token: "secret" }, "No command specified or request handler"],
    ["an unknown request without a token", { cmd: "reboot" }, xmlAnswer(-1, "NO TOKEN")],
  ])("%s", async (_what, fields, body) => {
    const gateway = await startNrdpServer();
    expect(await gateway.request("/nrdp/", post(fields as Record<string, string>))).toMatchObject({
      status: 200,
      body,
    });
    expect(gateway.submissions).toEqual([]);
  });

  test("no tokens", async () => {
    const gateway = await startNrdpServer("", "");
    expect((await submit(gateway)).body).toBe(xmlAnswer(-1, "NO TOKENS"));
  });

  test("multipart forms, bodies that are too large, other methods and other paths", async () => {
    const gateway = await startNrdpServer("body limit = 1k");
    const form = new FormData();
    form.set("token", "secret");
    expect(await gateway.request("/nrdp/", { method: "POST", body: form })).toMatchObject({
      status: 415,
      body: xmlAnswer(-1, "The form has to be application/x-www-form-urlencoded."),
    });
    expect(await submit(gateway, { XMLDATA: "x".repeat(2000) })).toMatchObject({
      status: 413,
      body: xmlAnswer(-1, "The request is larger than 1024 bytes."),
    });
    expect(await gateway.request("/nrdp/", { method: "PUT", body: "x" })).toMatchObject({ status: 405 });
    expect(await gateway.request("/other/?cmd=hello")).toMatchObject({ status: 404 });
    expect(await gateway.request("/nrdpx")).toMatchObject({ status: 404 });
  });
});

describe("a request", () => {
  test("without a command shows people a form", async () => {
    const gateway = await startNrdpServer();
    expect(await gateway.request("/nrdp/server")).toMatchObject({
      status: 200,
      type: "text/html;charset=UTF-8",
      body: expect.stringMatching(/^<!DOCTYPE html>.*<form method="post".*<\/html>\n$/s),
    });
  });

  test("that says hello is greeted without a token", async () => {
    const gateway = await startNrdpServer();
    const hello = `${declaration}<response>\n    <status>0</status>\n    <message>OK</message>\n    <product>nrdp</product>\n    <version>2.0.5</version>\n</response>\n`;
    expect(await gateway.request("/nrdp/?cmd=HELLO")).toEqual({
      status: 200,
      type: "text/xml;charset=UTF-8",
      body: hello,
    });
    expect(await gateway.request("/nrdp/?cmd=hello&debug=text")).toMatchObject({
      type: "text/plain;charset=UTF-8",
      body: hello,
    });
    expect(await gateway.request("/nrdp/?cmd=hello&debug=1")).toMatchObject({ type: "text/html;charset=UTF-8" });
    expect((await gateway.request("/nrdp/?cmd=hello&output_type=TYPE_JSON")).body).toBe(
      '{"response":{"status":0,"message":"OK","product":"nrdp","version":"2.0.5"}}',
    );
  });

  test("has its parameters from the body first, then from the URL", async () => {
    const gateway = await startNrdpServer();
    const path = "/nrdp/?token=wrong&cmd=hello";
    expect((await gateway.request(path, post({ token: "secret", cmd: "submitcheck", xml }))).body).toBe(taken(2));
    expect((await gateway.request("/nrdp/?token=secret&cmd=submitcheck", post({ xml }))).body).toBe(taken(2));
  });
});

describe("Nagios commands, when they are allowed,", () => {
  const commands = (gateway: NrdpGateway, ...list: string[]) => {
    const body = new URLSearchParams({ token: "secret", cmd: "submitcmd" });
    for (const command of list) body.append("command[]", command);
    return gateway.request("/nrdp/", { method: "POST", body });
  };

  test("bring results", async () => {
    const gateway = await startNrdpServer("allow submitcmd = true");
    const answer = await commands(
      gateway,
      "[1700000000] PROCESS_SERVICE_CHECK_RESULT;web1;disk;2;full; really|used=96%\\nlong",
      "[1700000000] PROCESS_HOST_CHECK_RESULT;router;1;down",
    );
    expect(answer.body).toBe(xmlAnswer(0, "OK"));
    expect(gateway.submissions).toEqual([
      ["web1;disk;2;full; really|'used'=96%\nlong @1700000000000", "router;;1;down @1700000000000"],
    ]);
    expect(
      (
        await gateway.request(
          "/nrdp/",
          post({ token: "secret", cmd: "submitcmd", command: "PROCESS_HOST_CHECK_RESULT;router;0;up" }),
        )
      ).body,
    ).toBe(xmlAnswer(0, "OK"));
    expect(gateway.submissions[1]?.[0]).toMatch(/^router;;0;up @\d+$/);
  });

  test("of any other kind are refused, and those with them", async () => {
    const gateway = await startNrdpServer("allow submitcmd = true");
    const answer = await commands(gateway, "PROCESS_HOST_CHECK_RESULT;router;0;up", "[1] SHUTDOWN_PROGRAM\n");
    expect(answer.body).toBe(
      xmlAnswer(-1, "DENIED TOKEN", information('Command 2 brings no result of a check: "[1] SHUTDOWN_PROGRAM"')),
    );
    expect((await commands(gateway, "PROCESS_HOST_CHECK_RESULT;rou\tter;0;up")).body).toContain("DENIED TOKEN");
    expect((await commands(gateway, " ")).body).toBe(xmlAnswer(-1, "NO COMMAND"));
    expect(gateway.submissions).toEqual([]);
  });
});

describe("tokens", () => {
  const sections = `
[/settings/NRDP/server/tokens]
web = secret
[/settings/NRDP/server/tokens/far]
token = far away
allowed hosts = 192.0.2.1
[/settings/NRDP/server/tokens/narrow]
token = narrow
role = narrow
`;

  test("give their sender a name in the audit", async () => {
    const gateway = await startNrdpServer("", sections);
    await submit(gateway);
    expect(gateway.audited).toMatchObject([
      {
        action: "submit",
        outcome: "ok",
        objects: ["inbox"],
        principal: { name: "token:web", kind: "token" },
        peer: "127.0.0.1",
        frontEnd: "nrdp",
      },
    ]);
  });

  test("count only from the hosts that they are for", async () => {
    const gateway = await startNrdpServer("", sections);
    expect((await submit(gateway, { token: "far away" })).body).toBe(xmlAnswer(-1, "BAD TOKEN"));
    expect(gateway.audited).toMatchObject([
      {
        action: "login",
        outcome: "denied",
        reason: "The token far may not be used from 127.0.0.1.",
        principal: { name: "token:far" },
      },
    ]);
  });

  test("need a role that allows to submit to the channel", async () => {
    const gateway = await startNrdpServer("", sections);
    expect(gateway.logLines.join("\n")).toContain(
      'The role "narrow" of the token narrow does not allow it to submit to inbox',
    );
    const answer = await submit(gateway, { token: "narrow" });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toBe(
      xmlAnswer(-1, "DENIED TOKEN", information("Permission denied: token:narrow is not allowed to submit to inbox")),
    );
    expect(gateway.audited).toMatchObject([
      { action: "submit", outcome: "denied", principal: { name: "token:narrow" } },
    ]);
  });

  test("that are guessed block the address, but not those who know one", async () => {
    const gateway = await startNrdpServer();
    for (let guess = 0; guess < 4; guess++) await submit(gateway, { token: `guess ${guess}` });
    expect(gateway.audited.map(({ reason }) => reason)).toEqual([
      ...Array.from({ length: 3 }, () => "The token is not known."),
      "Too many failed logins from 127.0.0.1; try again in 60 s.",
    ]);
    expect((await submit(gateway)).body).toBe(taken(2));
  });

  test.each([
    ["[/settings/NRDP/server/tokens/a]\nrole = full", "The token of /settings/NRDP/server/tokens/a is empty."],
    ["[/settings/NRDP/server/tokens]\na = same\nb = same", "The senders a and b have the same token."],
  ])("that can't be meant keep the server from starting: %s", async (sections, problem) => {
    await expect(startNrdpServer("", sections)).rejects.toThrow(problem);
  });
});

describe("the server", () => {
  test("takes changed tokens, paths and channels while it runs, and a changed limit by a start of its own", async () => {
    const gateway = await startNrdpServer();
    const { port } = gateway;
    expect(await gateway.reload("path = /submit", "[/settings/NRDP/server/tokens]\nweb = other")).toBe(true);
    expect(gateway.port).toBe(port);
    expect(await gateway.request("/submit/", post({ token: "other", cmd: "submitcheck", xml }))).toMatchObject({
      body: taken(2),
    });
    expect(await gateway.request("/nrdp/?cmd=hello")).toMatchObject({ status: 404 });
    expect(await gateway.reload("body limit = 10")).toBe(true);
    expect(await submit(gateway)).toMatchObject({ status: 413 });
  });

  test("does not let hosts in that are not allowed", async () => {
    const gateway = await startNrdpServer("allowed hosts = 192.0.2.0/24");
    await expect(gateway.request("/nrdp/?cmd=hello")).rejects.toThrow();
    expect(gateway.logLines.join("\n")).toContain(
      "Refused the connection of 127.0.0.1: it is not one of the allowed hosts",
    );
  });

  test("cuts off who says nothing, who never finishes its head, and who never finishes its body", async () => {
    const gateway = await startNrdpServer("handshake timeout = 100ms\ntimeout = 200ms");
    expect(await gateway.raw("")).toBe("");
    expect(await gateway.raw("GET /nrdp/?cmd=hello HTTP/1.1\r\nHost:")).toMatch(/^(HTTP\/1\.1 408 .*)?$/s);
    expect(await gateway.raw("POST /nrdp/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=")).toMatch(
      /^(HTTP\/1\.1 408 .*)?$/s,
    );
  });

  test("gives up a request that arrives slowly for one that comes when there are too many", async () => {
    const gateway = await startNrdpServer("max requests = 1");
    const slow = connect(gateway.port, "127.0.0.1");
    const displaced = new Promise((resolve) => slow.once("close", resolve));
    slow.on("error", () => {}).resume();
    slow.write("POST /nrdp/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
    await once(slow, "data");
    expect((await submit(gateway)).body).toBe(taken(2));
    await displaced;
  });

  test("forgets requests that wait behind another one of a connection that is closed", async () => {
    const gateway = await startNrdpServer("max requests = 2");
    const gate = deferred<SubmitResponse[]>();
    const asked = deferred<void>();
    gateway.takeWith(() => {
      asked.resolve();
      return gate.promise;
    });
    const impatient = connect(gateway.port, "127.0.0.1");
    impatient.on("error", () => {}).resume();
    const first = `token=secret&cmd=submitcheck&XMLDATA=${encodeURIComponent(xml)}`;
    const head = `POST /nrdp/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${first.length}\r\n\r\n`;
    impatient.write(`${head}${first}GET /nrdp/?cmd=hello HTTP/1.1\r\nHost: x\r\n\r\n`);
    await asked.promise;
    impatient.destroy();
    await expect.poll(() => gateway.status()).toContain("0 connections");
    gate.resolve([SubmitResponse.create()]);
    await expect.poll(async () => (await submit(gateway)).status).toBe(200);
    expect((await Promise.all([submit(gateway), submit(gateway)])).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("refuses more requests and connections than it may have", async () => {
    const gateway = await startNrdpServer("max requests = 1\nmax connections = 2");
    const accepted = deferred<SubmitResponse[]>();
    const asked = deferred<void>();
    gateway.takeWith(() => {
      asked.resolve();
      return accepted.promise;
    });
    const first = submit(gateway);
    await asked.promise;
    expect(await gateway.raw("GET /nrdp/?cmd=hello HTTP/1.1\r\nHost: x\r\n\r\n")).toContain(
      xmlAnswer(-1, "Too many requests are under way."),
    );
    const second = connect(gateway.port, "127.0.0.1");
    await once(second, "connect");
    second.write("GET /nrdp/?cmd=hello HTTP/1.1\r\n");
    const displaced = new Promise((resolve) => second.once("close", resolve));
    second.on("error", () => {}).resume();
    expect(await gateway.raw("GET /nrdp/?cmd=hello HTTP/1.1\r\nHost: x\r\n\r\n")).toContain(
      xmlAnswer(-1, "Too many requests are under way."),
    );
    await displaced;
    accepted.resolve([SubmitResponse.create()]);
    expect((await first).body).toBe(taken(2));
  });
});
