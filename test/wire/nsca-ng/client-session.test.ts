import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NscaNgSession, type PushCommand, type SessionStep } from "../../../src/wire/nsca-ng/client-session.js";
import { LineReader } from "../../../src/wire/nsca-ng/lines.js";

/** What the client does for each piece of what the server sends; bytes as text. */
function play(commands: readonly PushCommand[], pieces: readonly string[]): unknown[] {
  const reader = new LineReader();
  const session = new NscaNgSession(commands);
  return pieces.map((piece) => shown(session.receive(reader.feed(Buffer.from(piece)))));
}

function shown({ write, ...rest }: SessionStep): unknown {
  return write === undefined ? rest : { write: write.toString(), ...rest };
}

function command(text: string, shorter?: string): PushCommand {
  const line = Buffer.from(text);
  return shorter === undefined ? { line } : { line, shorten: () => Buffer.from(shorter) };
}

const accepted = { kind: "accepted" };

describe("a session with an NSCA-ng server", () => {
  it("greets, sends a command after the other and says goodbye", () => {
    expect(NscaNgSession.greeting("c2Vzc2lvbg").toString()).toBe("MOIN 1 c2Vzc2lvbg\r\n");
    const commands = [command("[1] größe\n"), command("[2] b\n")];
    const answers = ["MOIN 1\r\n", "OKAY\r\n", "OKAY\r\n", "okay\n", "OKAY\r\n", "OKAY\r\n", "MORE\r\n"];
    expect(play(commands, answers)).toEqual([
      { write: "PUSH 12\r\n" },
      { write: "[1] größe\n" },
      { write: "PUSH 6\r\n", outcome: accepted },
      { write: "[2] b\n" },
      { write: "QUIT\r\n", outcome: accepted },
      { end: "finished" },
      {},
    ]);
  });

  it("goes on with the next command after one that is refused, with the server's words", () => {
    const answers = ["MOIN 1\r\n", "OKAY\r\n", "FAIL You're not authorized\r\n", "FAIL\r\n", "OKAY\r\n"];
    expect(play([command("a\n"), command("b\n")], answers)).toEqual([
      { write: "PUSH 2\r\n" },
      { write: "a\n" },
      { write: "PUSH 2\r\n", outcome: { kind: "refused", reason: "You're not authorized" } },
      { write: "QUIT\r\n", outcome: { kind: "refused", reason: "FAIL" } },
      { end: "finished" },
    ]);
  });

  it("sends a shorter form once when the length is refused", () => {
    const answers = ["MOIN 1\r\n", "FAIL PUSH data size too large\r\n", "FAIL PUSH data size too large\r\n"];
    expect(play([command("much too long\n", "short\n")], answers)).toEqual([
      { write: "PUSH 14\r\n" },
      { write: "PUSH 6\r\n" },
      { write: "QUIT\r\n", outcome: { kind: "refused", reason: "PUSH data size too large" } },
    ]);
    expect(play([command("much too long\n", "short\n")], [...answers.slice(0, 2), "OKAY\n", "OKAY\n"])).toEqual([
      { write: "PUSH 14\r\n" },
      { write: "PUSH 6\r\n" },
      { write: "short\n" },
      { write: "QUIT\r\n", outcome: accepted },
    ]);
  });

  it.each([
    [["BAIL Connection timed out\r\n"], "The server ended the session: BAIL Connection timed out"],
    [["FAIL Expected MOIN\r\n"], "The server did not greet back: FAIL Expected MOIN"],
    [["HTTP/1.1 400 Bad Request\r\n"], "The server did not greet back: HTTP/1.1 400 Bad Request"],
    [["MOIN 2\r\n"], "The server speaks another version: MOIN 2"],
    [["MOIN 1\r\n", "HELP\r\n"], "The server answered neither OKAY nor FAIL: HELP"],
    [["MOIN 1\r\n", "OKAY\r\n", "\u0007MOIN 1\r\n"], "The server answered neither OKAY nor FAIL: MOIN 1"],
  ])("ends after %j", (answers, reason) => {
    const end = { end: { broken: reason } };
    expect(play([command("a\n")], [...answers, "OKAY\r\n"]).slice(-2)).toEqual([end, {}]);
  });

  it("takes no answer that came before its question", () => {
    expect(play([command("a\n")], ["MOIN 1\r\n", "OKAY\r\nOKAY\r\n"]).at(-1)).toEqual({
      end: { broken: "The server answered what it was not asked: OKAY" },
    });
  });

  it("keeps what was accepted when the server ends the session right behind it", () => {
    const answers = ["MOIN 1\r\n", "OKAY\r\n", "OKAY\r\nBAIL Shutting down\r\n"];
    expect(play([command("a\n"), command("b\n")], answers).at(-1)).toEqual({
      outcome: accepted,
      end: { broken: "The server ended the session: BAIL Shutting down" },
    });
  });

  it("says what it waits for", () => {
    const session = new NscaNgSession([command("a\n")]);
    const waits = ["MOIN 1\n", "OKAY\n", "OKAY\n", "OKAY\n"].map((line) => {
      const { waitsFor } = session;
      session.receive(new LineReader().feed(Buffer.from(line)));
      return waitsFor;
    });
    const expected = ["the answer to MOIN", "the answer to PUSH", "the answer to a command", "the answer to QUIT"];
    expect(waits).toEqual(expected);
  });

  it("takes nothing for accepted that was not sent, whatever the server sends", () => {
    const word = fc.constantFrom("MOIN 1\r\n", "OKAY\r\n", "FAIL no\n", "BAIL\r\n", "x", "\r\n", "OKAY", "\xff");
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.array(word), (count, pieces) => {
        const commands = Array.from({ length: count }, () => command("a\n"));
        const steps = play(commands, pieces) as (Omit<SessionStep, "write"> & { write?: string })[];
        const written = steps.filter((step) => step.write === "a\n").length;
        expect(steps.filter((step) => step.outcome?.kind === "accepted").length).toBeLessThanOrEqual(written);
        expect(steps.filter((step) => step.outcome !== undefined).length).toBeLessThanOrEqual(count);
        expect(steps.filter((step) => step.end !== undefined).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("lines of the server", () => {
  it("are the same however the bytes come", () => {
    const text = "MOIN 1\r\nfail  größe ;\tx \nOKAY\r\n";
    const lines = [
      { keyword: "MOIN", text: "1", whole: "MOIN 1" },
      { keyword: "FAIL", text: "größe ;x", whole: "fail  größe ;x" },
      { keyword: "OKAY", text: "", whole: "OKAY" },
    ];
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length })), (cuts) => {
        const reader = new LineReader();
        const ends = [...cuts.sort((a, b) => a - b), bytes.length];
        expect(ends.flatMap((end, index) => reader.feed(bytes.subarray(ends[index - 1] ?? 0, end)))).toEqual(lines);
      }),
    );
  });

  it("are an error when they have no end", () => {
    const reader = new LineReader();
    expect(reader.feed(Buffer.alloc(2048, "x"))).toEqual([]);
    expect(() => reader.feed(Buffer.from("x"))).toThrow("The server sent a line of more than 2048 bytes.");
  });
});
