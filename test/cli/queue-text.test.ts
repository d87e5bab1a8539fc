import { describe, expect, it } from "vitest";
import { exportLine } from "../../src/cli/queue-export.js";
import { headText, queuesText, recordsText } from "../../src/cli/queue-text.js";
import { nscp, QueryResponse, ResultCode } from "../../src/wire/messages.js";
import { parseNagiosText } from "../../src/wire/nagios-text.js";

const { QueueResponse, QueueRecord, SpooledResult } = nscp.gateway.v1;
const { Queue, Delivery, Spool } = QueueResponse;
const now = Date.UTC(2030, 0, 1);

function delivery(fields: Partial<nscp.gateway.v1.QueueResponse.Delivery>) {
  return Delivery.create({ grade: "confirmed", breaker: "closed", ...fields });
}

it("what is shown of a queue begins with how sure its deliveries are", () => {
  const queue = Queue.create({ name: "nagios", hasConsumer: true, waiting: 3, dead: 1, delivery: delivery({}) });
  expect(headText(queue, now)).toBe("nagios (confirmed): 3 waiting, 1 dead letter, delivering\n");
  expect(headText(Queue.create({ name: "gone", waiting: 2 }), now)).toBe(
    "gone: 2 waiting, 0 dead letters, no target\n",
  );
});

describe("the list of queues", () => {
  it("says how much waits and how each target fares", () => {
    const queue = [
      Queue.create({ name: "idle", hasConsumer: true, delivery: delivery({ lastError: "long ago", lastErrorMs: 1 }) }),
      Queue.create({
        ...{ name: "busy", hasConsumer: true, waiting: 1_204, waitingBytes: 361_200, oldestMs: now - 3_723_000 },
        delivery: delivery({ grade: "written", lastError: "connection refused", lastErrorMs: now - 5_000 }),
      }),
      Queue.create({
        ...{ name: "down", hasConsumer: true, waiting: 1, waitingBytes: 999, oldestMs: now - 1_000, dead: 7 },
        delivery: delivery({ breaker: "open", lastError: "no route\nto host", nextTryMs: now + 40_000 }),
      }),
      Queue.create({ name: "moved", hasConsumer: true, delivery: delivery({ takenOverBy: "second" }) }),
      Queue.create({ name: "gone", waiting: 2, waitingBytes: 5 * 1024 ** 3, oldestMs: now - 90_000_000 }),
    ];
    const text = queuesText(QueueResponse.create({ queue, spool: Spool.create({}) }), now, true);
    expect(text).toBe(
      [
        "QUEUE  GRADE      WAITING     SIZE  OLDEST  DEAD  STATE                 LAST ERROR",
        "idle   confirmed        0      0 B             0  delivering",
        "busy   written       1204  353 KiB   1h 2m     0  retrying              connection refused",
        "down   confirmed        1    999 B      1s     7  open, tries in 40s    no route to host",
        "moved  confirmed        0      0 B             0  taken over by second",
        "gone                    2  5.0 GiB   1d 1h     0  no target",
        "",
      ].join("\n"),
    );
  });

  it("says what is wrong with the spool, and that there are no queues", () => {
    const spool = Spool.create({
      ...{ folder: "/var/spool", refusing: "disk full", damagedRecords: 1 },
      damagedStore: ["damaged-20300101T000000Z.mdb"],
    });
    expect(queuesText(QueueResponse.create({ spool }), now, true)).toBe(
      `There are no queues.

Nothing is accepted: disk full
1 record found damaged
Damaged stores that were set aside in /var/spool: damaged-20300101T000000Z.mdb
`,
    );
  });

  it("does not say that there is no target when no gateway runs", () => {
    expect(queuesText(QueueResponse.create({ queue: [Queue.create({ name: "q" })] }), now, false)).toBe(
      `QUEUE  GRADE  WAITING  SIZE  OLDEST  DEAD  STATE    LAST ERROR
q                   0   0 B             0  stopped
`,
    );
  });
});

const response = QueryResponse.create({
  ...{ command: "disk", alias: "disk", source: "web1", result: ResultCode.CRITICAL },
  lines: [parseNagiosText("91 % füll|'/'=91%;90\nsecond")],
});
const record = QueueRecord.create({
  ...{
    sequence: 12,
    acceptedMs: now - 4_000,
    buriedMs: now,
    reason: "No such\nservice",
    host: "web1",
    service: "disk",
  },
  ...{ state: ResultCode.CRITICAL, text: "91 % füll|'/'=91%;90\nsecond", channel: "NSCA" },
  result: SpooledResult.create({ host: "web1", channel: "NSCA", timeMs: now - 5_000, result: response }),
});
const damaged = QueueRecord.create({ sequence: 13, acceptedMs: now, host: "web2", unreadable: true });

describe("results of a queue", () => {
  it("are shown a line each, dead letters with the receiver's words", () => {
    expect(recordsText([record, damaged], true, now)).toBe(
      [
        "NUMBER  AGE  HOST  SERVICE  STATE     CHANNEL  REASON           TEXT",
        "    12   4s  web1  disk     CRITICAL  NSCA     No such service  91 % füll|'/'=91%;90 second",
        "    13   0s  web2  (host)                                       (damaged)",
        "",
      ].join("\n"),
    );
    expect(recordsText([QueueRecord.create({ text: "x".repeat(100) })], false, now)).toContain(`${"x".repeat(79)}…\n`);
  });

  it("may be none", () => {
    expect([recordsText([], false, now), recordsText([], true, now)]).toEqual([
      "Nothing waits.\n",
      "There are no dead letters.\n",
    ]);
  });

  it("are exported as lines of a batch", () => {
    expect(exportLine("q", record, "text")).toBe("web1\tdisk\t2\t91 % füll|'/'=91%;90\\nsecond\n");
    const host = QueueRecord.create({ ...record, service: "" });
    expect(exportLine("q", host, "text")).toBe("web1\t2\t91 % füll|'/'=91%;90\\nsecond\n");
    expect(exportLine("q", damaged, "text")).toBeUndefined();
  });

  it("are exported as objects with the whole submission", () => {
    expect(JSON.parse(exportLine("q", record, "json") ?? "")).toEqual({
      ...{ queue: "q", sequence: 12, accepted: "2029-12-31T23:59:56.000Z", buried: "2030-01-01T00:00:00.000Z" },
      ...{ reason: "No such\nservice", host: "web1", service: "disk", state: "CRITICAL" },
      ...{ text: "91 % füll|'/'=91%;90\nsecond", channel: "NSCA" },
      submission: {
        header: { metadata: [{ key: "check.time", value: String(now - 5_000) }] },
        channel: "NSCA",
        payload: [
          {
            ...{ command: "disk", alias: "disk", source: "web1", result: "CRITICAL" },
            lines: [
              {
                message: "91 % füll\nsecond",
                perf: [{ alias: "/", floatValue: { value: 91, unit: "%", warning: { value: 90 } } }],
              },
            ],
          },
        ],
      },
    });
    expect(JSON.parse(exportLine("q", damaged, "json") ?? "")).toEqual({
      ...{
        queue: "q",
        sequence: 13,
        accepted: "2030-01-01T00:00:00.000Z",
        host: "web2",
        service: "",
        unreadable: true,
      },
    });
  });
});
