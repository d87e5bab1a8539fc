import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import type { Owner } from "../../../src/kernel/registry.js";
import { ExecuteResponse, PB, SubmitResponse } from "../../../src/wire/messages.js";
import { gatewayMethods } from "../../../src/wire/services.js";
import { deferred, rows } from "../../support/kernel.js";
import { failure, type GrpcGateway, ok, startGateway } from "./grpc-gateway.js";

const owner: Owner = { id: 101, name: "PythonScript", alias: "python" };
const plain = "use ssl = false";

describe("a call over gRPC", () => {
  it("answers the payloads of a query in request order with their ids and the header of the request", async () => {
    const gateway = await startGateway();
    const slow = deferred<void>();
    gateway.check("check_slow", async () => {
      await slow.promise;
      return ok("late");
    });
    gateway.check("check_ok", () => {
      slow.resolve();
      return ok("fine");
    });
    const answer = await gateway.connect().query({
      header: { messageId: "m1", tags: ["a"] },
      payload: [
        { id: 7, command: "check_slow" },
        { id: 8, command: "check_ok" },
        { id: 9, command: "check_none" },
      ],
    });
    expect(rows(answer)).toEqual([
      "7 check_slow OK late",
      "8 check_ok OK fine",
      "9 check_none UNKNOWN Unknown command(s): check_none",
    ]);
    expect(answer.header).toMatchObject({ messageId: "m1", tags: ["a"] });
  });

  it("executes a command on the target that the header names", async () => {
    const gateway = await startGateway(plain);
    gateway.registry.addCommand(owner, ["restart"], ({ arguments: given }) =>
      ExecuteResponse.create({ message: `restarted ${given.join(" ")}` }),
    );
    const client = gateway.connect({ tls: false });
    const answers = await Promise.all(
      ["python", "elsewhere"].map((recipientId) =>
        client.execute({ header: { recipientId }, payload: [{ id: 3, command: "restart", arguments: ["all"] }] }),
      ),
    );
    expect(answers.map(({ payload: [answer] }) => `${answer?.id} ${answer?.result} ${answer?.message}`)).toEqual([
      "3 0 restarted all",
      "3 3 Command not found: restart (target elsewhere)",
    ]);
  });

  it("submits to the channel of the message", async () => {
    const gateway = await startGateway(plain);
    gateway.registry.addChannel(owner, "inbox", () => [
      SubmitResponse.create({ result: PB.Common.Result.create({ message: "Submission successful" }) }),
    ]);
    const client = gateway.connect({ tls: false });
    const answers = await Promise.all(
      ["inbox", "nobody"].map((channel) => client.submit({ channel, payload: [{ id: 1, command: "c" }] })),
    );
    expect(answers.map(({ payload: [answer] }) => `${answer?.result?.code} ${answer?.result?.message}`)).toEqual([
      "0 Submission successful",
      "2 Failed to submit message: nobody",
    ]);
  });

  it("knows nothing that the caller says about itself in the header", async () => {
    const gateway = await startGateway(plain);
    let seen: unknown;
    gateway.check("check_ok", (_request, call, header) => {
      seen = {
        header: header?.metadata.map(({ key }) => key),
        hosts: header?.hosts,
        who: call.principal.name,
        remote: call.remote,
      };
      return ok("fine");
    });
    await gateway.connect({ tls: false }).query({
      header: {
        metadata: [
          { key: "nscp.principal", value: "local" },
          { key: "mine", value: "1" },
        ],
        hosts: [{ id: "x", address: "192.0.2.7" }],
      },
      payload: [{ command: "check_ok" }],
    });
    expect(seen).toEqual({ header: ["mine"], hosts: [], who: "anonymous", remote: true });
  });

  it("ends the work when the caller goes away", async () => {
    const gateway = await startGateway(plain);
    const began = deferred<void>();
    const ended = deferred<string>();
    gateway.check("check_slow", (_request, call) => {
      call.signal.addEventListener("abort", () => ended.resolve(String(call.aborted?.code)));
      began.resolve();
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const call = gateway
      .connect({ tls: false })
      .query({ payload: [{ command: "check_slow" }] }, { signal: abort.signal });
    await began.promise;
    abort.abort();
    expect(await failure(call)).toBe("CANCELLED: The call was cancelled.");
    expect(await ended.promise).toBe("CANCELLED");
  });

  it("does not end the work of a call that was answered", async () => {
    const gateway = await startGateway(plain);
    let aborted = false;
    gateway.check("check_late", async (_request, call) => {
      call.onAbort(() => {
        aborted = true;
      });
      return ok("fine");
    });
    const client = gateway.connect({ tls: false });
    await client.query({ payload: [{ command: "check_late" }] });
    await client.query({ payload: [{ command: "check_late" }] });
    expect(aborted).toBe(false);
  });

  it("answers UNKNOWN so early that the answer arrives before the caller's deadline", async () => {
    const gateway = await startGateway(plain);
    gateway.check("check_hang", () => new Promise(() => {}));
    const answer = await gateway
      .connect({ tls: false })
      .query({ payload: [{ command: "check_hang" }] }, { timeoutMs: 1500 });
    expect(rows(answer)[0]).toMatch(/^0 check_hang UNKNOWN check_hang timed out after 1\.\d+ s$/);
  });

  it("ties a caller's trace to the call", async () => {
    const gateway = await startGateway(plain);
    let trace = "";
    gateway.check("check_ok", (_request, call) => {
      trace = call.traceId;
      return ok("");
    });
    const metadata = new Metadata();
    metadata.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    await raw(gateway, Buffer.from("\x12\x0a\x12\x08check_ok", "latin1"), metadata);
    expect(trace).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  });
});

describe("a call that is refused as a whole", () => {
  it("is UNAUTHENTICATED without credentials and with wrong ones", async () => {
    const gateway = await startGateway(plain, "[/settings/security]\nanonymous role =");
    const client = gateway.connect({ tls: false });
    expect(await failure(client.query({}))).toBe("UNAUTHENTICATED: Credentials are required.");
    const stranger = gateway.connect({ tls: false, token: "wrong" });
    expect(await failure(stranger.query({}))).toBe("UNAUTHENTICATED: The token is not known.");
    const metadata = new Metadata();
    metadata.set("authorization", "Basic dTpw");
    expect(await raw(gateway, Buffer.alloc(0), metadata)).toBe(
      "UNAUTHENTICATED: The authorization metadata is not of the form: Bearer <token>.",
    );
  });

  it("is PERMISSION_DENIED without the grant, while single payloads are refused in the answer", async () => {
    const gateway = await startGateway(plain, "[/settings/security]\nanonymous role = narrow");
    gateway.check("check_ok", "fine");
    const client = gateway.connect({ tls: false });
    const answer = await client.query({ payload: [{ command: "check_ok" }, { command: "check_disk" }] });
    expect(rows(answer)).toEqual([
      "0 check_ok OK fine",
      "0 check_disk UNKNOWN Permission denied: anonymous is not allowed to run check_disk",
    ]);
    expect(await failure(client.execute({ payload: [{ command: "x" }] }))).toBe(
      "PERMISSION_DENIED: anonymous is not allowed to run commands.",
    );
    expect(await failure(client.status())).toBe("PERMISSION_DENIED: anonymous has no grant admin.status.");
    expect(gateway.audited.map(({ action, outcome, objects }) => `${outcome} ${action} ${objects}`)).toEqual([
      "denied queries.execute check_disk",
      "ok queries.execute check_ok",
      "denied commands.execute x",
      "denied admin.status ",
    ]);
  });

  it("leaves refused commands, channels and modules in the audit log as refused, and nothing of them as carried out", async () => {
    const gateway = await startGateway(
      plain,
      `[/settings/security]\nanonymous role = few
[/settings/security/roles]\nfew = commands.execute:status, submit:good, modules.reload:grpc-client`,
    );
    const client = gateway.connect({ tls: false });
    await client.execute({ payload: [{ command: "status" }, { command: "restart" }] });
    await client.execute({ payload: [{ command: "restart" }] });
    await client.submit({ channel: "good,bad", payload: [{ alias: "a" }, { alias: "b" }] });
    const { MODULE } = PB.Registry.ItemType;
    const unload = { control: { type: MODULE, command: PB.Registry.Command.UNLOAD, name: "GRPCServer" } };
    const { payload } = await client.registry({ payload: [unload] });
    expect(payload[0]?.result?.message).toBe("Permission denied: anonymous has no grant modules.unload for GRPCServer");
    expect(gateway.audited.map(({ action, outcome, objects }) => `${outcome} ${action} ${objects}`)).toEqual([
      "denied commands.execute restart",
      "ok commands.execute status",
      "denied commands.execute restart",
      "denied submit bad",
      "ok submit good",
      "denied modules.control GRPCServer",
    ]);
  });

  it("is INVALID_ARGUMENT when the message can't be decoded", async () => {
    const gateway = await startGateway(plain);
    expect(await raw(gateway, Buffer.from([0x12, 0x7f, 0x01]))).toMatch(
      /^INVALID_ARGUMENT: The message can't be decoded: index out of range/,
    );
  });

  it("is RESOURCE_EXHAUSTED when the script host is full", async () => {
    const gateway = await startGateway(plain);
    gateway.registry.addQuery(owner, "check_full", () => ok(""), { admission: { name: "node", isFull: () => true } });
    const call = gateway.connect({ tls: false }).query({ payload: [{ command: "check_full" }] });
    expect(await failure(call)).toBe("RESOURCE_EXHAUSTED: node has too many calls in flight.");
  });

  it("is RESOURCE_EXHAUSTED when a message in or out is too large", async () => {
    const gateway = await startGateway(`${plain}\nmax message size = 1000`);
    gateway.check("check_long", "x".repeat(2000));
    const client = gateway.connect({ tls: false });
    expect(await failure(client.query({ payload: [{ command: "x".repeat(2000) }] }))).toMatch(
      /^RESOURCE_EXHAUSTED: Received message larger than max/,
    );
    expect(await failure(client.query({ payload: [{ command: "check_long" }] }))).toMatch(
      /^RESOURCE_EXHAUSTED: Sent message larger than max/,
    );
  });

  it("survives a status text that can't be sent as it is", async () => {
    const gateway = await startGateway(plain);
    gateway.registry.addQuery(owner, "check_full", () => ok(""), {
      admission: { name: `half a pair \ud800, a line\nand ${"much ".repeat(1000)}`, isFull: () => true },
    });
    const call = gateway.connect({ tls: false }).query({ payload: [{ command: "check_full" }] });
    expect((await failure(call)).slice(0, 60)).toBe(
      "RESOURCE_EXHAUSTED: half a pair \ufffd, a line\nand much much much",
    );
  });
});

/** Calls Query with bytes as they are. `CODE: text`, or `OK`. */
function raw({ port }: GrpcGateway, bytes: Buffer, metadata = new Metadata()): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pass = (buffer: Buffer) => buffer;
  return new Promise<string>((resolve) => {
    client.makeUnaryRequest(gatewayMethods.query.path, pass, pass, bytes, metadata, (error: ServiceError | null) => {
      resolve(error === null ? "OK" : `${status[error.code]}: ${error.details}`);
    });
  }).finally(() => client.close());
}
