import { describe, expect, it } from "vitest";
import { Grants } from "../../src/kernel/principal.js";
import { carryOut, type QueueDesk } from "../../src/relay/queue-orders.js";
import { nscp, ResultCode } from "../../src/wire/messages.js";
import { MemorySpool } from "../support/memory-spool.js";

const { QueueRequest, QueueResponse } = nscp.gateway.v1;

function desk(spool: MemorySpool | undefined, ...grants: string[]): QueueDesk {
  const held = new Grants(grants.length === 0 ? ["*"] : grants);
  return {
    spool,
    deliveryOf: (queue) =>
      queue === "nagios"
        ? {
            ...{ name: "monitor", queue, grade: "written", breaker: "open", delivered: 7, refused: 1, retried: 4 },
            ...{ failures: 2, lastError: "connection refused", lastErrorMs: 4_000, nextTryMs: 5_000, takenOverBy: "" },
          }
        : undefined,
    allows: (grant, queue) => held.allows(grant, queue),
    caller: "token:duty",
  };
}

async function ask(at: QueueDesk, order: Record<string, unknown>) {
  const request = QueueRequest.decode(QueueRequest.encode(QueueRequest.fromObject(order)).finish());
  const answer = QueueResponse.encode(await carryOut(request, at)).finish();
  return QueueResponse.toObject(QueueResponse.decode(answer), { longs: Number, enums: String });
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no failure",
    (thrown: unknown) => (thrown instanceof Error && "code" in thrown ? `${thrown.code}: ${thrown.message}` : "?"),
  );
}

/** A queue `nagios` with five results, of which one was refused. */
function filled(): MemorySpool {
  const spool = new MemorySpool();
  spool.put("nagios", "web1", "disk", "91 % full|'/'=91%;90;95", ResultCode.WARNING);
  spool.put("nagios", "web1", "", "up");
  spool.put("nagios", "db1", "disk", "ok");
  spool.put("nagios", "db1", "load", "too much", ResultCode.CRITICAL);
  spool.put("icinga", "db1", "load", "too much", ResultCode.CRITICAL);
  spool.bury("nagios", 3, "No such service: db1;disk");
  return spool;
}

describe("list", () => {
  it("tells of every queue how much waits, and how its target fares", async () => {
    const answer = await ask(desk(filled()), { list: {} });
    expect(answer).toMatchObject({
      queue: [
        { name: "icinga", waiting: 1, oldestMs: 5_000, hasConsumer: true },
        {
          name: "nagios",
          waiting: 3,
          oldestMs: 1_000,
          dead: 1,
          delivery: {
            ...{ grade: "written", breaker: "open", lastError: "connection refused", lastErrorMs: 4_000 },
            ...{ nextTryMs: 5_000, retried: 4 },
          },
        },
      ],
      spool: { folder: "/var/spool", count: 5, maximumBytes: 1024 },
    });
  });

  it("shows the queues that fit and that the caller may see", async () => {
    const names = async (at: QueueDesk, queue: string[]) => {
      const { queue: found = [] } = (await ask(at, { list: { queue } })) as { queue?: { name: string }[] };
      return found.map(({ name }) => name);
    };
    expect(await names(desk(filled()), ["NAG*"])).toEqual(["nagios"]);
    expect(await names(desk(filled()), ["x*"])).toEqual([]);
    expect(await names(desk(filled(), "queue.list:icinga"), [])).toEqual(["icinga"]);
  });

  it("says of a name which queue may have been meant, of those that the caller may see", async () => {
    const order = { list: { queue: ["nagiso"] } };
    await expect(ask(desk(filled()), order)).rejects.toThrow('There is no queue nagiso (did you mean "nagios"?).');
    await expect(ask(desk(filled(), "queue.list:icinga"), order)).rejects.toThrow("There is no queue nagiso.");
  });

  it("is empty where there is no spool", async () => {
    expect(await ask(desk(undefined), { list: {} })).toEqual({});
  });
});

