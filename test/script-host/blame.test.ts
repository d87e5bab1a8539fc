import { expect, test } from "vitest";
import { Blame } from "../../src/script-host/blame.js";
import { FakeClock } from "../support/fake-clock.js";

const minute = 60_000;

/** Loses a process once a minute; each text names the scripts that ran something then. */
function lose(...losses: string[]) {
  const clock = new FakeClock();
  const blame = new Blame<string>(clock);
  return losses.map((suspects) => {
    const sentence = blame.afterLoss(new Set(suspects === "" ? [] : suspects.split(" ")));
    clock.advance(minute);
    return sentence === undefined ? "all" : `${sentence.delayMs} ${sentence.givenUp.join(" ")}`.trim();
  });
}

test("the first two losses cost a break and nobody's place", () => {
  expect(lose("a", "a")).toEqual(["250", "2000"]);
});

test("the script that ran each time is given up, the others go on", () => {
  expect(lose("a b", "a c", "b a")).toEqual(["250", "2000", "2000 a"]);
});

test("several that ran each time are given up together, as nobody can tell them apart", () => {
  expect(lose("a b", "a b", "a b c")).toEqual(["250", "2000", "2000 a b"]);
});

test("a script that was alone with it more often than not is held responsible, also when it was not there once", () => {
  expect(lose("a b", "a", "a")).toEqual(["250", "2000", "2000 a"]);
  expect(lose("b", "a", "a")).toEqual(["250", "2000", "2000 a"]);
});

test("nobody is held responsible for what happens to a different script every time, or while nothing runs", () => {
  expect(lose("a", "b", "c")).toEqual(["250", "2000", "all"]);
  expect(lose("", "", "")).toEqual(["250", "2000", "all"]);
  expect(lose("a", "", "a b")).toEqual(["250", "2000", "all"]);
});

test("the second culprit is found as well, by the losses that the first had no part in", () => {
  expect(lose("b", "a", "a", "b", "b")).toEqual(["250", "2000", "2000 a", "2000", "2000 b"]);
});

test("what is five minutes old is forgotten", () => {
  const clock = new FakeClock();
  const blame = new Blame<string>(clock);
  for (let loss = 0; loss < 10; loss++) {
    expect(blame.afterLoss(new Set(["a"]))).toEqual({ delayMs: 250, givenUp: [] });
    clock.advance(5 * minute);
  }
});
