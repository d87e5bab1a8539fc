import { expect, test } from "vitest";
import { OutageLog } from "../../src/relay/outage-log.js";
import { FakeClock } from "../support/fake-clock.js";
import { RecordingLog } from "../support/recording-log.js";

function outages() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  return { clock, log, outage: new OutageLog({ target: "mon", log, clock, waiting: () => 7 }) };
}

test("an outage is told at its begin, every ten minutes and at its end", () => {
  const { clock, log, outage } = outages();
  outage.succeeded();
  for (let minute = 0; minute <= 21; minute++) {
    outage.failed(`reason ${minute}`);
    clock.advance(60_000);
  }
  outage.succeeded();
  outage.succeeded();
  expect(log.records).toEqual([
    "warn: mon: results wait, for they can't be delivered: reason 0",
    "warn: mon: down for 600 s, 7 results wait: reason 10",
    "warn: mon: down for 1200 s, 7 results wait: reason 20",
    "info: mon: back after 1320 s, 7 results wait",
  ]);
});

test("a target that comes and goes does not fill the log", () => {
  const { clock, log, outage } = outages();
  for (let second = 0; second < 100; second++) {
    outage.failed("every second batch");
    clock.advance(500);
    outage.succeeded();
    clock.advance(500);
  }
  expect(log.records).toEqual([
    "warn: mon: results wait, for they can't be delivered: every second batch",
    "info: mon: back after 0.5 s, 7 results wait",
    "warn: mon: results wait, for they can't be delivered: every second batch (and 59 times since it was told)",
    "info: mon: back after 0.5 s, 7 results wait",
  ]);
});