describe("show", () => {
  it("shows what waits as people read it", async () => {
    expect(await ask(desk(filled()), { show: { choice: { queue: "nagios" } } })).toEqual({
      record: [
        {
          ...{ sequence: 1, acceptedMs: 1_000, host: "web1", service: "disk", state: "WARNING", channel: "NSCA" },
          text: "91 % full|'/'=91%;90;95",
        },
        { sequence: 2, acceptedMs: 2_000, host: "web1", text: "up", channel: "NSCA" },
        {
          ...{ sequence: 4, acceptedMs: 4_000, host: "db1", service: "load", state: "CRITICAL", channel: "NSCA" },
          text: "too much",
        },
      ],
    });
  });

  it("shows dead letters with the receiver's words", async () => {
    expect(await ask(desk(filled()), { show: { choice: { queue: "nagios", dead: true } } })).toEqual({
      record: [
        {
          ...{ sequence: 3, acceptedMs: 3_000, buriedMs: 3_500, reason: "No such service: db1;disk" },
          ...{ host: "db1", service: "disk", text: "ok", channel: "NSCA" },
        },
      ],
    });
  });

  it("filters by host and service; host_check is the host itself", async () => {
    const sequences = async (choice: object) => {
      const answer = await ask(desk(filled()), { show: { choice: { queue: "nagios", ...choice } } });
      const { record = [] } = answer as { record?: { sequence: number }[] };
      return record.map(({ sequence }) => sequence);
    };
    expect(await sequences({ host: "WEB*" })).toEqual([1, 2]);
    expect(await sequences({ service: "host_check" })).toEqual([2]);
    expect(await sequences({ host: "db1", service: "disk" })).toEqual([]);
    expect(await sequences({ sequence: [4, 1, 99] })).toEqual([1, 4]);
  });

  it("pages by count and by bytes, and every record comes once", async () => {
    const spool = new MemorySpool();
    for (let index = 0; index < 700; index++)
      spool.put("q", `h${index}`, "s", "x".repeat(index % 7 === 0 ? 40_000 : 1));
    for (const limit of [0, 100, 3]) {
      const seen: number[] = [];
      let after = 0;
      do {
        const answer = await ask(desk(spool), { show: { choice: { queue: "q", after }, limit, complete: true } });
        const { record = [], next = 0 } = answer as { record?: { sequence: number }[]; next?: number };
        if (limit > 0) expect(record.length).toBeLessThanOrEqual(limit);
        expect(JSON.stringify(record).length).toBeLessThan(2_000_000);
        seen.push(...record.map(({ sequence }) => sequence));
        after = next;
      } while (after > 0);
      expect(seen).toEqual(Array.from({ length: 700 }, (_, index) => index + 1));
    }
  });

  it("looks at so many records and then says where to go on, though none fits", async () => {
    const spool = new MemorySpool();
    for (let index = 0; index < 21_000; index++) spool.put("q", index === 20_999 ? "last" : "other", "s", "x");
    const first = await ask(desk(spool), { show: { choice: { queue: "q", host: "last" } } });
    expect(first).toEqual({ next: 20_224 });
    expect(await ask(desk(spool), { show: { choice: { queue: "q", host: "last", after: 20_224 } } })).toMatchObject({
      record: [{ sequence: 21_000, host: "last" }],
    });
  });

  it("shows what can't be read by what the spool knows of it, and cuts long text at a character", async () => {
    const spool = new MemorySpool();
    spool.putBytes("q", "web1;disk;C:", Buffer.from([0xff, 0xff, 0xff]));
    spool.put("q", "h", "s", `${"x".repeat(999)}😀`);
    const answer = await ask(desk(spool), { show: { choice: { queue: "q" } } });
    expect(answer).toMatchObject({
      record: [
        { sequence: 1, host: "web1", service: "disk;C:", state: "UNKNOWN", unreadable: true },
        { sequence: 2, text: "x".repeat(999) },
      ],
    });
  });
});

describe("retry and drop", () => {
  it("put dead letters back at the end, all or those that are named", async () => {
    const spool = filled();
    expect(await ask(desk(spool), { retry: { queue: "nagios", sequence: [7] } })).toEqual({});
    expect(await ask(desk(spool), { retry: { queue: "nagios", all: true } })).toEqual({ count: 1 });
    expect(spool.waiting.get("nagios")?.map(({ sequence }) => sequence)).toEqual([1, 2, 4, 6]);
  });

  it("drop what fits, and leave what is on its way", async () => {
    const spool = filled();
    spool.claimed.add(1);
    expect(await ask(desk(spool), { drop: { queue: "nagios", host: "web1" } })).toEqual({ count: 1 });
    expect(await ask(desk(spool), { drop: { queue: "nagios", dead: true, all: true } })).toEqual({ count: 1 });
    expect(spool.waiting.get("nagios")?.map(({ sequence }) => sequence)).toEqual([1, 4]);
    expect(await ask(desk(spool), { drop: { queue: "nagios", all: true } })).toEqual({ count: 1 });
  });

  it("reach every record of a long queue", async () => {
    const spool = new MemorySpool();
    for (let index = 0; index < 1_000; index++) spool.put("q", index % 2 === 0 ? "a" : "b", "s", "x");
    expect(await ask(desk(spool), { drop: { queue: "q", host: "a" } })).toEqual({ count: 500 });
    expect(spool.status().count).toBe(500);
  });

  it.each([
    [{ drop: { queue: "nagios" } }, "INVALID_ARGUMENT: Say what to drop: sequence numbers, a host or service, or all."],
    [
      { retry: { queue: "nagios" } },
      "INVALID_ARGUMENT: Say what to retry: sequence numbers, a host or service, or all.",
    ],
    [
      { drop: { queue: "nagios", all: true, host: "x" } },
      "INVALID_ARGUMENT: Sequence numbers, a host or service, and all exclude one another.",
    ],
    [{ show: { choice: { queue: "nagois" } } }, 'NOT_FOUND: There is no queue nagois (did you mean "nagios"?).'],
    [{ show: {} }, "INVALID_ARGUMENT: Show names no queue."],
    [{ show: { choice: {} } }, "INVALID_ARGUMENT: The order names no queue."],
    [{}, "INVALID_ARGUMENT: The order is none of list, show, retry and drop."],
    [
      { drop: { queue: "nagios", sequence: Array.from({ length: 1001 }, (_, index) => index) } },
      "INVALID_ARGUMENT: There are 1001 sequence numbers; one order takes at most 1000.",
    ],
  ])("refuse %j", async (order, problem) => {
    expect(await failure(ask(desk(filled()), order))).toBe(problem);
  });

  it.each([
    [{ list: {} }, "queue.list"],
    [{ show: { choice: { queue: "nagios" } } }, "queue.show for nagios"],
    [{ retry: { queue: "nagios", all: true } }, "queue.retry for nagios"],
    [{ drop: { queue: "nagios", all: true } }, "queue.drop for nagios"],
    [{ drop: { queue: "not there", all: true } }, "queue.drop for not there"],
  ])("need a grant: %j", async (order, missing) => {
    const poller = desk(filled(), "queries.execute", "queue.drop:icinga");
    expect(await failure(ask(poller, order))).toBe(`PERMISSION_DENIED: token:duty has no grant ${missing}.`);
  });
});
