import { expect, test } from "vitest";
import { GatewayError } from "../../../src/kernel/errors.js";
import { type Caller, ResultCache } from "../../../src/modules/nrpe-client/result-cache.js";
import { FakeClock } from "../../support/fake-clock.js";
import { deferred } from "../../support/kernel.js";

class Leaver implements Caller {
  private listener: ((reason: GatewayError) => void) | undefined;

  onAbort(listener: (reason: GatewayError) => void): () => void {
    this.listener = listener;
    return () => {
      this.listener = undefined;
    };
  }

  leave(): void {
    this.listener?.(new GatewayError("CANCELLED", "gone"));
  }
}

function cache(maxBytes = 1_000) {
  const clock = new FakeClock();
  const results = new ResultCache<string>({ clock, maxBytes, sizeOf: (_key, value) => value.length });
  const flights: { readonly answer: ReturnType<typeof deferred<string>>; readonly signal: AbortSignal }[] = [];
  const ask = (key: string, keepMs = 1_000, caller: Caller = new Leaver()) =>
    results.answer(key, keepMs, caller, (signal) => {
      const answer = deferred<string>();
      flights.push({ answer, signal });
      return answer.promise;
    });
  return { clock, results, flights, ask };
}

test("equal queries on their way become one, and its answer serves those that come soon after", async () => {
  const { clock, results, flights, ask } = cache();
  const [first, second] = [ask("a"), ask("a")];
  flights[0]?.answer.resolve("fine");
  expect(await Promise.all([first, second, ask("a")])).toEqual(["fine", "fine", "fine"]);
  clock.advance(999);
  expect(await ask("a")).toBe("fine");
  clock.advance(1);
  void ask("a");
  expect([flights.length, results.figures.served]).toEqual([2, 3]);
});

test("a query goes on while one of its callers is there, and ends with the last", async () => {
  const { flights, ask } = cache();
  const [one, two] = [new Leaver(), new Leaver()];
  const [first, second] = [ask("a", 1_000, one), ask("a", 1_000, two)];
  one.leave();
  await expect(first).rejects.toThrow("gone");
  expect(flights[0]?.signal.aborted).toBe(false);
  two.leave();
  await expect(second).rejects.toThrow("gone");
  expect(flights[0]?.signal.aborted).toBe(true);
  // A query that was given up serves nobody who comes later.
  void ask("a");
  expect(flights).toHaveLength(2);
});

test("failures are not kept, and without a time nothing is shared", async () => {
  const { flights, ask, results } = cache();
  const first = ask("a");
  flights[0]?.answer.reject(new Error("refused"));
  await expect(first).rejects.toThrow("refused");
  const second = ask("a");
  flights[1]?.answer.resolve("fine");
  expect(await second).toBe("fine");
  const [third, fourth] = [ask("b", 0), ask("b", 0)];
  flights[2]?.answer.resolve("3");
  flights[3]?.answer.resolve("4");
  expect(await Promise.all([third, fourth])).toEqual(["3", "4"]);
  expect(results.figures).toEqual({ answers: 1, bytes: 4, served: 0 });
});

test("memory stays within its limit, the oldest answers go first, and all go with time", async () => {
  const { clock, results, flights, ask } = cache(10);
  for (const [index, key] of ["a", "b", "c"].entries()) {
    const answer = ask(key);
    flights[index]?.answer.resolve("12345");
    await answer;
  }
  expect(results.figures).toEqual({ answers: 2, bytes: 10, served: 0 });
  void ask("a");
  expect(flights).toHaveLength(4);
  clock.advance(10_000);
  expect([results.figures, clock.waiting]).toEqual([{ answers: 0, bytes: 0, served: 0 }, 0]);
});
