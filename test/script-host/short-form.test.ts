import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { longForm, shortForm, shortSize } from "../../src/script-host/short-form.js";

const plain = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const values = fc.oneof(plain, fc.array(plain), fc.array(fc.oneof(plain, fc.array(plain))));
const number = fc.nat();

function throughJson(message: object): object {
  return longForm(JSON.parse(JSON.stringify(shortForm(message))) as object);
}

describe("the short form", () => {
  it("stands for the same message, alone and where scripts share a channel", () => {
    const ofScript = fc.option(fc.record({ s: number }), { nil: {} });
    fc.assert(
      fc.property(number, number, fc.array(values), values, ofScript, (id, h, args, value, of) => {
        const json = (part: unknown): unknown => JSON.parse(JSON.stringify(part));
        const run = { t: "run", id, h, args, ...of };
        if (shortSize(run) > 0) expect(throughJson(run)).toEqual(json(run));
        const ok = { t: "ok", id, value, ...of };
        if (shortSize(ok) > 0) expect(throughJson(ok)).toEqual(json(ok));
      }),
    );
  });

  it("is there for what calls of checks consist of", () => {
    expect(shortForm({ t: "run", id: 6, h: 2, args: ["check_disk", ["/"]] })).toEqual([
      "r",
      6,
      2,
      ["check_disk", ["/"]],
    ]);
    expect(shortSize({ t: "run", id: 6, h: 2, args: ["check_disk", ["/"]] })).toBeGreaterThan(10);
    expect(shortForm({ t: "ok", id: 6, value: [0, "all well", ""], s: 3 })).toEqual(["o", 6, [0, "all well", ""], 3]);
    expect(shortSize({ t: "ok", id: 6 })).toBeGreaterThan(0);
    expect(longForm(["o", 6, null])).toEqual({ t: "ok", id: 6, value: null });
  });

  it.each([
    ["who asks is told", { t: "run", id: 1, h: 1, args: [], call: { command: "x" } }],
    ["a value may still change", { t: "ok", id: 1, value: { a: 1 } }],
    ["a value is nested deeper", { t: "ok", id: 1, value: [[[1]]] }],
    ["a text is long", { t: "ok", id: 1, value: ["x".repeat(20_000)] }],
    ["there are many texts", { t: "ok", id: 1, value: Array.from({ length: 2000 }, () => "text") }],
    ["it is another message", { t: "log", level: "info", text: "x" }],
  ])("is not there when %s", (_case, message) => {
    expect(shortSize(message)).toBe(0);
  });

  it("leaves objects alone and refuses arrays that it does not know", () => {
    const message = { t: "ping", id: 1 };
    expect(longForm(message)).toBe(message);
    expect(() => longForm(["x", 1])).toThrow('There is no short form "x".');
  });
});
