import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nscaEncryption } from "../../../src/wire/nsca/encryption.js";
import { type NscaMethod, parseNscaMethod } from "../../../src/wire/nsca/methods.js";
import type { NscaPacket, NscaResult } from "../../../src/wire/nsca/packet.js";
import { NscaReader } from "../../../src/wire/nsca/reader.js";
import { NscaWriter } from "../../../src/wire/nsca/writer.js";
import { recordings } from "./recordings.js";

const NAMES = [
  "none",
  "xor",
  "des",
  "3des",
  "xtea",
  "blowfish",
  "twofish",
  "rijndael128",
  "rijndael256",
  "rc2",
  "gost",
];
const WRONG_KEY = "the password or the encryption method is not the same on both sides";
const init = { iv: Uint8Array.from({ length: 128 }, (_, index) => (index * 37) & 255), timestamp: 1_795_362_748 };

function method(name: string): NscaMethod {
  const parsed = parseNscaMethod(name);
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  return parsed.method;
}

function reader(name: string, password = "secret", payloadLength?: number): NscaReader {
  return new NscaReader(nscaEncryption(method(name), password, init.iv, "decrypt"), payloadLength);
}

/** A connection's bytes: each result in a packet of the size beside it, with the one encryption that runs through all. */
function connection(name: string, results: readonly { result: NscaResult; payloadLength: number }[]): Buffer {
  const writers = new Map<number, NscaWriter>();
  const encrypt = nscaEncryption(method(name), "secret", init.iv, "encrypt");
  const bytes = results.map(({ result, payloadLength }) => {
    let writer = writers.get(payloadLength);
    if (writer === undefined) {
      writer = new NscaWriter(init, { method: method("none"), password: "", payloadLength });
      writers.set(payloadLength, writer);
    }
    const packet = Buffer.alloc(writer.packetSize);
    writer.write(result, packet);
    return encrypt.update(packet);
  });
  return Buffer.concat(bytes);
}

function drain(from: NscaReader): NscaPacket[] {
  const packets: NscaPacket[] = [];
  for (let packet = from.next(); packet !== undefined; packet = from.next()) packets.push(packet);
  return packets;
}

const result = fc.record({
  host: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }),
  service: fc.string({ unit: "grapheme-ascii", maxLength: 20 }),
  code: fc.nat(3),
  output: fc.string({ unit: "grapheme-ascii", maxLength: 100 }),
});

describe("The reader of a connection", () => {
  it("reads what send_nsca sent, byte by byte and in one piece", () => {
    for (const { method: number, password, iv, timestamp, packets } of recordings.connections) {
      const expected = packets.map(({ host, service, code, output, crc32 }) => ({
        host,
        service,
        code,
        output,
        timestamp,
        crc: Number.parseInt(crc32, 16),
      }));
      const bytes = Buffer.concat(packets.map(({ ciphertext }) => Buffer.from(ciphertext, "hex")));
      for (const step of [1, bytes.length]) {
        const encryption = nscaEncryption(method(`${number}`), password, Buffer.from(iv, "hex"), "decrypt");
        const reading = new NscaReader(encryption);
        const read: NscaPacket[] = [];
        for (let at = 0; at < bytes.length; at += step) {
          reading.push(bytes.subarray(at, at + step));
          read.push(...drain(reading));
        }
        expect(read).toEqual(expected);
        expect({ problem: reading.problem, pending: reading.pending }).toEqual({ problem: undefined, pending: 0 });
      }
    }
  });

  it("reads packets of all sizes mixed, in pieces of any size", () => {
    const entry = fc.record({ result, payloadLength: fc.constantFrom(512, 1024, 4096) });
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES),
        fc.array(entry, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1, maxLength: 8 }),
        (name, entries, steps) => {
          const bytes = connection(name, entries);
          const reading = reader(name, "secret", 1024);
          const read: NscaPacket[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const step = steps[turn % steps.length] ?? 1;
            reading.push(bytes.subarray(at, at + step));
            read.push(...drain(reading));
            at += step;
          }
          expect(read).toMatchObject(entries.map((each) => ({ ...each.result, timestamp: init.timestamp })));
          expect({ problem: reading.problem, pending: reading.pending }).toEqual({ problem: undefined, pending: 0 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("hands out a short packet at once, also behind long ones and while the sender stays", () => {
    const one = { host: "h", service: "s", code: 0, output: "o" };
    const bytes = connection(
      "3des",
      [4096, 4096, 512].map((payloadLength) => ({ result: one, payloadLength })),
    );
    const reading = reader("3des");
    reading.push(bytes);
    expect(drain(reading)).toHaveLength(3);
  });

  it("says early that the password is another one", () => {
    const bytes = connection("3des", [
      { result: { host: "h", service: "s", code: 0, output: "o" }, payloadLength: 4096 },
    ]);
    const reading = reader("3des", "other");
    reading.push(bytes.subarray(0, 720));
    expect(drain(reading)).toEqual([]);
    expect(reading.problem).toMatch(new RegExp(`^a packet has version -?\\d+ and not 3: ${WRONG_KEY}$`));
  });

  it("says that a packet is damaged and reads nothing behind it", () => {
    const one = { host: "h", service: "s", code: 0, output: "o" };
    const bytes = connection("xor", Array(3).fill({ result: one, payloadLength: 4096 }));
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    const reading = reader("xor");
    reading.push(bytes);
    expect(drain(reading)).toHaveLength(1);
    expect(reading.problem).toBe("a packet has a wrong CRC");
    reading.push(bytes);
    expect(drain(reading)).toEqual([]);
  });

  it("knows what is left of a packet that never came whole", () => {
    const reading = reader("none");
    reading.push(
      connection("none", [{ result: { host: "h", service: "s", code: 0, output: "o" }, payloadLength: 4096 }]).subarray(
        0,
        1000,
      ),
    );
    expect(drain(reading)).toEqual([]);
    expect({ problem: reading.problem, pending: reading.pending }).toEqual({ problem: undefined, pending: 1000 });
  });

  it("neither throws nor runs on, whatever comes", () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 5000, size: "max" }), { maxLength: 4 });
    const versions = fc.array(fc.nat(5000), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), chunks, versions, (name, pieces, starts) => {
        const reading = reader(name);
        for (const piece of pieces) {
          // With the version right here and there, more of the checks are reached.
          for (const start of starts) if (start + 1 < piece.length) piece.set([0, 3], start);
          reading.push(piece);
          expect(drain(reading).length).toBeLessThanOrEqual(piece.length / 720 + 6);
          expect(reading.problem === undefined || reading.pending === 0).toBe(true);
          expect(reading.pending).toBeLessThan(4304);
        }
      }),
      { numRuns: 60 },
    );
  });
});
