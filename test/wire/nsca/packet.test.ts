import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeNscaInit, encodeNscaInit, NSCA_INIT_SIZE } from "../../../src/wire/nsca/init-packet.js";
import {
  decodeNscaPacket,
  encodeNscaPacket,
  isNscaPacket,
  type NscaPacket,
  nscaPacketSize,
} from "../../../src/wire/nsca/packet.js";
import { recordings } from "./recordings.js";

/** Those of the recordings that are there as they were before encryption. */
const recorded = recordings.connections.flatMap(({ packets, timestamp }) =>
  packets.flatMap(({ host, service, code, output, crc32, plaintext }) =>
    plaintext === undefined
      ? []
      : [
          {
            bytes: Buffer.from(plaintext, "hex"),
            packet: { host, service, code, output, timestamp },
            crc: Number.parseInt(crc32, 16),
          },
        ],
  ),
);

const packet = { host: "host", service: "service", code: 2, output: "text", timestamp: 1_795_362_748 };

/** A packet in memory of its own. */
function encode(value: NscaPacket, payloadLength: number, fill?: (bytes: Uint8Array) => void) {
  const bytes = Buffer.alloc(nscaPacketSize(payloadLength));
  return { bytes, cuts: encodeNscaPacket(value, bytes, fill === undefined ? {} : { fill }) };
}

describe("The init packet", () => {
  it("is an IV and a time", () => {
    const iv = Uint8Array.from({ length: 128 }, (_, index) => index);
    const bytes = encodeNscaInit({ iv, timestamp: 0xfedcba98 });
    expect(bytes.length).toBe(NSCA_INIT_SIZE);
    expect(bytes.toString("hex")).toBe(`${Buffer.from(iv).toString("hex")}fedcba98`);
    expect(decodeNscaInit(bytes)).toEqual({ iv, timestamp: 0xfedcba98 });
  });
});

describe("A packet", () => {
  it("of send_nsca is read field by field", () => {
    expect(recorded).toHaveLength(34);
    for (const { bytes, packet: expected, crc } of recorded) {
      expect(isNscaPacket(bytes)).toBe(true);
      expect(decodeNscaPacket(bytes)).toEqual({ ...expected, crc });
    }
  });

  it("is written as send_nsca writes it when the filler is the same", () => {
    for (const { bytes: expected, packet: value } of recorded) {
      const { bytes, cuts } = encode(value, 512, (room) => room.set(expected));
      expect(bytes.toString("hex")).toBe(expected.toString("hex"));
      expect(cuts).toEqual([]);
    }
  });

  it("keeps what fits into it, whatever its size", () => {
    const text = (maxBytes: number) =>
      fc
        .string({ unit: "grapheme", maxLength: maxBytes })
        .filter((value) => !value.includes("\0") && Buffer.byteLength(value) <= maxBytes);
    fc.assert(
      fc.property(
        fc.record({
          host: text(63),
          service: text(127),
          code: fc.integer({ min: -32768, max: 32767 }),
          output: text(300),
          timestamp: fc.nat(0xffffffff),
        }),
        fc.integer({ min: 301, max: 5000 }),
        (value, payloadLength) => {
          const { bytes, cuts } = encode(value, payloadLength);
          expect(bytes.length).toBe(nscaPacketSize(payloadLength));
          expect(isNscaPacket(bytes)).toBe(true);
          expect(decodeNscaPacket(bytes)).toMatchObject(value);
          expect(cuts).toEqual([]);
        },
      ),
    );
  });

  it("with any bit changed is none", () => {
    const { bytes } = encode(packet, 512);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bits;
        expect(isNscaPacket(changed)).toBe(false);
      }),
    );
  });

  it("has long texts cut at whole characters and whole measurements, and says so", () => {
    const { bytes, cuts } = encode(
      {
        ...packet,
        host: `${"h".repeat(62)}ä`,
        service: "ü".repeat(64),
        output: `${"x".repeat(480)}|load=1.25;2;3 users=1234567;5000000;9000000`,
      },
      512,
    );
    expect(decodeNscaPacket(bytes)).toMatchObject({
      ...packet,
      host: "h".repeat(62),
      service: "ü".repeat(63),
      output: `${"x".repeat(480)}|load=1.25;2;3`,
    });
    expect(cuts).toEqual([
      "host cut from 64 to 62 bytes",
      "service cut from 128 to 126 bytes",
      "output cut from 524 to 494 bytes",
    ]);
  });

  it("has a blank where a NUL would end a text", () => {
    const { bytes } = encode({ ...packet, output: "a\0b" }, 512);
    expect(decodeNscaPacket(bytes).output).toBe("a b");
  });

  it("is read when a sender fills a field to its last byte, cuts through a character, or writes Latin-1", () => {
    const { bytes } = encode(packet, 512);
    bytes.fill("h", 14, 78);
    bytes.write("Größe\0", 78, "latin1");
    bytes.fill("o", 206, 717);
    bytes[717] = 0xc3;
    expect(decodeNscaPacket(bytes)).toMatchObject({
      ...packet,
      host: "h".repeat(64),
      service: "Größe",
      output: "o".repeat(511),
    });
  });
});
