import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineLimit, LineSplitter } from "../../src/script-host/output-lines.js";
import { FakeClock } from "../support/fake-clock.js";

describe("printed text", () => {
  it("becomes lines, however it was cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n") })), (chunks) => {
        const lines: string[] = [];
        const splitter = new LineSplitter((text) => lines.push(text));
        for (const chunk of chunks) splitter.push(chunk);
        splitter.end();
        const expected = chunks.join("").split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });

  it("is cut where a line does not end", () => {
    const lengths: number[] = [];
    const splitter = new LineSplitter((text) => lengths.push(text.length));
    splitter.push("x".repeat(20_000));
    splitter.end();
    expect(lengths).toEqual([8192, 8192, 3616]);
  });

  it("loses the carriage return of a line's end", () => {
    const lines: string[] = [];
    new LineSplitter((text) => lines.push(text)).push("one\r\ntwo\n");
    expect(lines).toEqual(["one", "two"]);
  });
});

describe("a flood of lines", () => {
  it("passes two hundred in a second and tells how many it held back", () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const limit = new LineLimit(clock, (dropped) => told.push(dropped));
    const passed = () => Array.from({ length: 500 }, () => limit.admit()).filter(Boolean).length;
    expect(passed()).toBe(200);
    expect(told).toEqual([]);
    clock.advance(1_000);
    expect(told).toEqual([300]);
    expect(passed()).toBe(200);
    limit.flush();
    expect(told).toEqual([300, 300]);
    clock.advance(1_000);
    expect(told).toEqual([300, 300]);
  });
});
