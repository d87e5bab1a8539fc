import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeDeadLetter,
  decodeQueue,
  decodeRecord,
  decodeStore,
  encodeDeadLetter,
  encodeQueue,
  encodeRecord,
  encodeStore,
  readRecordKey,
  recordKey,
  recordSize,
  scanValue,
} from "../../src/spool/format.js";

const id = fc.nat({ max: 0xffff_ffff });
const count = fc.maxSafeNat();
const text = fc.string({ unit: "binary", maxLength: 40 }).map((value) => Buffer.from(value).toString());
const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));

const record = fc.record({
  queue: id,
  sequence: count,
  revision: id,
  isRetried: fc.boolean(),
  timeMs: count,
  subject: text,
  bytes,
});
const letter = fc.record({ queue: id, sequence: count, buriedMs: count, reason: text, raw: bytes });
const queue = fc.record({
  id,
  name: text,
  isIndexed: fc.boolean(),
  nextSequence: count,
  firstLive: count,
  waiting: count,
  waitingBytes: count,
  dead: count,
  deadBytes: count,
});
const store = fc.record({ formatVersion: id, createdMs: count, nextQueueId: id });

type RecordOf = ReturnType<typeof record.generate>["value"];
const encode = (value: RecordOf) => encodeRecord(value, Buffer.from(value.subject));

describe("what is written is read", () => {
  test("records, whose size is known beforehand", () => {
    fc.assert(
      fc.property(record, (value) => {
        const encoded = encode(value);
        expect(decodeRecord(encoded)).toEqual(value);
        expect(encoded.length).toBe(recordSize(Buffer.byteLength(value.subject), value.bytes.length));
      }),
    );
  });
  test("dead letters", () => {
    fc.assert(
      fc.property(letter, (value) => {
        expect(decodeDeadLetter(encodeDeadLetter(value))).toEqual(value);
      }),
    );
  });
  test("queues", () => {
    fc.assert(
      fc.property(queue, (value) => {
        expect(decodeQueue(encodeQueue(value))).toEqual(value);
      }),
    );
  });
  test("the store", () => {
    fc.assert(
      fc.property(store, (value) => {
        expect(decodeStore(encodeStore(value))).toEqual(value);
      }),
    );
  });
  test("keys, which sort by queue and then by sequence", () => {
    fc.assert(
      fc.property(id, count, id, count, (queueA, sequenceA, queueB, sequenceB) => {
        const a = recordKey(queueA, sequenceA);
        expect(readRecordKey(a)).toEqual({ queue: queueA, sequence: sequenceA });
        const order = Math.sign(queueA - queueB) || Math.sign(sequenceA - sequenceB);
        expect(Buffer.compare(a, recordKey(queueB, sequenceB))).toBe(order);
      }),
    );
    expect(readRecordKey(Buffer.alloc(11))).toBeUndefined();
  });
});

describe("what was damaged is never taken for whole", () => {
  const forms = {
    record: { values: record.map(encode), decode: decodeRecord },
    "dead letter": { values: letter.map((value) => encodeDeadLetter(value)), decode: decodeDeadLetter },
    queue: { values: queue.map((value) => encodeQueue(value)), decode: decodeQueue },
    store: { values: store.map((value) => encodeStore(value)), decode: decodeStore },
  };
  for (const [name, form] of Object.entries(forms)) {
    test(`a ${name} with any bit flipped`, () => {
      fc.assert(
        fc.property(form.values, (value) => {
          for (let bit = 0; bit < value.length * 8; bit += 1) {
            const damaged = Buffer.from(value);
            damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
            expect(form.decode(damaged)).toBeUndefined();
          }
        }),
        { numRuns: 20 },
      );
    });
    test(`a ${name} that is torn or has a tail`, () => {
      fc.assert(
        fc.property(form.values, fc.nat(), fc.uint8Array({ minLength: 1 }), (value, cut, tail) => {
          expect(form.decode(value.subarray(0, cut % value.length))).toBeUndefined();
          expect(form.decode(Buffer.concat([value, tail]))).toBeUndefined();
        }),
      );
    });
    test(`garbage in the place of a ${name}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
          expect(form.decode(value)).toBeUndefined();
        }),
      );
    });
  }
});

describe("a scan of a file", () => {
  test("finds every whole value and where it ends, wherever it lies", () => {
    fc.assert(
      fc.property(bytes, record, letter, queue, bytes, (before, one, two, three, behind) => {
        const values = [encode(one), encodeDeadLetter(two), encodeQueue(three)];
        const file = Buffer.concat([before, ...values, behind]);
        let at = before.length;
        expect(scanValue(file, at)).toEqual({ kind: "record", record: one, end: at + (values[0]?.length ?? 0) });
        at += values[0]?.length ?? 0;
        expect(scanValue(file, at)).toEqual({ kind: "dead", letter: two, end: at + (values[1]?.length ?? 0) });
        at += values[1]?.length ?? 0;
        expect(scanValue(file, at)).toEqual({ kind: "queue", queue: three, end: file.length - behind.length });
      }),
    );
  });
  test("does not read beyond the end of the file", () => {
    fc.assert(
      fc.property(record, fc.nat(), (value, cut) => {
        const encoded = encode(value);
        const file = encoded.subarray(0, cut % encoded.length);
        for (let at = 0; at <= file.length; at += 1) expect(scanValue(file, at)).toBeUndefined();
      }),
    );
  });
});

test("the reason of a dead letter is cut at a character when it is too long", () => {
  const stored = decodeDeadLetter(
    encodeDeadLetter({ queue: 1, sequence: 1, buriedMs: 1, reason: `a${"ü".repeat(40_000)}`, raw: Buffer.alloc(0) }),
  );
  expect(stored?.reason).toBe(`a${"ü".repeat(32_767)}`);
});
