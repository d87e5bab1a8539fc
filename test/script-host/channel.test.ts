import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Channel } from "../../src/script-host/channel.js";
import { maxMessageBytes } from "../../src/script-host/frame.js";

interface Note {
  text: string;
}

/** Two streams, each of which reads what the other is written; counts the writes. */
function pair(): { left: Duplex; right: Duplex; writes: number[] } {
  const writes: number[] = [];
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        writes.push(chunk.length);
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const left: Duplex = make(() => right);
  const right: Duplex = make(() => left);
  return { left, right, writes };
}

function open(stream: Duplex) {
  const received: (string | undefined)[] = [];
  let close = (_reason: Error | undefined) => {};
  const closed = new Promise<Error | undefined>((resolve) => {
    close = resolve;
  });
  let notify = () => {};
  const channel = new Channel<Note, Note>(stream, {
    onMessage(message, raw) {
      received.push(message.text, raw === undefined ? undefined : Buffer.from(raw).toString());
      notify();
    },
    onClose: close,
  });
  const next = () =>
    new Promise<void>((resolve) => {
      notify = resolve;
    });
  return { channel, received, closed, next };
}

describe("a channel", () => {
  it("keeps the order of messages, whichever have a short form", async () => {
    const { left, right, writes } = pair();
    const received: object[] = [];
    let arrived = () => {};
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const messages: object[] = [
      { t: "run", id: 1, h: 1, args: ["a", ["b"]] },
      { t: "cancel", id: 1, reason: "late" },
      { t: "ok", id: 2, value: [0, "x"] },
      { t: "ok", id: 3, value: { deep: 1 } },
      { t: "run", id: 4, h: 1, args: [] },
    ];
    const sender = new Channel<object, object>(left, { onMessage() {}, onClose() {} });
    new Channel<object, object>(right, {
      onMessage(message) {
        if (received.push(message) === messages.length) arrived();
      },
      onClose() {},
    });
    for (const message of messages) sender.send(message);
    await all;
    expect(received).toEqual(messages);
    expect(writes).toHaveLength(1);
  });

  it("sends all messages of a turn in one write", async () => {
    const { left, right, writes } = pair();
    const sender = open(left).channel;
    const receiver = open(right);
    const arrived = receiver.next();
    sender.send({ text: "one" });
    sender.send({ text: "two" }, Buffer.from("block"));
    sender.send({ text: "three" });
    expect(writes).toEqual([]);
    await arrived;
    expect(receiver.received).toEqual(["one", undefined, "two", "block", "three", undefined]);
    expect(writes.length).toBe(1);
  });

  it("refuses a message that is longer than the other side reads", () => {
    const { channel } = open(pair().left);
    expect(() => channel.send({ text: "x".repeat(maxMessageBytes) })).toThrow(RangeError);
  });

  it("sends what is waiting before it closes, and drops what comes later", async () => {
    const { left, right } = pair();
    const sender = open(left);
    const receiver = open(right);
    sender.channel.send({ text: "last" });
    sender.channel.close();
    sender.channel.send({ text: "too late" });
    expect(await receiver.closed).toBeUndefined();
    expect(receiver.received).toEqual(["last", undefined]);
  });

  it("ends with the reason when the other side does not speak its language", async () => {
    const { left, right } = pair();
    const { closed } = open(right);
    left.write("GET / HTTP/1.1\r\n\r\n");
    expect((await closed)?.message).toContain("out of bounds");
  });

  it("ends when a message can't be worked on", async () => {
    const { left, right } = pair();
    const closed = new Promise<Error | undefined>((resolve) => {
      new Channel<Note, Note>(right, {
        onMessage: () => {
          throw new Error("of an unknown kind");
        },
        onClose: resolve,
      });
    });
    open(left).channel.send({ text: "?" });
    expect((await closed)?.message).toBe("of an unknown kind");
  });
});
