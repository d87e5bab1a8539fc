import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCharset } from "../../../src/wire/charset.js";
import {
  encodeNrpeQuery,
  encodeNrpeResponse,
  type NrpePacket,
  type NrpeVersion,
} from "../../../src/wire/nrpe/packet.js";
import { NrpeReader, type NrpeReaderOptions } from "../../../src/wire/nrpe/reader.js";
import { type RecordedPacket, recordings } from "./recordings.js";

type Side = "query" | "response";

const plain = ({ text, ...rest }: NrpePacket) => ({ ...rest, text: text.toString() });

/** All packets of a connection whose bytes come in pieces of this size. */
function readAll(side: Side, bytes: Buffer, step = bytes.length, options: NrpeReaderOptions = {}) {
  const reader = new NrpeReader(side, options);
  const packets: ReturnType<typeof plain>[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, step)) {
    reader.push(Buffer.from(bytes.subarray(at, at + step)));
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(plain(packet));
  }
  return { packets, problem: reader.problem, pending: reader.pending, isDoubtful: reader.isDoubtful };
}

const whole = { problem: undefined, pending: 0, isDoubtful: false };
const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

/** The texts of which the recordings have a hash. */
const longTexts = new Map(
  ["A".repeat(1023), "A".repeat(3000), "B".repeat(65_504)].map((text) => [sha256(text), text] as const),
);
const textOf = ({ text, text_sha256 }: RecordedPacket) => text ?? longTexts.get(text_sha256 ?? "") ?? "";

/** With the text of the recording in it, so that only what stands behind it is taken over from there. */
function noiseOf(recorded: RecordedPacket): ((bytes: Buffer) => void) | undefined {
  const { packet } = recorded;
  return packet === undefined ? undefined : (bytes) => void Buffer.from(packet, "hex").copy(bytes);
}

function expectWritten(bytes: Buffer, recorded: RecordedPacket): void {
  if (recorded.packet !== undefined) expect(bytes.toString("hex")).toBe(recorded.packet);
  else {
    expect({ sha256: sha256(bytes), head: bytes.subarray(0, 64).toString("hex") }).toEqual({
      sha256: recorded.packet_sha256,
      head: recorded.packet_head,
    });
  }
}

/** All but one of version 2 whose noise was not kept. */
const recorded = recordings.cases.flatMap(({ check_nrpe_args, connections }) =>
  connections
    .flatMap(({ request, response }) => [
      { side: "query" as const, packet: request },
      ...(response === null ? [] : [{ side: "response" as const, packet: response }]),
    ])
    .filter(({ packet }) => packet.packet !== undefined || packet.version !== 2)
    .map((one) => ({ args: check_nrpe_args.join(" "), ...one })),
);

describe("What check_nrpe and nrpe 4.1.0 sent each other", () => {
  it.each(recorded)("is written byte for byte and read: $side of v$packet.version $args", ({ side, packet }) => {
    const { version, type, result_code: result, length } = packet;
    const payloadLength = version === 2 ? length - 12 : (packet.buffer_length ?? 0);
    const text = textOf(packet);
    const form = { version, payloadLength, fill: noiseOf(packet) };
    const bytes = side === "query" ? encodeNrpeQuery(text, form) : encodeNrpeResponse({ result, text }, form);
    expectWritten(bytes, packet);
    for (const step of [1, 7, length - 1, length]) {
      expect(readAll(side, bytes, step)).toEqual({
        packets: [{ version, type, result, text, payloadLength }],
        ...whole,
      });
    }
  });
});

