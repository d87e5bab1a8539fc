import { expect, test, vi } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { BatchRefused } from "../../src/relay/relay.js";
import { PB, StatusCode } from "../../src/wire/messages.js";
import { delivered, type FakeReceiver, failed, fakeRelay, refused } from "../support/fake-relay.js";
import { FakeSpool } from "../support/fake-spool.js";
import { deferred, incoming, submission } from "../support/kernel.js";
import { loadModule } from "../support/module-harness.js";

const section = "[/settings/FAKE/client]\nhostname = gw\n[/settings/FAKE/client/targets]\n";
const one = `${section}mon = mon.example.org\n`;
const queue = "fake-client/mon";

async function load(receiver: FakeReceiver, ini = one, spool = new FakeSpool()) {
  const { relay, sent, state } = fakeRelay(receiver);
  const parts = await loadModule(relay, ini, { spool });
  const submit = async (...services: string[]) => {
    const message = submission(services.map((alias) => ({ alias })));
    const answer = await parts.core.submit("FAKE", message, incoming());
    return answer.message.payload.map(
      ({ result }) => `${StatusCode[result?.code ?? -1]} ${result?.message} ${result?.data}`,
    );
  };
  /** Lets everything happen that does not wait for time to pass. */
  const settle = async () => {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  /** Lets time pass in small steps. */
  const pass = async (ms: number, step = 250) => {
    for (let left = ms; left > 0; left -= step) {
      parts.clock.advance(Math.min(step, left));
      await settle();
    }
  };
  const status = () => {
    const [relayed] = parts.modules.list()[0]?.status.relay ?? [];
    return relayed;
  };
  return { ...parts, relay, spool, sent, state, submit, settle, pass, status };
}

/** What was sent, each batch as the services in it. */
function services(sent: readonly string[]): string[] {
  return sent.map((line) => [...line.matchAll(/gw;(\S+)/g)].map((match) => match[1]).join(" "));
}

const allWell: FakeReceiver = (batch) => batch.map(() => delivered());
const down: FakeReceiver = () => {
  throw new Error("connect ECONNREFUSED");
};

test("a result is accepted when it is on disk, and leaves the queue when the receiver has it", async () => {
  const { submit, settle, spool, sent } = await load(allWell);
  expect(await submit("a", "b")).toEqual([
    "STATUS_OK Submission successful queued",
    "STATUS_OK Submission successful queued",
  ]);
  await settle();
  expect(services(sent)).toEqual(["a b"]);
  expect(spool.deeds).toEqual([`open ${queue}`, `append ${queue}: gw;a gw;b`, `settle ${queue}: -1 -2`]);
});

test("several targets get it with one write to the disk, and none waits for another", async () => {
  const ini = `${section}mon = mon.example.org\nfar = far.example.org\n`;
  const receiver: FakeReceiver = (batch, target, signal) =>
    target.name === "far" ? new Promise(() => {}) : allWell(batch, target, signal);
  const { submit, settle, spool, sent } = await load(receiver, ini);
  await submit("a");
  await submit("b");
  await settle();
  expect(spool.deeds.filter((deed) => deed.startsWith("append"))).toEqual([
    "append fake-client/far,fake-client/mon: gw;a",
    "append fake-client/far,fake-client/mon: gw;b",
  ]);
  expect(sent.map((line) => line.slice(0, 18)).sort()).toEqual([
    "far.example.org:56",
    "mon.example.org:56",
    "mon.example.org:56",
  ]);
  expect(spool.subjects("fake-client/mon")).toEqual([]);
  expect(spool.subjects("fake-client/far")).toEqual(["gw;a", "gw;b"]);
});

test("what the spool refuses is refused to the caller, with the status that it has over the network", async () => {
  const { submit, spool, settle, sent } = await load(allWell);
  spool.refusal = new GatewayError("RESOURCE_EXHAUSTED", "The spool is full");
  await expect(submit("a")).rejects.toBe(spool.refusal);
  spool.refusal = undefined;
  expect(await submit("b")).toEqual(["STATUS_OK Submission successful queued"]);
  await settle();
  expect(services(sent)).toEqual(["b"]);
});

test("a caller that goes away while its results are written changes nothing", async () => {
  const { core, spool, settle, sent } = await load(allWell);
  const written = deferred<undefined>();
  const append = spool.append.bind(spool);
  vi.spyOn(spool, "append").mockImplementation(async (entries) => {
    await written.promise;
    await append(entries);
  });
  const call = incoming();
  const answer = core.submit("FAKE", submission([{ alias: "a" }]), call);
  call.abort(new GatewayError("DEADLINE_EXCEEDED", "too late"));
  written.resolve(undefined);
  expect((await answer).message.payload[0]?.result?.code).toBe(StatusCode.STATUS_OK);
  await settle();
  expect(services(sent)).toEqual(["a"]);
});

test("a target that the caller describes is sent to at once, beside one that has a queue", async () => {
  const receiver: FakeReceiver = (batch, target, signal) =>
    target.host === "elsewhere" ? [refused("not here")] : allWell(batch, target, signal);
  const { core, spool, settle } = await load(receiver);
  const hosts = [PB.Common.Host.create({ id: "x", address: "elsewhere" })];
  const message = submission([{ alias: "a" }], { recipientId: "mon,x", hosts });
  const { message: answer } = await core.submit("FAKE", message, incoming());
  expect(answer.payload[0]?.result).toMatchObject({ code: StatusCode.STATUS_ERROR, message: "x: not here" });
  await settle();
  expect(spool.deeds).toEqual([`open ${queue}`, `append ${queue}: gw;a`, `settle ${queue}: -1`]);
});

test("batches are as large as the target takes, one after the other", async () => {
  const ini = `${one}[/settings/FAKE/client/targets/mon]\nbatch size = 2\n`;
  const { submit, settle, sent, state } = await load(allWell, ini);
  await submit("a", "b", "c", "d", "e");
  await settle();
  expect(services(sent)).toEqual(["a b", "c d", "e"]);
  expect(state.most).toBe(1);
});

test("a receiver that is down for an hour gets everything in order, and the log tells twice", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const { submit, settle, pass, spool, sent, state, log, status } = await load(down);
  await submit("a");
  await settle();
  await pass(600_000 - 1, 1000);
  await submit("b");
  await pass(3_000_001, 1000);
  expect(status()).toMatchObject({ breaker: "open", delivered: 0, lastError: "connect ECONNREFUSED" });
  const before = sent.length;
  // After five failures a single result is tried, every 30 s here.
  expect(before).toBeGreaterThan(110);
  expect(before).toBeLessThan(135);
  state.receiver = allWell;
  await submit("c");
  await settle();
  expect(sent).toHaveLength(before);
  await pass(60_000);
  expect(services(sent.slice(before))).toEqual(["a", "b c"]);
  expect(spool.subjects(queue)).toEqual([]);
  expect(status()).toMatchObject({ breaker: "closed", delivered: 3, nextTryMs: 0 });
  expect(log.of("warn")[0]).toBe("mon: results wait, for they can't be delivered: connect ECONNREFUSED");
  expect(
    log
      .of("warn")
      .slice(1)
      .every((line) => /^mon: down for \d+(\.\d+)? s, \d+ results wait: connect/.test(line)),
  ).toBe(true);
  expect(log.of("warn").length).toBeLessThan(8);
  expect(log.of("info")).toEqual([expect.stringMatching(/^mon: back after 36\d\d(\.\d+)? s, 2 results wait$/)]);
  vi.restoreAllMocks();
});

