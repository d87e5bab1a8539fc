import { describe, expect, it } from "vitest";
import { QueryResponse, ResultCode } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";
import { textResponse, unknownResponse } from "../../src/wire/responses.js";
import { codeName, parseCode, toResultCode, worstCode } from "../../src/wire/result-code.js";

/** What a peer reads from the bytes. */
function received(response: QueryResponse): unknown {
  return QueryResponse.toObject(QueryResponse.decode(QueryResponse.encode(response).finish()));
}

describe("answers", () => {
  it("have the id and the command of the request, one line and its performance data", () => {
    const response = textResponse({ id: 7, command: "check_a" }, ResultCode.WARNING, "hot", parsePerfdata("t=80"));
    expect(received(response)).toEqual({
      id: 7,
      command: "check_a",
      result: ResultCode.WARNING,
      lines: [{ message: "hot", perf: [{ alias: "t", floatValue: { value: 80 } }] }],
    });
  });

  it("need no performance data", () => {
    expect(received(unknownResponse({ id: 0, command: "check_a" }, "no idea"))).toEqual({
      command: "check_a",
      result: ResultCode.UNKNOWN,
      lines: [{ message: "no idea" }],
    });
  });

  it("share nothing with one another", () => {
    const request = { id: 1, command: "a" };
    textResponse(request, ResultCode.OK, "one").lines[0]?.perf.push(...parsePerfdata("a=1"));
    expect(textResponse(request, ResultCode.OK, "two").lines[0]?.perf).toEqual([]);
  });
});

describe("states", () => {
  it.each([
    ["ok OK o 0", ResultCode.OK],
    ["warn Warning WARNING w W 1", ResultCode.WARNING],
    ["crit critical CRITICAL c error ERR e 2", ResultCode.CRITICAL],
    ["unknown Unknown u 3", ResultCode.UNKNOWN],
    ["4 -1 okay warnings unk constructor 01", undefined],
  ])("%s mean %s", (words, code) => {
    const list = words.split(" ");
    expect(list.map(parseCode)).toEqual(list.map(() => code));
    expect(parseCode(` ${list[0]}\n`)).toBe(code);
  });

  it("have names that read back as the states", () => {
    expect([0, 1, 2, 3].map(codeName)).toEqual(["OK", "WARNING", "CRITICAL", "UNKNOWN"]);
    expect([0, 1, 2, 3].map(codeName).map(parseCode)).toEqual([0, 1, 2, 3]);
  });

  it("take numbers that are no state for unknown", () => {
    expect([77, -1, 1.5, Number.NaN].map(codeName)).toEqual(Array(4).fill("UNKNOWN"));
    expect([0, 2, 77, -1, 1.5, Number.NaN].map(toResultCode)).toEqual([0, 2, 3, 3, 3, 3]);
  });

  it.each([
    [[], ResultCode.OK],
    [[ResultCode.OK, ResultCode.WARNING, ResultCode.OK], ResultCode.WARNING],
    [[ResultCode.UNKNOWN, ResultCode.CRITICAL], ResultCode.UNKNOWN],
    [[ResultCode.CRITICAL, ResultCode.WARNING], ResultCode.CRITICAL],
    [[ResultCode.OK, 42], ResultCode.UNKNOWN],
  ])("the worst of %j is %d", (codes, worst) => {
    expect(worstCode(codes)).toBe(worst);
    expect(worstCode(new Set(codes))).toBe(worst);
  });
});
