import { describe, expect, test } from "vitest";
import type { EventHandler } from "../../src/kernel/registry.js";
import { Event, EventMessage, Metric, MetricsBundle, MetricsMessage, PB } from "../../src/wire/messages.js";
import { incoming, kernel, owner } from "../support/kernel.js";

const alpha = owner(0, "Alpha");
const beta = owner(1, "Beta");

describe("events", () => {
  const message = EventMessage.create({
    payload: ["logfile:Errors", "logfile:other", "nobody", "logfile:errors"].map((event) => Event.create({ event })),
  });

  test("every subscriber hears of each payload that bears its name, once", async () => {
    const { core, registry, log } = kernel();
    const heard: string[] = [];
    const listen =
      (who: string): EventHandler =>
      (event, whole) => {
        heard.push(`${who} ${event.event} of ${whole.payload.length}`);
      };
    registry.addEvent(alpha, "LOGFILE:errors, logfile:errors", listen("list"));
    registry.addEvent(beta, "logfile:errors", listen("late"));
    registry.addEvent(beta, "logfile:other", listen("other"));
    await core.emit(message, incoming());
    expect(heard).toEqual([
      "list logfile:Errors of 4",
      "late logfile:Errors of 4",
      "other logfile:other of 4",
      "list logfile:errors of 4",
      "late logfile:errors of 4",
    ]);
    expect(log.records).toEqual(["debug: Nobody listens to the event nobody"]);
  });

  test("* hears of everything, once also beside names", async () => {
    const { core, registry } = kernel();
    const heard: string[] = [];
    registry.addEvent(alpha, "logfile:other,*", (event) => {
      heard.push(event.event);
    });
    await core.emit(message, incoming());
    expect(heard).toEqual(["logfile:Errors", "logfile:other", "nobody", "logfile:errors"]);
  });

  test("one that fails is a record, the others hear of it", async () => {
    const { core, registry, log } = kernel();
    const heard: string[] = [];
    registry.addEvent(alpha, "e", () => {
      throw new Error("deaf");
    });
    registry.addEvent(alpha, "e", () => Promise.reject(new Error("late")));
    registry.addEvent(beta, "e", (event) => {
      heard.push(event.event);
    });
    await core.emit(EventMessage.create({ payload: [Event.create({ event: "e" })] }), incoming());
    expect(heard).toEqual(["e"]);
    expect(log.records).toEqual([
      "error: alpha failed on the event e: deaf",
      "error: alpha failed on the event e: late",
    ]);
  });

  test("events that raise themselves end at the limit of nesting", async () => {
    const { core, registry, log } = kernel();
    let heard = 0;
    const again = EventMessage.create({ payload: [Event.create({ event: "e" })] });
    registry.addEvent(alpha, "e", async (_event, _message, call) => {
      heard++;
      await core.emit(again, call);
    });
    await core.emit(again, incoming());
    expect(heard).toBe(512);
    expect(log.records).toEqual(["error: alpha failed on the event e: Calls are nested deeper than 512."]);
  });
});

describe("metrics", () => {
  const bundle = (key: string) =>
    MetricsBundle.create({
      key,
      value: [Metric.create({ key: "n", gaugeValue: PB.Common.OptionalFloat.create({ value: 1 }) })],
    });

  test("a cycle merges what every source has into one payload, and every sink gets it", async () => {
    const { core, registry, log } = kernel();
    expect(core.metrics).toBeUndefined();
    const taken: MetricsMessage[] = [];
    registry.addMetricsSource(alpha, () => [bundle("a"), bundle("b")]);
    registry.addMetricsSource(alpha, () => Promise.reject(new Error("no numbers")));
    registry.addMetricsSource(beta, async () => [bundle("c")]);
    registry.addMetricsSink(alpha, () => {
      throw new Error("no room");
    });
    registry.addMetricsSink(beta, (message) => {
      taken.push(message);
    });
    const expected = MetricsMessage.create({
      payload: [PB.Metrics.MetricsMessage.Response.create({ bundles: [bundle("a"), bundle("b"), bundle("c")] })],
    });
    expect(await core.collectMetrics()).toEqual(expected);
    expect(taken).toEqual([expected]);
    expect(core.metrics).toEqual(expected);
    expect(log.records).toEqual([
      "error: alpha failed to produce metrics: no numbers",
      "error: alpha failed to take metrics: no room",
    ]);
  });

  test("without a source there is an empty payload", async () => {
    const { core } = kernel();
    expect(await core.collectMetrics()).toEqual(
      MetricsMessage.create({ payload: [PB.Metrics.MetricsMessage.Response.create()] }),
    );
  });
});
