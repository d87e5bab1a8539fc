import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, FrameDecoder, maxFrameBytes } from "../../src/script-host/frame.js";

const messages = fc.array(
  fc.record({
    body: fc.dictionary(
      fc.string().filter((key) => key !== "raw" && key !== "__proto__"),
      fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.constant(null)),
    ),
    raw: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  }),
  { maxLength: 8 },
);

function frameOf(list: { body: object; raw: Uint8Array | undefined }[]): Buffer {
  const texts = list.map(({ body, raw }) => JSON.stringify(raw === undefined ? body : { ...body, raw: raw.length }));
  return encodeFrame(
    texts,
    list.map(({ raw }) => raw).filter((raw) => raw !== undefined),
  );
}

describe("frames", () => {
  it("arrive as they were sent, wherever the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 64 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(frameOf));
        const decoder = new FrameDecoder();
        const received = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = cuts.length === 0 ? stream.length : (cuts[turn % cuts.length] ?? 1);
          received.push(...decoder.push(stream.subarray(at, at + size)));
          at += size;
        }
        const sent = frames.flat().map(({ body, raw }) => ({
          message: JSON.parse(JSON.stringify(raw === undefined ? body : { ...body, raw: raw.length })),
          raw: raw === undefined ? undefined : [...raw],
        }));
        expect(received.map(({ message, raw }) => ({ message, raw: raw && [...raw] }))).toEqual(sent);
        expect(decoder.isPartial).toBe(false);
      }),
    );
  });

  it("that are damaged are refused or read, but never hang or take memory", () => {
    fc.assert(
      fc.property(messages, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (list, damage) => {
        const stream = frameOf(list);
        for (const [at, value] of damage) stream[at % stream.length] = value;
        const decoder = new FrameDecoder();
        try {
          decoder.push(stream);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it("are refused by their first bytes when they are too long or too short", () => {
    const prefix = (length: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE(length, 0);
      return bytes;
    };
    expect(() => new FrameDecoder().push(prefix(maxFrameBytes))).toThrow("out of bounds");
    expect(() => new FrameDecoder().push(prefix(3))).toThrow("out of bounds");
  });

  it("are refused when their parts don't fit together", () => {
    const decode = (frame: Buffer) => () => new FrameDecoder().push(frame);
    const bytes = new Uint8Array(3);
    expect(decode(encodeFrame(['{"t":"x"}'], [bytes]))).toThrow("bytes that belong to no message");
    expect(decode(encodeFrame(['{"t":"x","raw":4}'], [bytes]))).toThrow("A raw block of 4 bytes is not in the frame");
    expect(decode(encodeFrame(['{"t":"x","raw":-1}'], []))).toThrow("A raw block of -1 bytes is not in the frame");
    expect(decode(encodeFrame(['"text"'], []))).toThrow("A message is no object");
    const headTooLong = encodeFrame(["{}"], []);
    headTooLong.writeUInt32BE(99, 4);
    expect(decode(headTooLong)).toThrow("The head of a frame is longer than the frame");
    const noArray = Buffer.from([0, 0, 0, 6, 0, 0, 0, 2, 0x7b, 0x7d]);
    expect(decode(noArray)).toThrow("The head of a frame is no array of messages");
  });
});