describe("Packets that NSClient++ builds", () => {
  const { nsclient_packets: built } = recordings;
  it("are read, though they are short and their text has no NUL", () => {
    const query = Buffer.from(built["request_v4_foo!a!b"] ?? "", "hex");
    expect(readAll("query", query)).toEqual({
      packets: [{ version: 4, type: 1, result: -1, text: "foo!a!b", payloadLength: 7 }],
      ...whole,
    });
    for (const version of [3, 4]) {
      const answer = Buffer.from(built[`response_v${version}_rc1_hello|a=1`] ?? "", "hex");
      expect(readAll("response", answer)).toEqual({
        packets: [{ version, type: 2, result: 1, text: "hello|a=1", payloadLength: 9 }],
        ...whole,
      });
    }
  });

  it("have the same bytes in version 2, with zeros behind the text", () => {
    const answer = encodeNrpeResponse({ result: 1, text: "hello|a=1" }, { version: 2 });
    expect(answer.readUInt32BE(4).toString(16)).toBe(built["response_v2_rc1_hello|a=1_crc32"]);
    const query = encodeNrpeQuery("foo!a!b", { version: 2, fill: (bytes) => bytes.writeInt16BE(-1, 8) });
    expect(query.readUInt32BE(4).toString(16)).toBe(built["request_v2_foo!a!b_crc32"]);
  });

  it("may be parts of a long answer in version 2", () => {
    const parts = [
      encodeNrpeResponse({ result: 2, text: "first " }, { version: 2, payloadLength: 4096 }, "more"),
      encodeNrpeResponse({ result: 2, text: "second " }, { version: 2, payloadLength: 4096 }, "more"),
      encodeNrpeResponse({ result: 2, text: "last" }, { version: 2, payloadLength: 4096 }),
    ];
    expect(readAll("response", Buffer.concat(parts), undefined, { payloadLength: 4096 })).toEqual({
      packets: [
        { version: 2, type: 3, result: 2, text: "first ", payloadLength: 4096 },
        { version: 2, type: 3, result: 2, text: "second ", payloadLength: 4096 },
        { version: 2, type: 2, result: 2, text: "last", payloadLength: 4096 },
      ],
      ...whole,
    });
  });
});

describe("A query", () => {
  it("has 1036 bytes and grows with its text only where the version can say so", () => {
    const sizes = [2, 3, 4].map((version) =>
      [1, 1016, 1017, 1019, 1020, 1023].map(
        (size) => encodeNrpeQuery("x".repeat(size), { version: version as NrpeVersion }).length,
      ),
    );
    expect(sizes).toEqual([
      [1036, 1036, 1036, 1036, 1036, 1036],
      [1036, 1036, 1037, 1039, 1040, 1043],
      [1036, 1036, 1036, 1036, 1037, 1040],
    ]);
    expect(() => encodeNrpeQuery("x".repeat(1024), { version: 2 })).toThrow(
      new RangeError("A packet of version 2 has room for 1023 bytes and not for 1024."),
    );
  });

  it("of version 3 is whole before its last three bytes, which may come late or never", () => {
    const bytes = encodeNrpeQuery("check_ok!a", { version: 3 });
    const query = { version: 3, type: 1, result: 0, text: "check_ok!a", payloadLength: 1017 };
    for (let missing = 0; missing <= 3; missing++) {
      expect(readAll("query", bytes.subarray(0, bytes.length - missing))).toEqual({ packets: [query], ...whole });
    }
    expect(readAll("query", bytes.subarray(0, bytes.length - 4))).toMatchObject({ packets: [], problem: undefined });
  });

  it("of check_nrpe 4.0.0 is read, though it says that it is three bytes shorter", () => {
    const bytes = encodeNrpeQuery("check_ok", { version: 4 });
    bytes.writeInt32BE(1017, 12);
    bytes.writeUInt32BE(0, 4);
    bytes.writeUInt32BE(crc32(bytes), 4);
    const packets = [{ version: 4, type: 1, result: 0, text: "check_ok", payloadLength: 1017 }];
    for (const step of [1, 1034, 1036]) expect(readAll("query", bytes, step)).toEqual({ packets, ...whole });
    expect(readAll("query", bytes.subarray(0, 1035))).toMatchObject({ packets: [], isDoubtful: true });
  });

  it.each([16, 100, 1022, 2048, 4096, 65_536])("of version 2 may have a payload of %i bytes", (payloadLength) => {
    const bytes = encodeNrpeQuery("check_ok", { version: 2, payloadLength });
    const packets = [{ version: 2, type: 1, result: 0, text: "check_ok", payloadLength }];
    for (const step of [1, 1448, bytes.length]) expect(readAll("query", bytes, step)).toEqual({ packets, ...whole });
  });

  it("of version 2 is found when other things follow it", () => {
    const bytes = Buffer.concat([encodeNrpeQuery("check_ok", { version: 2 }), Buffer.from("garbage")]);
    expect(readAll("query", bytes)).toMatchObject({
      packets: [{ text: "check_ok" }],
      problem: { kind: "version", text: "a packet has version 26465 and none of 2, 3 and 4" },
    });
  });

  it("ends at its first NUL", () => {
    expect(encodeNrpeQuery("a\0b", { version: 4 }).subarray(16, 20).toString("latin1")).toBe("a b\0");
    const bytes = encodeNrpeQuery("a_b", { version: 4 });
    bytes[17] = 0;
    bytes.writeUInt32BE(0, 4);
    bytes.writeUInt32BE(crc32(bytes), 4);
    expect(readAll("query", bytes)).toMatchObject({ packets: [{ text: "a" }] });
  });
});

