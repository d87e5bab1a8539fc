import { expect, test } from "vitest";
import { Turns } from "../../../src/modules/nsca-server/turns.js";
import { FakeClock } from "../../support/fake-clock.js";

test("connections that decrypt share a turn of 10 ms, and then everything else has its own", async () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  const events: string[] = [];
  let isDone = false;
  const others = () => {
    if (isDone) return;
    events.push("others");
    setImmediate(others);
  };
  const decrypt = async (name: string, packets: number) => {
    for (let packet = 1; packet <= packets; packet++) {
      for (let end = turns.wait(); end !== undefined; end = turns.wait()) await end;
      events.push(`${name}${packet}`);
      clock.advance(4);
    }
  };
  setImmediate(others);
  await Promise.all([decrypt("a", 4), decrypt("b", 5)]);
  isDone = true;
  expect(events).toEqual(["a1", "a2", "a3", "others", "a4", "b1", "b2", "others", "b3", "b4", "b5"]);
});

test("who decrypts little waits for nobody", () => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  expect([turns.wait(), turns.wait()]).toEqual([undefined, undefined]);
});