test("breaks grow from one failure to the next and end at the longest", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const ini = `${one}[/settings/FAKE/client/targets/mon]\nretry delay = 1s\nmaximum retry delay = 6s\n`;
  const { submit, settle, pass, clock, status } = await load(down, ini);
  await submit("a");
  await settle();
  const breaks: number[] = [];
  for (let failure = 0; failure < 6; failure++) {
    const wait = (status()?.nextTryMs ?? 0) - clock.now();
    breaks.push(wait);
    await pass(wait);
  }
  expect(breaks).toEqual([1000, 2000, 4000, 6000, 6000, 6000]);
  vi.restoreAllMocks();
});

test("what the receiver refuses for good becomes a dead letter with its words, and holds up nothing", async () => {
  const receiver: FakeReceiver = (batch) =>
    batch.map((line) => (line.includes(";b ") ? refused("no such service") : delivered()));
  const { submit, settle, spool, log, status } = await load(receiver);
  await submit("a", "b", "c");
  await settle();
  expect(spool.subjects(queue)).toEqual([]);
  expect(spool.letters(queue)).toEqual(["gw;b: no such service"]);
  expect(spool.deeds.at(-1)).toBe(`settle ${queue}: -1 -3 !2`);
  expect(log.of("warn")).toEqual(["mon: gw;b was refused: no such service"]);
  expect(status()).toMatchObject({ delivered: 2, refused: 1, failures: 0 });
});

test("a result because of which a batch is refused is found, and each finished part is on disk before the next", async () => {
  const receiver: FakeReceiver = (batch) => {
    if (batch.some((line) => line.includes(";poison "))) throw new BatchRefused("400 Bad Request");
    return batch.map(() => delivered());
  };
  const { submit, settle, spool, sent } = await load(receiver);
  await submit("a", "b", "c", "poison", "e");
  await settle();
  expect(services(sent)).toEqual(["a b c poison e", "a b c", "poison e", "poison", "e"]);
  expect(spool.deeds.slice(2)).toEqual([`settle ${queue}: -1 -2 -3`, `settle ${queue}: !4`, `settle ${queue}: -5`]);
  expect(spool.letters(queue)).toEqual(["gw;poison: 400 Bad Request"]);
});