describe("An answer", () => {
  it("is as long as its text with a NUL, also when there is none", () => {
    const sizes = [3, 4].map((version) =>
      ["", "OK"].map((text) => encodeNrpeResponse({ result: 0, text }, { version: version as NrpeVersion }).length),
    );
    expect(sizes).toEqual([
      [20, 22],
      [17, 19],
    ]);
  });

  it("has a state and no other number", () => {
    const codes = [0, 1, 2, 3, 4, 77, -1, 70_000].map((result) =>
      encodeNrpeResponse({ result, text: "" }, { version: 4 }).readInt16BE(8),
    );
    expect(codes).toEqual([0, 1, 2, 3, 3, 3, 3, 3]);
  });

  it("can be written in another encoding", () => {
    const charset = findCharset("latin1");
    for (const version of [2, 3, 4] as const) {
      const { packets } = readLatin1(encodeNrpeResponse({ result: 0, text: "Größe" }, { version, charset }));
      expect(packets).toEqual(["Größe"]);
    }
  });
});

function readLatin1(bytes: Buffer) {
  const reader = new NrpeReader("response");
  reader.push(bytes);
  return { packets: [reader.next()?.text.toString("latin1")] };
}

describe("What is no packet", () => {
  const query = () => encodeNrpeQuery("check_ok", { version: 4 });
  const cases: [string, Buffer, ReturnType<typeof readAll>["problem"]][] = [
    [
      "another version",
      Buffer.from([0, 5]),
      { kind: "version", text: "a packet has version 5 and none of 2, 3 and 4" },
    ],
    [
      "TLS",
      Buffer.from([0x16, 3, 1, 0]),
      { kind: "version", text: "it begins like TLS, which this side does not speak" },
    ],
    [
      "an alert of TLS",
      Buffer.from([0x15, 3, 3, 0]),
      { kind: "version", text: "it is an alert of TLS, which this side does not speak" },
    ],
    [
      "an answer",
      encodeNrpeResponse({ result: 0, text: "OK" }, { version: 4 }),
      { kind: "type", text: "a packet has type 2, which is not that of a query" },
    ],
    [
      "more text than is taken",
      Buffer.concat([query().subarray(0, 12), Buffer.from([0, 1, 0, 1])]),
      { kind: "length", text: "a packet says that its text has 65537 bytes, and 65536 are taken" },
    ],
    [
      "less text than none",
      Buffer.concat([query().subarray(0, 12), Buffer.from([0xff, 0xff, 0xff, 0xff])]),
      { kind: "length", text: "a packet says that its text has -1 bytes, and 65536 are taken" },
    ],
    [
      "a damaged packet of version 3",
      Buffer.concat([encodeNrpeQuery("x", { version: 3 }).subarray(0, 1032), Buffer.from("????")]),
      { kind: "crc", text: "a packet has a wrong CRC" },
    ],
    [
      "a damaged packet of version 4",
      Buffer.concat([query().subarray(0, 1035), Buffer.from("????")]),
      { kind: "crc", text: "a packet has a wrong CRC" },
    ],
    [
      "too much of version 2",
      Buffer.alloc(65_548, "\0\u0002\0\u0001"),
      { kind: "crc", text: "a packet has a wrong CRC" },
    ],
  ];
  it.each(cases)("is named: %s", (_name, bytes, problem) => {
    expect(readAll("query", bytes)).toEqual({ packets: [], problem, pending: 0, isDoubtful: false });
    expect(readAll("query", bytes, 997)).toEqual({ packets: [], problem, pending: 0, isDoubtful: false });
  });

  it("is a query where an answer belongs", () => {
    expect(readAll("response", query()).problem).toEqual({
      kind: "type",
      text: "a packet has type 1, which is not that of an answer",
    });
  });

  it("is known as such when the connection ends", () => {
    const ended = (bytes: Buffer) => {
      const reader = new NrpeReader("query");
      reader.push(bytes);
      reader.next();
      reader.end();
      return reader.problem;
    };
    expect(ended(query().subarray(0, 20))).toEqual({
      kind: "end",
      text: "the connection ended within a packet, after 20 bytes",
    });
    const damaged = encodeNrpeQuery("check_ok", { version: 2 });
    damaged[20] = 1;
    expect(readAll("query", damaged)).toMatchObject({ packets: [], problem: undefined, isDoubtful: true });
    expect(ended(damaged)).toEqual({ kind: "crc", text: "a packet has a wrong CRC" });
    expect(ended(query())).toBeUndefined();
    expect(ended(Buffer.alloc(0))).toBeUndefined();
  });

  it("is every packet in which one bit fell over", () => {
    const one = fc.record({ version: fc.constantFrom<NrpeVersion>(2, 3, 4), at: fc.nat(1035), bit: fc.nat(7) });
    fc.assert(
      fc.property(one, fc.stringMatching(/^[a-z!]{1,40}$/), ({ version, at, bit }, text) => {
        const bytes = encodeNrpeQuery(text, { version });
        // The filler of version 4 does not count, and the tail of version 3 need not be there.
        fc.pre(version === 2 || ((at < 10 || at > 11) && at < (version === 3 ? 1033 : 1036)));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(readAll("query", bytes).packets).toEqual([]);
      }),
    );
  });
});

