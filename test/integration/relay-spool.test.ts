import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Gateway } from "../../dist/gateway/gateway.js";
import { localPrincipal } from "../../dist/kernel/principal.js";
import { defineRelay } from "../../dist/relay/define-relay.js";
import { createLogService } from "../../dist/telemetry/log.js";
import { QueryResponse, SubmitRequestMessage } from "../../dist/wire/messages.js";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A receiver that a test switches on and off; it keeps what it was given. */
function receiver() {
  const state = { isUp: false, got: [] as string[], arrived: () => {} };
  const relay = defineRelay({
    ...{ name: "FakeClient", summary: "For the test", defaultAlias: "fake-client", section: "FAKE" },
    ...{ channel: "FAKE", word: "fake", grade: "confirmed", defaultPort: 1, targetKeys: {} },
    batch: { count: 100, bytes: 100_000 },
    connect: () => ({
      async send(batch) {
        if (!state.isUp) throw new Error("connect ECONNREFUSED");
        state.got.push(...batch.map(({ host, service }) => `${host};${service}`));
        setImmediate(state.arrived);
        return batch.map(() => ({ kind: "delivered", text: "thanks" }));
      },
      close() {},
    }),
  });
  const arrival = () =>
    new Promise<void>((resolve) => {
      state.arrived = resolve;
    });
  return { relay, state, arrival };
}

function folder(spool = "") {
  const path = mkdtempSync(join(tmpdir(), "relay-"));
  cleanUp.push(() => rmSync(path, { recursive: true }));
  const settings = join(path, "nscp.ini");
  writeFileSync(
    settings,
    `[/modules]
FakeClient = enabled
[/settings/FAKE/client]
hostname = gw
[/settings/FAKE/client/targets]
mon = mon.example.org
[/settings/FAKE/client/targets/default]
retry delay = 10ms
maximum retry delay = 50ms
retries = 0
[/settings/spool]
path = ${join(path, "spool")}
ballast size = 0
${spool}
`,
  );
  return settings;
}

async function boot(settings: string, relay: ReturnType<typeof receiver>["relay"], durable = true) {
  const lines: string[] = [];
  const log = createLogService({ form: "console", level: "warning", write: (line) => lines.push(line) });
  const gateway = await Gateway.boot({
    ...{ settings: `ini://${settings}`, log, durable },
    modules: ["FakeClient"],
    extraModules: [relay as unknown as NonNullable<Parameters<typeof Gateway.boot>[0]["extraModules"]>[number]],
  });
  const stop = async () => gateway.stop();
  cleanUp.push(stop);
  const submit = async (...services: string[]) => {
    const payload = services.map((alias) => QueryResponse.create({ alias, source: "web" }));
    const call = gateway.call({ principal: localPrincipal, frontEnd: "test" });
    const { message } = await gateway.core.submit("FAKE", SubmitRequestMessage.create({ payload }), call);
    return message.payload.map(({ result }) => `${result?.message} ${result?.data}`.trim());
  };
  return { gateway, submit, stop, lines };
}

test("what was accepted while the receiver was down is delivered by the next gateway", async () => {
  const settings = folder();
  const { relay, state, arrival } = receiver();
  const first = await boot(settings, relay);
  expect(await first.submit("a", "b")).toEqual(["Submission successful queued", "Submission successful queued"]);
  expect(first.gateway.spoolFigures()?.queues).toMatchObject([{ name: "fake-client/mon", waiting: 2 }]);
  await first.stop();
  await expect(first.submit("c")).resolves.toEqual(["Failed to submit message: FAKE"]);

  const delivered = arrival();
  state.isUp = true;
  const second = await boot(settings, relay);
  await delivered;
  expect(state.got).toEqual(["web;a", "web;b"]);
  expect(second.gateway.modules()[0]?.status.detail).toEqual([
    expect.stringMatching(/^mon = mon.example.org, confirmed/),
  ]);
});

test("a reload goes on where the former targets stopped", async () => {
  const settings = folder();
  const { relay, state, arrival } = receiver();
  const { gateway, submit } = await boot(settings, relay);
  await submit("a");
  expect(await gateway.reload("fake-client")).toEqual({ reloaded: true, problems: [] });
  await submit("b");
  const delivered = arrival();
  state.isUp = true;
  await delivered;
  while (state.got.length < 2) await arrival();
  expect(state.got).toEqual(["web;a", "web;b"]);
});

test("a full spool refuses as a whole what does not fit, and takes more when the receiver has been back", async () => {
  const settings = folder("maximum count = 2");
  const { relay, state, arrival } = receiver();
  const { submit, gateway } = await boot(settings, relay);
  await submit("a", "b");
  await expect(submit("c", "d")).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  state.isUp = true;
  await arrival();
  while (gateway.spoolFigures()?.count !== 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await submit("e")).toEqual(["Submission successful queued"]);
  expect(await gateway.metricsText()).toContain('nscp_queue_refused_total{queue="fake-client/mon"} 2');
});

test("changed settings of the spool count from the next start, and the log says so", async () => {
  const settings = folder();
  const { relay } = receiver();
  const { gateway, lines } = await boot(settings, relay);
  writeFileSync(settings, readFileSync(settings, "utf8").replace("ballast size = 0", "ballast size = 1M"));
  expect(await gateway.reload("settings")).toEqual({ reloaded: true, problems: [] });
  expect(lines.filter((line) => line.includes("spool"))).toEqual([
    expect.stringContaining("[/settings/spool] counts when the gateway is started again"),
  ]);
});

test("a spool belongs to one gateway", async () => {
  const settings = folder();
  const { relay } = receiver();
  await boot(settings, relay);
  const { gateway } = await boot(settings, relay);
  expect(gateway.modules()[0]).toMatchObject({ state: "failed", failure: expect.stringContaining("spool") });
});

test("where nothing rests, results go out at once", async () => {
  const settings = folder();
  const { relay, state } = receiver();
  const { submit, gateway } = await boot(settings, relay, false);
  expect(await submit("a")).toEqual(["mon: connect ECONNREFUSED"]);
  state.isUp = true;
  expect(await submit("b")).toEqual(["thanks"]);
  expect(gateway.spoolFigures()).toBeUndefined();
});
