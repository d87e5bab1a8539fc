import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { GatewayError } from "../../../src/kernel/errors.js";
import nrdpClient from "../../../src/modules/nrdp-client/index.js";
import { SubmitRequestMessage } from "../../../src/wire/messages.js";
import { writeAnswer } from "../../../src/wire/nrdp/answer.js";
import { writeXmlDocument } from "../../../src/wire/nrdp/xml-document.js";
import { passiveResult } from "../../../src/wire/passive-result.js";
import { FakeSpool } from "../../support/fake-spool.js";
import { incoming } from "../../support/kernel.js";
import { loadModule } from "../../support/module-harness.js";
import { startNrdpServer } from "./nrdp-gateway.js";
import { type Answerer, accept, say, startReceiver } from "./receiver.js";

/** The relay with targets on ports of this machine; its clock runs faster than time. */
async function startRelay(targets: Readonly<Record<string, number>>) {
  const spool = new FakeSpool();
  const ini = Object.entries(targets).map(
    ([name, port]) =>
      `[/settings/NRDP/client/targets/${name}]\naddress = http://127.0.0.1:${port}/nrdp/\ntoken = secret\nbatch size = 4\n`,
  );
  const parts = await loadModule(nrdpClient, ini.join(""), { spool });
  onTestFinished(async () => {
    let isStopped = false;
    const stopping = parts.modules.stopAll().finally(() => {
      isStopped = true;
    });
    await until(() => isStopped);
    await stopping;
  });
  const submit = async (...services: string[]) => {
    const payload = services.map((service) => passiveResult({ host: "web1", service, code: 0, text: "fine" }));
    const { message } = await parts.core.submit("NRDP", SubmitRequestMessage.create({ payload }), incoming());
    return message.payload.map(({ result }) => result?.data);
  };
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      parts.clock.advance(250);
    }
  };
  const statusOf = (name: string) => parts.modules.list()[0]?.status.relay?.find((target) => target.name === name);
  return { ...parts, spool, submit, until, statusOf };
}

/** A port that takes connections and says nothing. */
async function startSilence(): Promise<number> {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const place = server.address();
  return typeof place === "object" && place !== null ? place.port : 0;
}

/** The services of every request that was answered well, one after the other. */
function servicesOf(rows: readonly string[]): string[] {
  return rows.map((row) => row.split(";")[1] ?? "");
}

const services = ["a", "b", "c", "d", "e", "f"];

test("a receiver that hangs and one that answers garbage keep their results waiting, and no other notices", async () => {
  const well = await startReceiver();
  const garbage = await startReceiver(say("<html><title>It works</title></html>"));
  const { submit, until, spool, statusOf } = await startRelay({
    well: well.port,
    hanging: await startSilence(),
    garbage: garbage.port,
  });
  expect(await submit(...services)).toEqual(services.map(() => "queued"));
  await until(() => spool.subjects("nrdp-client/well").length === 0);
  expect(well.asked.flatMap(({ rows }) => servicesOf(rows))).toEqual(services);
  await until(() => (statusOf("garbage")?.failures ?? 0) > 1);
  expect(spool.subjects("nrdp-client/hanging")).toHaveLength(6);
  expect(spool.subjects("nrdp-client/garbage")).toHaveLength(6);
  expect(spool.letters("nrdp-client/garbage")).toEqual([]);
  expect(statusOf("garbage")?.lastError).toBe('The answer is no NRDP result: a page with the title "It works"');
});

test("a receiver that refuses every second batch gets everything, in order", async () => {
  let requests = 0;
  const taken: string[] = [];
  const everySecond: Answerer = (asked, response) => {
    if (++requests % 2 === 1) {
      response.end(writeAnswer({ status: -1, message: "NO CHECK RESULTS DIR" }, "xml"));
      return;
    }
    taken.push(...servicesOf(asked.rows));
    accept(asked, response);
  };
  const moody = await startReceiver(everySecond);
  const { submit, until, spool } = await startRelay({ moody: moody.port });
  await submit(...services);
  await until(() => spool.subjects("nrdp-client/moody").length === 0);
  expect(taken).toEqual(services);
  expect(spool.letters("nrdp-client/moody")).toEqual([]);
});

test("a result that the receiver can't read becomes a dead letter with its words, and the others arrive", async () => {
  const taken: string[] = [];
  const picky = await startReceiver((asked, response) => {
    const names = servicesOf(asked.rows);
    if (names.includes("c")) {
      response.end(writeAnswer({ status: -1, message: "BAD XML", information: "no c, please" }, "xml"));
      return;
    }
    taken.push(...names);
    accept(asked, response);
  });
  const { submit, until, spool } = await startRelay({ picky: picky.port });
  await submit(...services);
  await until(() => spool.subjects("nrdp-client/picky").length === 0);
  expect(taken).toEqual(["a", "b", "d", "e", "f"]);
  expect(spool.letters("nrdp-client/picky")).toEqual(["web1;c: BAD XML: no c, please"]);
});

test("a wrong token keeps everything waiting: no result is at fault", async () => {
  const gateway = await startNrdpServer("", "[/settings/NRDP/server/tokens]\nrelay = another");
  const { submit, until, spool, statusOf } = await startRelay({ central: gateway.port });
  await submit("a");
  await until(() => statusOf("central")?.lastError === "BAD TOKEN");
  expect(spool.letters("nrdp-client/central")).toEqual([]);
  await gateway.reload("", "[/settings/NRDP/server/tokens]\nrelay = secret");
  await until(() => spool.subjects("nrdp-client/central").length === 0);
  expect(gateway.submissions.flat().map((row) => row.split(" @")[0])).toEqual(["web1;a;0;fine"]);
});

test("a sender hears that the spool is full, by HTTP too, and is served when it has room", async () => {
  const well = await startReceiver();
  const relay = await startRelay({ well: well.port });
  const gateway = await startNrdpServer();
  gateway.takeWith(async (submission, call) => (await relay.core.submit("NRDP", submission, call)).message.payload);
  const result = {
    type: "service",
    hostname: "web1",
    servicename: "a",
    state: 0,
    output: "fine",
    time: 1_700_000_000,
  } as const;
  const body = () => new URLSearchParams({ token: "secret", cmd: "submitcheck", xml: writeXmlDocument([result]) });
  const deliver = () => gateway.request("/nrdp/", { method: "POST", body: body() });
  relay.spool.refusal = new GatewayError("RESOURCE_EXHAUSTED", "The spool is full: 1000 results wait.");
  const refused = await deliver();
  expect(refused.status).toBe(503);
  expect(refused.body).toContain("The spool is full: 1000 results wait.");
  expect(refused.body).toContain("<status>-1</status>");
  relay.spool.refusal = undefined;
  expect(await deliver()).toMatchObject({ status: 200, body: expect.stringContaining("1 checks processed") });
  await relay.until(() => relay.spool.subjects("nrdp-client/well").length === 0);
  expect(well.asked.map(({ rows }) => rows)).toEqual([["web1;a;0;fine @1700000000"]]);
});