describe("The reader", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 200 }).map((value) => value.replaceAll("\0", ""));
  const form = fc.record({
    version: fc.constantFrom<NrpeVersion>(2, 3, 4),
    payloadLength: fc.constantFrom(1024, 2048, 4096, 16_384),
  });

  it("gives back what was written, in pieces of any size", () => {
    fc.assert(
      fc.property(form, fc.nat(3), text, fc.integer({ min: 1, max: 5000 }), (how, result, value, step) => {
        fc.pre(Buffer.byteLength(value) < how.payloadLength);
        const answer = encodeNrpeResponse({ result, text: value }, how);
        expect(readAll("response", answer, step)).toMatchObject({
          packets: [{ version: how.version, type: 2, result, text: Buffer.from(value).toString() }],
          ...whole,
        });
        const query = encodeNrpeQuery(value, how);
        expect(readAll("query", query, step)).toMatchObject({
          packets: [{ version: how.version, type: 1, result: 0, text: Buffer.from(value).toString() }],
          ...whole,
        });
      }),
    );
  });

  it("neither throws nor runs on, whatever comes", () => {
    const heads = fc.constantFrom([0, 2, 0, 1], [0, 3, 0, 1], [0, 4, 0, 1], [0, 2, 0, 2], []);
    const chunks = fc.array(fc.uint8Array({ maxLength: 3000, size: "max" }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom<Side>("query", "response"), heads, chunks, (side, head, pieces) => {
        const bytes = Buffer.concat([Buffer.from(head), ...pieces]);
        const { problem, pending } = readAll(side, bytes, 1000);
        expect(problem === undefined || pending === 0).toBe(true);
        expect(pending).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 300 },
    );
  });
});