test("what has no answer is sent again, behind it nothing about the same service leaves the queue", async () => {
  let calls = 0;
  const receiver: FakeReceiver = (batch) => {
    if (calls++ > 0) return batch.map(() => delivered());
    return [delivered(), failed("busy"), delivered(), delivered()];
  };
  const { submit, settle, pass, sent, status } = await load(receiver);
  await submit("a", "b", "c", "b", "e");
  await settle();
  await pass(1000);
  // a and c have arrived; both results about b stay, and so does e, which had no answer.
  expect(services(sent)).toEqual(["a b c b e", "b b e"]);
  expect(status()).toMatchObject({ delivered: 5, retried: 3, failures: 1, lastError: "busy" });
});

test("a record that is no result becomes a dead letter", async () => {
  const spool = new FakeSpool();
  spool.putBytes(queue, "gw;x", Buffer.from([255, 255]));
  const { settle, submit, sent } = await load(allWell, one, spool);
  await submit("a");
  await settle();
  expect(spool.letters(queue)).toEqual([expect.stringMatching(/^gw;x: It can't be read: /)]);
  expect(services(sent)).toEqual(["a"]);
});

test("what waits from before is delivered after the start", async () => {
  const spool = new FakeSpool();
  spool.put(queue, "web", "load", "fine");
  const { settle, sent } = await load(allWell, one, spool);
  await settle();
  expect(sent).toEqual(["mon.example.org:5667 web;load OK fine"]);
});

test("names are mapped when a result is sent, so that a new rule counts for what waits", async () => {
  const { submit, settle, pass, sent, state, configure, modules } = await load(down);
  await submit("a");
  await settle();
  state.receiver = allWell;
  configure(`${one}[/settings/FAKE/client/targets/mon]\nhost case = upper\n`);
  expect(await modules.reload("fake-client")).toBe(true);
  await pass(2000);
  expect(sent.at(-1)).toBe("mon.example.org:5667 GW;a OK ");
});

test("a reload waits for the batch in flight, and results are accepted all the while", async () => {
  let finish = () => {};
  const receiver: FakeReceiver = (batch) =>
    new Promise((resolve) => {
      finish = () => resolve(batch.map(() => delivered()));
    });
  const { submit, settle, modules, spool, state, sent } = await load(receiver);
  await submit("a");
  await settle();
  const reloaded = modules.reload("fake-client");
  await settle();
  expect(await submit("b")).toEqual(["STATUS_OK Submission successful queued"]);
  state.receiver = allWell;
  finish();
  expect(await reloaded).toBe(true);
  await settle();
  expect(services(sent)).toEqual(["a", "b"]);
  expect(state.most).toBe(1);
  expect(spool.deeds.slice(-4)).toEqual([
    `settle ${queue}: -1`,
    `release ${queue}`,
    `open ${queue}`,
    `settle ${queue}: -2`,
  ]);
});

test("a reload with a target that can't work changes nothing", async () => {
  const { submit, settle, modules, configure, sent } = await load(allWell);
  configure(`${one}[/settings/FAKE/client/targets/mon]\ncipher = rot13\n`);
  await expect(modules.reload("fake-client")).rejects.toThrow(
    "[/settings/FAKE/client/targets/mon] cipher: there is no",
  );
  expect(await submit("a")).toEqual(["STATUS_OK Submission successful queued"]);
  await settle();
  expect(services(sent)).toEqual(["a"]);
});

test("a stop ends a batch that hangs, and what was in it stays", async () => {
  const receiver: FakeReceiver = (_batch, _target, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("closed"))));
  const { submit, settle, pass, modules, spool } = await load(receiver);
  await submit("a");
  await settle();
  const stopped = modules.stopAll();
  await settle();
  expect(spool.deeds.at(-1)).toBe(`append ${queue}: gw;a`);
  await pass(5000);
  await stopped;
  expect(spool.deeds.at(-1)).toBe(`release ${queue}`);
  expect(spool.subjects(queue)).toEqual(["gw;a"]);
});

test("a sender that does not come back from a batch is replaced, and the batch is sent again", async () => {
  let calls = 0;
  const receiver: FakeReceiver = (batch) => (calls++ === 0 ? new Promise(() => {}) : batch.map(() => delivered()));
  const ini = `${one}[/settings/FAKE/client/targets/mon]\nbatch timeout = 10s\n`;
  const { submit, settle, pass, sent, spool, status } = await load(receiver, ini);
  await submit("a");
  await settle();
  await pass(14_750);
  expect(status()).toMatchObject({ failures: 0 });
  await pass(1_500);
  expect(services(sent)).toEqual(["a", "a"]);
  expect(spool.subjects(queue)).toEqual([]);
  expect(status()).toMatchObject({ failures: 1, lastError: "The batch took longer than 10 s" });
});

test("the status has a line for each target", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const ini = `${one}[/settings/FAKE/client/targets/mon]\nbreaker failures = 2\n`;
  const { submit, settle, pass, modules, state } = await load(down, ini);
  const lines: string[] = [];
  const look = async () => {
    await settle();
    lines.push(...(modules.list()[0]?.status.detail ?? []));
  };
  await look();
  await submit("a");
  await look();
  await pass(1000);
  await look();
  state.receiver = allWell;
  await pass(60_000);
  await look();
  const target = "mon = mon.example.org, confirmed";
  expect(lines).toEqual([
    `${target}, 0 waiting`,
    `${target}, 1 waiting, retrying: connect ECONNREFUSED`,
    `${target}, 1 waiting, open: connect ECONNREFUSED`,
    `${target}, 0 waiting`,
  ]);
  vi.restoreAllMocks();
});

