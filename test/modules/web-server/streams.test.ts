import type { IncomingMessage } from "node:http";
import { expect, it, vi } from "vitest";
import { localPrincipal } from "../../../src/kernel/principal.js";
import { makeToken, serialiseTokens } from "../../../src/security/tokens.js";
import { Event, EventMessage, KeyValue } from "../../../src/wire/messages.js";
import { startWebServer, type WebRequestOptions } from "../../support/web-server.js";
import { problemAnswer } from "./problems.js";

type Web = Awaited<ReturnType<typeof startWebServer>>;
const path = "/api/v3/logs/stream";

/** A stream that is open: what comes, and what has come until it ended. */
async function open(web: Web, options: Partial<WebRequestOptions> = {}) {
  const answer: IncomingMessage = await web.send({ path, as: "admin", ...options });
  const waiting: { readonly until: string; readonly done: () => void }[] = [];
  const state = { text: "" };
  answer.setEncoding("utf8").on("data", (text: string) => {
    state.text += text;
    for (const { until, done } of waiting) if (state.text.includes(until)) done();
  });
  const ended = new Promise<void>((resolve) => answer.once("close", resolve));
  answer.on("error", () => {});
  const comes = (until: string) =>
    new Promise<void>((done) => {
      if (state.text.includes(until)) done();
      else waiting.push({ until, done });
    });
  await comes("retry: 3000\n\n");
  return { answer, state, ended, comes };
}

it("shows what is written to the log while it is open", async () => {
  const web = await startWebServer();
  const { answer, state, comes } = await open(web, { path: `${path}?level=warning,error` });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    ...{ "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    ...{ "transfer-encoding": "chunked", "x-content-type-options": "nosniff" },
  });
  web.log.info("not wanted");
  web.log.warn("nearly\nfull");
  await comes("full");
  const { index, time } = web.log.recent(1)[0] ?? { index: 0, time: 0 };
  const data = { index, time: new Date(time).toISOString(), level: "warning", sender: "core", message: "nearly\nfull" };
  expect(state.text.replace(/^id: \w+-/m, "id: ")).toBe(
    `retry: 3000\n\nid: ${index}\nevent: log\ndata: ${JSON.stringify(data)}\n\n`,
  );
});

it("goes on after the entry that was seen last", async () => {
  const web = await startWebServer();
  web.log.warn("one");
  const { index } = web.log.recent(1)[0] ?? { index: 0 };
  web.log.warn("two");
  web.log.warn("three");
  const { state, comes } = await open(web, {
    headers: { "last-event-id": String(index) },
    path: `${path}?level=warning`,
  });
  await comes('"three"');
  expect([...state.text.matchAll(/^id: \w+-(\d+)$/gm)].map(([, id]) => Number(id))).toEqual([index + 1, index + 2]);
});

it("goes to old clients without chunks", async () => {
  const web = await startWebServer();
  const authorization = `Basic ${Buffer.from("admin:admin-password").toString("base64")}`;
  const text = web.raw(`GET ${path}?tail=1 HTTP/1.0\r\nAuthorization: ${authorization}\r\n\r\n`);
  await expect.poll(() => web.gateway.modules()[0]?.status.detail?.[0]).toContain("1 streams");
  web.log.warn("for you");
  await web.stop();
  const [head = "", body = ""] = (await text).split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
  expect(head).not.toMatch(/transfer-encoding|content-length/i);
  expect(body).toMatch(/^retry: 3000\n\nid: \w+-\d+\nevent: log\n/);
  expect(body).toContain('"message":"for you"');
});

it("ends when the gateway stops, when roles change, and when the login ends", async () => {
  const web = await startWebServer();
  const token = await web.login();
  const bySession = await open(web, { headers: { authorization: `Bearer ${token}` } });
  const byPassword = await open(web, { path: "/api/v2/logs/stream" });
  await web.request({ method: "DELETE", path: "/api/v2/login", headers: { authorization: `Bearer ${token}` } });
  web.log.warn("secret");
  await bySession.ended;
  expect(bySession.state.text).not.toContain("secret");
  await byPassword.comes("secret");
  await web.gateway.security.reload(web.gateway.store);
  web.log.warn("later");
  await byPassword.ended;
  expect(byPassword.state.text).not.toContain("later");
  const last = await open(web);
  await web.stop();
  await last.ended;
});

it("ends when the token that it was asked for with expires", async () => {
  const expires = Date.now() + 3_600_000;
  const { text: token, record } = makeToken({ name: "watcher", role: "full", expires }, 0);
  const web = await startWebServer({ files: { "tokens.json": serialiseTokens([record]) } });
  const { state, ended, comes } = await open(web, { as: undefined, headers: { authorization: `Bearer ${token}` } });
  web.log.warn("early");
  await comes("early");
  vi.spyOn(web.gateway.clock, "now").mockReturnValue(expires);
  web.log.warn("late");
  await ended;
  expect(state.text).not.toContain("late");
});

it("goes on with everything for a client that knows entries of a gateway that ran before", async () => {
  const web = await startWebServer();
  web.log.warn("one");
  web.log.warn("two");
  const { state, comes } = await open(web, {
    headers: { "last-event-id": "earlier-2" },
    path: `${path}?level=warning`,
  });
  await comes('"two"');
  expect(state.text).toContain('"one"');
});

it("needs the grant, and HEAD and a stream too many have an answer", async () => {
  const web = await startWebServer({ server: "max streams = 1" });
  const { status, body } = await web.request({ path, as: "nobody" });
  expect({ status, code: JSON.parse(body).code }).toEqual({ status: 403, code: "PERMISSION_DENIED" });
  expect((await web.request({ method: "HEAD", path, as: "admin" })).status).toBe(200);
  await open(web);
  const full = problemAnswer(
    503,
    "1 streams are open already.",
    { "retry-after": "1" },
    { code: "RESOURCE_EXHAUSTED" },
  );
  expect(await web.request({ path, as: "admin" })).toEqual(full);
});

it("shows events as they are emitted, and those that were seen not yet", async () => {
  const web = await startWebServer();
  const emit = (event: string) =>
    web.gateway.core.emit(
      EventMessage.create({
        payload: [Event.create({ event, data: [KeyValue.create({ key: "__proto__", value: "v" })] })],
      }),
      web.gateway.call({ principal: localPrincipal, frontEnd: "test" }),
    );
  await emit("system.cpu");
  const { state, comes } = await open(web, { path: "/api/v3/events/stream?tail=1" });
  await comes("system.cpu");
  await emit("system.memory");
  await comes("system.memory");
  const shown = state.text.replace(/"time":"[^"]+"/g, '"time":"…"').replace(/^id: \w+-/gm, "id: ");
  expect(shown).toBe(
    'retry: 3000\n\nid: 0\nevent: event\ndata: {"index":0,"time":"…","event":"system.cpu","data":{"__proto__":"v"}}\n\n' +
      'id: 1\nevent: event\ndata: {"index":1,"time":"…","event":"system.memory","data":{"__proto__":"v"}}\n\n',
  );
});
