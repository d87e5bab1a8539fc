import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import {
  Event,
  EventMessage,
  Line,
  QueryResponse,
  StatusCode,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import { packageRoot } from "../support/gateway-process.js";
import { type Harness, startScripts } from "../support/script-harness.js";

const folder = join(packageRoot, "scripts", "node");
let harness: Harness | undefined;

async function startSample(name: string): Promise<Harness> {
  harness = await startScripts({ [name]: readFileSync(join(folder, name), "utf8") });
  return harness;
}

afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

it("there is a test for every sample", () => {
  // test_sample.ts is a test itself: unit.test.ts runs it.
  expect(readdirSync(folder).sort()).toEqual([
    "check_sample.ts",
    "command_sample.ts",
    "filter_sample.ts",
    "lib",
    "metrics_sample.ts",
    "raw_sample.ts",
    "test_sample.ts",
  ]);
});

it("check_sample counts its arguments", async () => {
  const { query } = await startSample("check_sample.ts");
  expect(await query("check_sample", "a", "b")).toEqual([0, "I was given 2 arguments", "'arguments'=2;5"]);
  expect(await query("check_sample", ..."abcdef")).toEqual([1, "I was given 6 arguments", "'arguments'=6;5"]);
  expect(await query("check_sample", "help")).toEqual([0, "Counts its arguments: check_sample [word ...]", ""]);
});

it("raw_sample says who asked, and each argument", async () => {
  const { query } = await startSample("raw_sample.ts");
  expect(await query("check_raw_sample", "a", "b")).toEqual([0, "local asked for check_raw_sample\na\nb", ""]);
});

it("command_sample greets, and tells its arguments when it is run by hand", async () => {
  const { gateway, call, script, log } = await startSample("command_sample.ts");
  const message = { header: null, payload: [{ id: 0, command: "hello_sample", arguments: ["World"] }] };
  const { payload } = (await gateway.core.execute("", message, call())).message;
  expect(payload.map(({ result, message: text }) => [result, text])).toEqual([[0, "Hello World"]]);
  await script().main("command_sample", ["install", "--root", "/tmp"]);
  expect(log.texts("info")).toEqual(['My arguments are: ["install","--root","/tmp"]']);
});

it("filter_sample passes on what changed", async () => {
  const { core, call, log } = await startSample("filter_sample.ts");
  const submit = async (message: string) => {
    const payload = [QueryResponse.create({ command: "disk", source: "web01", lines: [Line.create({ message })] })];
    const outcome = await core.submit("filter", SubmitRequestMessage.create({ channel: "filter", payload }), call());
    return outcome.message.payload.map(({ result }) => [result?.code, result?.message]);
  };
  // Nobody subscribed to NSCA here, so the first is refused and nothing is remembered.
  expect(await submit("full")).toEqual([[StatusCode.STATUS_ERROR, "Invalid response: filter"]]);
  const passedOn: string[] = [];
  harness?.registry.addChannel({ id: 99, name: "Test", alias: "test" }, "NSCA", ({ payload }) => {
    passedOn.push(...payload.map(({ lines }) => lines[0]?.message ?? ""));
    return payload.map(() => ({ id: 0, command: "", result: null }));
  });
  await submit("full");
  await submit("full");
  await submit("empty");
  expect(passedOn).toEqual(["full", "empty"]);
  expect(log.texts("info")).toEqual(["Nothing new about disk"]);
});

it("metrics_sample has metrics, hears of events and sees all metrics", async () => {
  const { core, call, log } = await startSample("metrics_sample.ts");
  await core.emit(EventMessage.create({ payload: [Event.create({ event: "logfile:errors" })] }), call());
  const { payload } = await core.collectMetrics();
  const values = payload[0]?.bundles[0]?.value.map(({ key, gaugeValue, stringValue }) => [
    key,
    gaugeValue?.value ?? stringValue?.value,
  ]);
  expect(values?.slice(1)).toEqual([
    ["metrics_sample.events", 1],
    ["metrics_sample.state", "ok"],
  ]);
  expect(log.texts("info")).toEqual(["logfile:errors: {}"]);
  expect(log.texts("debug")).toContain("3 metrics were collected");
});
