import { expect, test } from "vitest";
import { GatewayError } from "../../../src/kernel/errors.js";
import { ConnectionSlots } from "../../../src/modules/nrpe-client/connection-slots.js";
import { FakeClock } from "../../support/fake-clock.js";

function slots(total: number) {
  const clock = new FakeClock();
  const table = new ConnectionSlots(clock, total);
  const entered: string[] = [];
  const ask = (name: string, place: string, options: Partial<{ max: number; waiting: number }> = {}) => {
    const controller = new AbortController();
    const { max = 1, waiting = 10 } = options;
    const request = { place, key: place, maxConnections: max, maxWaiting: waiting, timeoutMs: 30_000 };
    const acquired = table.acquire(request, controller.signal).then((release) => {
      entered.push(name);
      return release;
    });
    acquired.catch(() => {});
    return { acquired, leave: (reason: GatewayError) => controller.abort(reason) };
  };
  return { clock, table, entered, ask };
}

const gone = new GatewayError("CANCELLED", "gone");

test("queries for an agent wait in line, in order, and those for others don't wait with them", async () => {
  const { table, entered, ask } = slots(10);
  const first = ask("first", "a:1");
  const second = ask("second", "a:1");
  const third = ask("third", "a:1");
  await ask("other", "b:1").acquired;
  expect([entered, table.figures]).toEqual([["first", "other"], { open: 2, waiting: 2 }]);
  (await first.acquired)();
  (await second.acquired)();
  (await third.acquired)();
  expect([entered, table.figures]).toEqual([["first", "other", "second", "third"], { open: 1, waiting: 0 }]);
});

test("a full line, a time-out and the total say what is full", async () => {
  const { clock, ask } = slots(1);
  await ask("first", "a:1").acquired;
  const waiting = ask("second", "a:1", { waiting: 1 });
  await expect(ask("third", "a:1", { waiting: 1 }).acquired).rejects.toThrow(
    "a:1: 1 connections are in use and 1 queries wait already (max connections, max waiting)",
  );
  const other = ask("other", "b:1");
  clock.advance(30_000);
  await expect(waiting.acquired).rejects.toThrow("a:1: none of 1 connections (max connections) came free within 30 s");
  await expect(other.acquired).rejects.toThrow(
    "b:1: none of 1 connections to agents (total connections) came free within 30 s",
  );
});

test("who leaves the line gives its place to the next, wherever it stood", async () => {
  const { table, clock, ask } = slots(1);
  const release = await ask("first", "a:1").acquired;
  const ready = ask("second", "b:1");
  const behind = ask("third", "b:1");
  const inLine = ask("fourth", "a:1");
  ready.leave(gone);
  inLine.leave(gone);
  await expect(ready.acquired).rejects.toBe(gone);
  await expect(inLine.acquired).rejects.toBe(gone);
  release();
  release();
  (await behind.acquired)();
  expect([table.figures, clock.waiting]).toEqual([{ open: 0, waiting: 0 }, 0]);
});

test("those who wait for an agent that is unreachable are told so at once", async () => {
  const { table, ask } = slots(5);
  const release = await ask("first", "a:1").acquired;
  const waiting = ask("second", "a:1");
  table.refuseAll("a:1", "another way", gone);
  table.refuseAll("a:1", "a:1", new Error("a:1 did not take the connection"));
  await expect(waiting.acquired).rejects.toThrow("a:1 did not take the connection");
  release();
  expect(table.figures).toEqual({ open: 0, waiting: 0 });
});
