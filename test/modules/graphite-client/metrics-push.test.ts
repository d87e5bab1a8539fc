import type { Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { MetricsPush } from "../../../src/modules/graphite-client/metrics-push.js";
import { graphiteProtocol } from "../../../src/modules/graphite-client/protocol.js";
import { Metric, MetricsBundle, MetricsMessage, PB } from "../../../src/wire/messages.js";
import { FakeClock } from "../../support/fake-clock.js";
import { RecordingLog } from "../../support/recording-log.js";
import { relayTarget } from "../../support/relay-target.js";
import { type CarbonOptions, startCarbon } from "./carbon.js";

function cycle(value: number): MetricsMessage {
  const metric = Metric.create({ key: "waiting", gaugeValue: PB.Common.OptionalFloat.create({ value }) });
  const bundle = MetricsBundle.create({ key: "queue", value: [metric] });
  return MetricsMessage.create({ payload: [PB.Metrics.MetricsMessage.Response.create({ bundles: [bundle] })] });
}

async function pushing(options: CarbonOptions = {}) {
  const carbon = await startCarbon(options);
  const clock = new FakeClock();
  const log = new RecordingLog();
  const target = relayTarget(graphiteProtocol, { host: "127.0.0.1", port: carbon.port, timeout: "5s" });
  const push = new MetricsPush(target, { log, clock, hostname: "gw.example", version: "1" });
  onTestFinished(() => push.close());
  return { carbon, clock, log, push };
}

it("the gauges of a cycle go to Graphite under the gateway's name", async () => {
  const { carbon, clock, push } = await pushing();
  push.push(cycle(3));
  await carbon.ended(1);
  expect(carbon.received).toEqual([`nsclient.gw.example.queue.waiting 3 ${clock.now() / 1000}\n`]);
});

it("a cycle without gauges connects nowhere", async () => {
  const { carbon, push, clock } = await pushing();
  push.push(MetricsMessage.create());
  expect([carbon.received, clock.waiting]).toEqual([[], 0]);
});

it("a Graphite that hangs is told of once, cycles meanwhile are left out, and the next one arrives", async () => {
  const sockets: Socket[] = [];
  let hangs = true;
  let connected = () => {};
  const connection = new Promise<void>((resolve) => {
    connected = resolve;
  });
  const { clock, log, push } = await pushing({
    serve(socket) {
      sockets.push(socket);
      connected();
      if (!hangs) socket.resume();
    },
  });
  push.push(cycle(1));
  push.push(cycle(2));
  await connection;
  clock.advance(5000);
  await expect.poll(() => log.of("warn")).toHaveLength(1);
  expect(log.of("warn")[0]).toMatch(/^test: metrics are not sent: 127.0.0.1:\d+ did not .* within 5 s$/);
  expect(sockets).toHaveLength(1);
  hangs = false;
  push.push(cycle(3));
  await expect.poll(() => log.of("info")).toEqual(["test: metrics arrive again"]);
  expect(sockets).toHaveLength(2);
});
