import { describe, expect, it } from "vitest";
import type { Owner } from "../../../src/kernel/registry.js";
import { makeToken, serialiseTokens } from "../../../src/security/tokens.js";
import type { Init, QueryRequestMessage } from "../../../src/wire/messages.js";
import { PB, SubmitRequestMessage, SubmitResponse } from "../../../src/wire/messages.js";
import { adminMethods, gatewayMethods } from "../../../src/wire/services.js";
import { deferred, incoming, rows } from "../../support/kernel.js";
import { failure, type GrpcGateway, ok, startGateway } from "./grpc-gateway.js";
import { unreadStream } from "./unread-stream.js";

const owner: Owner = { id: 101, name: "PythonScript", alias: "python" };
const plain = "use ssl = false";

describe("QueryStream", () => {
  it("answers each message as soon as it can, tied by its message_id", async () => {
    const gateway = await startGateway(plain);
    const slow = deferred<void>();
    gateway.check("check_slow", async () => {
      await slow.promise;
      return ok("late");
    });
    gateway.check("check_ok", "fine");
    const seen: string[] = [];
    for await (const answer of gateway
      .connect({ tls: false })
      .queryStream([one("m1", "check_slow"), one("m2", "check_ok")])) {
      seen.push(`${answer.header?.messageId}: ${rows(answer)}`);
      slow.resolve();
    }
    expect(seen).toEqual(["m2: 0 check_ok OK fine", "m1: 0 check_slow OK late"]);
  });

  it("stops reading requests while their answers are not read, and loses none", async () => {
    const gateway = await startGateway(`${plain}\nstream window = 16`);
    const total = 3000;
    let handled = 0;
    gateway.check("check_long", () => {
      handled++;
      return ok("x".repeat(20_000));
    });
    const requests = Array.from({ length: total }, (_, index) => one(String(index), "check_long"));
    const stream = await unreadStream(gateway.port, gatewayMethods.queryStream, requests);
    await settled(gateway, () => handled);
    expect(handled).toBeLessThan(100);
    const { messages, status: end } = await stream.read();
    expect(messages.map(({ header }) => header?.messageId)).toEqual(requests.map((_, index) => String(index)));
    expect(end).toBe("OK: OK");
    stream.close();
  });

  it("keeps only so many checks running at a time", async () => {
    const gateway = await startGateway(`${plain}\nstream window = 5`);
    const gate = deferred<void>();
    let running = 0;
    gateway.check("check_slow", async () => {
      running++;
      await gate.promise;
      return ok("");
    });
    const requests = Array.from({ length: 40 }, (_, index) => one(String(index), "check_slow"));
    const answers = all(gateway.connect({ tls: false }).queryStream(requests));
    await settled(gateway, () => running);
    expect(running).toBe(5);
    gate.resolve();
    expect((await answers).length).toBe(40);
  });

  it("waits for a full script host while other checks of the stream run", async () => {
    const gateway = await startGateway(plain);
    let running = 0;
    const admission = { name: "node", isFull: () => running >= 2 };
    gateway.registry.addQuery(
      owner,
      "check_busy",
      async () => {
        running++;
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return ok("done");
      },
      { admission },
    );
    const requests = Array.from({ length: 20 }, (_, index) => one(String(index), "check_busy"));
    const answers = await all(gateway.connect({ tls: false }).queryStream(requests));
    expect(answers.map((answer) => rows(answer)[0])).toEqual(Array(20).fill("0 check_busy OK done"));
  });

  it("ends with INVALID_ARGUMENT after the answers of what came before a malformed message", async () => {
    const gateway = await startGateway(plain);
    gateway.check("check_ok", "fine");
    // A payload of field 2 that claims to be longer than the message.
    const stream = await unreadStream(gateway.port, gatewayMethods.queryStream, [
      one("m1", "check_ok"),
      Buffer.from([0x12, 0x7f, 0x01]),
    ]);
    const { messages, status: end } = await stream.read();
    expect(messages.flatMap((message) => rows(message))).toEqual(["0 check_ok OK fine"]);
    expect(end).toMatch(/^INVALID_ARGUMENT: The message can't be decoded/);
    stream.close();
  });

  it("ends the checks of a caller that goes away", async () => {
    const gateway = await startGateway(plain);
    const began = deferred<void>();
    const ended = deferred<void>();
    gateway.check("check_hang", (_request, call) => {
      call.onAbort(() => ended.resolve());
      began.resolve();
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const stream = gateway.connect({ tls: false }).queryStream([one("m1", "check_hang")], { signal: abort.signal });
    const reading = failure(all(stream));
    await began.promise;
    abort.abort();
    await ended.promise;
    expect(await reading).toBe("CANCELLED: The call was cancelled.");
  });
});

describe("SubmitStream", () => {
  it("answers every submission with its message_id", async () => {
    const gateway = await startGateway(plain);
    const taken: string[] = [];
    gateway.registry.addChannel(owner, "inbox", ({ payload }) => {
      taken.push(...payload.map(({ alias }) => alias));
      return [SubmitResponse.create({ result: PB.Common.Result.create({ message: "Submission successful" }) })];
    });
    const requests = ["a", "b"].map((alias) => ({
      header: { messageId: alias },
      channel: "inbox",
      payload: [{ alias }],
    }));
    const answers = await all(gateway.connect({ tls: false }).submitStream(requests));
    expect(answers.map(({ header, payload }) => [header?.messageId, payload[0]?.result?.message])).toEqual([
      ["a", "Submission successful"],
      ["b", "Submission successful"],
    ]);
    expect(taken).toEqual(["a", "b"]);
  });
});

describe("Subscribe", () => {
  it("sends what is submitted to the channels, until the reader leaves", async () => {
    const gateway = await startGateway(plain);
    const client = gateway.connect({ tls: false });
    const open = deferred<void>();
    const subscription = client
      .subscribe(["alerts", "inbox"], { onOpen: () => open.resolve() })
      [Symbol.asyncIterator]();
    const first = subscription.next();
    await open.promise;
    const answer = await client.submit(submission("inbox", "load"));
    expect(answer.payload.map(({ result }) => `${result?.code} ${result?.message}`)).toEqual([
      "0 Submission successful",
    ]);
    const { value } = await first;
    expect(value).toMatchObject({ channel: "inbox", payload: [{ alias: "load" }] });
    const header = { senderId: "s", hosts: [{ id: "s", metadata: [{ key: "password", value: "secret" }] }] };
    const second = subscription.next();
    await gateway.core.submit(
      "inbox",
      SubmitRequestMessage.fromObject({ header, payload: [{ alias: "disk" }] }),
      incoming({ remote: false }),
    );
    expect((await second).value).toMatchObject({ header: { senderId: "s", hosts: [] }, payload: [{ alias: "disk" }] });
    await subscription.return?.(undefined);
    await until(gateway, () => gateway.registry.findChannel("inbox").length === 0);
  });

  it("ends with RESOURCE_EXHAUSTED a reader that falls behind, and tells the submitter", async () => {
    const gateway = await startGateway(`${plain}\nsubscriber limit = 10`);
    const stream = await unreadStream(gateway.port, gatewayMethods.subscribe, [{ channel: ["*"] }]);
    await stream.response;
    const submitter = gateway.connect({ tls: false });
    let sent = 0;
    let text = "";
    while (text === "") {
      const answer = await submitter.submit(submission("inbox", "x".repeat(50_000)));
      sent++;
      if (answer.payload[0]?.result?.code !== 0) text = answer.payload[0]?.result?.message ?? "";
    }
    expect(text).toBe("The subscriber anonymous fell behind and was ended");
    expect(gateway.registry.findChannel("inbox")).toEqual([]);
    const { messages, status: end } = await stream.read();
    expect(end).toBe("RESOURCE_EXHAUSTED: The reader fell 10 messages behind.");
    expect(messages.length).toBeLessThan(sent);
    stream.close();
  });

  it("ends when its reader may not have it any more, and stays when they may", async () => {
    const gateway = await startGateway(plain);
    const [kept, gone] = ["kept", "gone"].map((name) =>
      makeToken({ name, role: "poller", expires: undefined }, Date.now()),
    );
    if (kept === undefined || gone === undefined) throw new Error("no tokens");
    gateway.file("tokens.json", serialiseTokens([kept.record, gone.record]));
    expect(await gateway.reload(plain)).toBe(true);
    const subscribe = async (token: string) => {
      const open = deferred<void>();
      const client = gateway.connect({ tls: false, token });
      const subscription = client.subscribe(["inbox"], { onOpen: open.resolve })[Symbol.asyncIterator]();
      const first = subscription.next();
      await open.promise;
      return { first, subscription };
    };
    const [reader, revoked] = [await subscribe(kept.text), await subscribe(gone.text)];
    const ended = failure(revoked.first);
    gateway.file("tokens.json", serialiseTokens([kept.record]));
    expect(await gateway.reload(plain)).toBe(true);
    expect(await ended).toBe("UNAUTHENTICATED: The token is not known.");
    await gateway.connect({ tls: false }).submit(submission("inbox", "load"));
    expect((await reader.first).value).toMatchObject({ channel: "inbox", payload: [{ alias: "load" }] });

    const refused = failure(reader.subscription.next());
    gateway.file("tokens.json", serialiseTokens([{ ...kept.record, role: "nothing" }]));
    expect(await gateway.reload(plain)).toBe(true);
    expect(await refused).toBe("PERMISSION_DENIED: token:kept is not allowed to subscribe to inbox.");
    expect(gateway.registry.findChannel("inbox")).toEqual([]);
  });

  it("ends some seconds after the token of its reader was taken back, without a reload", {
    timeout: 30_000,
  }, async () => {
    const gateway = await startGateway(plain);
    const token = makeToken({ name: "icinga", role: "poller", expires: undefined }, Date.now());
    gateway.file("tokens.json", serialiseTokens([token.record]));
    expect(await gateway.reload(plain)).toBe(true);
    const open = deferred<void>();
    const client = gateway.connect({ tls: false, token: token.text, timeoutMs: Number.POSITIVE_INFINITY });
    const ended = failure(all(client.logs({ follow: true }, { onOpen: open.resolve })));
    await open.promise;
    gateway.file("tokens.json", serialiseTokens([]));
    expect(await ended).toBe("UNAUTHENTICATED: The token is not known.");
  });

  it("needs a channel, and a grant for each", async () => {
    const gateway = await startGateway(plain, "[/settings/security]\nanonymous role = narrow");
    const client = gateway.connect({ tls: false });
    expect(await failure(all(client.subscribe([])))).toBe("INVALID_ARGUMENT: No channel is given.");
    expect(await failure(all(client.subscribe(["inbox"])))).toBe(
      "PERMISSION_DENIED: anonymous is not allowed to subscribe to inbox.",
    );
  });
});

describe("Logs", () => {
  it("sends the last records of a level, then new ones", async () => {
    const gateway = await startGateway(plain);
    gateway.log.error("first");
    gateway.log.info("second");
    gateway.log.warn("third");
    const client = gateway.connect({ tls: false });
    const { LOG_WARNING, LOG_ERROR } = PB.Log.LogEntry.Entry.Level;
    const kept = (await all(client.logs({ level: LOG_WARNING, tail: 2 }))).flatMap(({ entry }) => entry);
    expect(kept.map(({ level, message }) => [level, message])).toEqual([
      [LOG_ERROR, "first"],
      [LOG_WARNING, "third"],
    ]);
    const open = deferred<void>();
    const follower = client.logs({ follow: true }, { onOpen: () => open.resolve() })[Symbol.asyncIterator]();
    const next = follower.next();
    await open.promise;
    gateway.log.debug("not this");
    gateway.log.info("this");
    expect((await next).value?.entry.map(({ message }: { message: string }) => message)).toEqual(["this"]);
    await follower.return?.(undefined);
  });

  it("ends with RESOURCE_EXHAUSTED a reader that falls behind", async () => {
    const gateway = await startGateway(`${plain}\nsubscriber limit = 10`);
    const stream = await unreadStream(gateway.port, adminMethods.logs, [{ follow: true }]);
    await stream.response;
    for (let index = 0; index < 100; index++) gateway.log.info(`${index} ${"x".repeat(10_000)}`);
    expect((await stream.read()).status).toBe("RESOURCE_EXHAUSTED: The reader fell 10 messages behind.");
    stream.close();
  });
});

function one(messageId: string, command: string): Init<QueryRequestMessage> {
  return { header: { messageId }, payload: [{ command }] };
}

function submission(channel: string, alias: string): Init<SubmitRequestMessage> {
  return { channel, payload: [{ alias }] };
}

async function all<Message>(messages: AsyncIterable<Message>): Promise<Message[]> {
  const seen: Message[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

/** Resolves when the figure stays the same while other calls go to and fro. */
async function settled(gateway: GrpcGateway, figure: () => number): Promise<void> {
  const other = gateway.connect({ tls: false });
  let same = 0;
  for (let last = -1; same < 20; ) {
    await other.status();
    same = figure() === last && last > 0 ? same + 1 : 0;
    last = figure();
  }
}

async function until(gateway: GrpcGateway, condition: () => boolean): Promise<void> {
  const other = gateway.connect({ tls: false });
  while (!condition()) await other.status();
}