test("a reload counts on", async () => {
  const { submit, settle, modules, status } = await load(allWell);
  await submit("a");
  await settle();
  await modules.reload("fake-client");
  await submit("b");
  await settle();
  expect(status()).toMatchObject({ delivered: 2 });
});

test("the settings of a queue reach the spool", async () => {
  const ini = `${one}[/settings/FAKE/client/targets/mon]
replay = drop-older-than
replay age = 2m
maximum age = never
maximum count = 5
maximum size = 1K
`;
  const { spool } = await load(allWell, ini);
  expect(spool.options.get(queue)).toEqual({
    ...{ replay: { kind: "drop-older-than", ageMs: 120_000 }, maximumAgeMs: Number.POSITIVE_INFINITY },
    ...{ maximumCount: 5, maximumBytes: 1024 },
  });
  const plain = await load(allWell);
  expect(plain.spool.options.get(queue)).toEqual({
    ...{ replay: { kind: "all-in-order" }, maximumAgeMs: 7 * 86_400_000 },
    ...{ maximumCount: Number.POSITIVE_INFINITY, maximumBytes: Number.POSITIVE_INFINITY },
  });
});

const group = `${section}mon = mon.example.org
spare = spare.example.org
last = last.example.org
[/settings/FAKE/client]
submit to = mon
[/settings/FAKE/client/targets/mon]
failover = spare, last
breaker failures = 1
retry delay = 10s
[/settings/FAKE/client/targets/spare]
host case = upper
`;

test("another target takes over, with its own names, until the first is back", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  let isDown = true;
  const receiver: FakeReceiver = (batch, target, signal) =>
    isDown && target.name === "mon" ? down(batch, target, signal) : allWell(batch, target, signal);
  const { submit, settle, pass, sent, log, status, modules } = await load(receiver, group);
  const relayed = () => modules.list()[0]?.status.relay?.find(({ name }) => name === "mon");
  await submit("a");
  await settle();
  await submit("b");
  await settle();
  expect(sent).toEqual([
    "mon.example.org:5667 gw;a OK ",
    "spare.example.org:5667 GW;a OK ",
    "spare.example.org:5667 GW;b OK ",
  ]);
  expect(relayed()).toMatchObject({ breaker: "closed", takenOverBy: "spare", delivered: 2 });
  isDown = false;
  await pass(10_000);
  await submit("c", "d", "e");
  await settle();
  expect(sent.slice(3)).toEqual(["mon.example.org:5667 gw;c OK ", "mon.example.org:5667 gw;d OK  / gw;e OK "]);
  expect(relayed()).toMatchObject({ takenOverBy: "", delivered: 5, failures: 0 });
  expect(log.records.filter((line) => line.includes("mon: "))).toEqual([
    "warn: mon: spare takes over: mon: connect ECONNREFUSED",
    "info: mon: takes its results again",
  ]);
  expect(status()).toBeDefined();
  vi.restoreAllMocks();
});

test("when the whole group is down the results wait", async () => {
  const { submit, settle, spool, log } = await load(down, group);
  await submit("a");
  await settle();
  expect(spool.subjects(queue)).toEqual(["gw;a"]);
  const all = ["mon", "spare", "last"].map((name) => `${name}: connect ECONNREFUSED`).join("; ");
  expect(log.of("warn")).toEqual([`mon: results wait, for they can't be delivered: ${all}`]);
});
