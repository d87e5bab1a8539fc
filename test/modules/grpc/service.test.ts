import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client, credentials, loadPackageDefinition, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { describe, expect, it } from "vitest";
import { ControlSocket } from "../../../src/modules/grpc-server/control-socket.js";
import { PB } from "../../../src/wire/messages.js";
import { adminService, gatewayService } from "../../../src/wire/services.js";
import { deferred, rows } from "../../support/kernel.js";
import { failure, type GrpcGateway, ok, startGateway } from "./grpc-gateway.js";

const plain = "use ssl = false";
const controlled = `${plain}\ncontrol socket = \${data-path}/control.sock`;
const check = { payload: [{ command: "check_ok" }] };

describe("the control socket", () => {
  it("lets this machine's administrator in, and nobody else may open it", async () => {
    const gateway = await startGateway(controlled);
    expect(lstatSync(gateway.control).mode & 0o777).toBe(0o600);
    expect(readdirSync(gateway.folder).filter((name) => name.startsWith("."))).toEqual([]);
    gateway.check("check_ok", (_request, { principal, remote, frontEnd }) =>
      ok(`${principal.name} ${frontEnd} ${remote}`),
    );
    const client = gateway.connect({ socketPath: gateway.control });
    expect(rows(await client.query(check))).toEqual(["0 check_ok OK local control false"]);
    const { version, settings, pid, serving, module } = await client.status();
    expect({ version, settings, pid, serving }).toEqual({
      version: "1.2.3",
      settings: "ini:///test.ini",
      pid: process.pid,
      serving: true,
    });
    expect(module.map(({ name, alias, state, detail }) => ({ name, alias, state, detail }))).toEqual([
      {
        name: "GRPCServer",
        alias: "grpc",
        state: "running",
        detail: [`127.0.0.1 port ${gateway.port} (without TLS), 0 connections`, gateway.control],
      },
    ]);
  });

  it("takes the place of one that a dead gateway left behind", async () => {
    const gateway = await startGateway(plain);
    // A server that ends badly leaves its socket, and nobody listens on it.
    const { spawnSync } = await import("node:child_process");
    const script = `require("net").createServer().listen(${JSON.stringify(gateway.control)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(existsSync(gateway.control)).toBe(true);
    expect(await gateway.reload(controlled)).toBe(true);
    expect((await gateway.connect({ socketPath: gateway.control }).status()).pid).toBe(process.pid);
  });

  it("is left to a gateway that lives, whose process is named", async () => {
    const gateway = await startGateway(controlled);
    const second = startGateway(`${plain}\ncontrol socket = ${gateway.control}`);
    expect(await failure(second)).toBe(
      `CONFIGURATION: The control socket ${gateway.control} belongs to this gateway, for another module, which is running.`,
    );
    expect((await gateway.connect({ socketPath: gateway.control }).status()).pid).toBe(process.pid);
  });

  it("goes to one of several gateways that start at the same instant, also where a dead one was before", async () => {
    const { spawnSync } = await import("node:child_process");
    for (let round = 0; round < 10; round++) {
      const gateway = await startGateway(plain);
      const path = gateway.control;
      const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
      if (round % 2 === 0) spawnSync(process.execPath, ["-e", script]);
      const rivals = [1, 2].map(() => new ControlSocket(path, (socket) => socket.destroy()));
      const outcomes = await Promise.allSettled(rivals.map((rival) => rival.listen()));
      expect(outcomes.map(({ status: outcome }) => outcome).sort()).toEqual(["fulfilled", "rejected"]);
      expect(readdirSync(gateway.folder).filter((name) => name.startsWith("."))).toEqual([]);
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      for (const rival of rivals) await rival.close();
      expect(existsSync(path)).toBe(false);
    }
  });

  it("is left to any other program that listens there", async () => {
    const gateway = await startGateway(plain);
    const other = createServer((socket) => socket.destroy()).listen(gateway.control);
    await once(other, "listening");
    expect(await failure(gateway.reload(controlled))).toBe(
      `CONFIGURATION: The control socket ${gateway.control} belongs to a program, which is running.`,
    );
    other.close();
    writeFileSync(join(gateway.folder, "file"), "precious");
    expect(await failure(gateway.reload(controlled.replace("control.sock", "file")))).toBe(
      `CONFIGURATION: Cannot make the control socket ${gateway.folder}/file: there is something else.`,
    );
    const long = "x".repeat(120);
    expect(await failure(gateway.reload(controlled.replace("control.sock", long)))).toMatch(
      /^CONFIGURATION: The path of the control socket is too long by \d+ bytes: .*; set a shorter "control socket"\.$/,
    );
  });

  it("is gone when the gateway is", async () => {
    const gateway = await startGateway(controlled);
    await gateway.stop();
    expect(existsSync(gateway.control)).toBe(false);
    expect(await failure(gateway.connect({ socketPath: gateway.control }).status())).toBe(
      `UNAVAILABLE: Cannot reach ${gateway.control}: there is no such socket, so no gateway may be running.`,
    );
  });
});

describe("the admin service", () => {
  it("lists what is registered, the metrics, and reloads", async () => {
    const gateway = await startGateway(plain);
    gateway.check("check_ok", "fine");
    const client = gateway.connect({ tls: false });
    const { QUERY } = PB.Registry.ItemType;
    const denied = await client.registry({ payload: [{ inventory: { type: [QUERY] } }] });
    expect(denied.payload[0]?.result?.message).toMatch(/^Permission denied: anonymous/);
    expect((await client.metrics({ format: 1 })).text).toBe("up 1\n");
    expect((await client.metrics()).metrics?.payload.length).toBe(1);
    expect(await client.reload({})).toMatchObject({ reloaded: true, problem: [] });
    expect(await client.reload({ module: "nobody" })).toMatchObject({
      reloaded: false,
      problem: ["nobody could not be reloaded"],
    });
  });
});

describe("an order to unload the front end that it came in through", () => {
  it("is carried out and does not wait for itself", async () => {
    const gateway = await startGateway(controlled);
    const client = gateway.connect({ socketPath: gateway.control });
    const { MODULE } = PB.Registry.ItemType;
    const { UNLOAD } = PB.Registry.Command;
    const order = { payload: [{ control: { type: MODULE, command: UNLOAD, name: "GRPCServer" } }] };
    expect(await failure(client.registry(order))).toBe("UNAVAILABLE: The gateway is shutting down.");
    await gateway.stop();
    expect(gateway.modules.list()).toEqual([]);
  });
});

describe("health and reflection", () => {
  it("say what is served, over TLS too", async () => {
    const gateway = await startGateway();
    const trust = credentials.createSsl(Buffer.from(await caOf(gateway)));
    const health = healthClient(gateway, trust);
    expect(await health.check("")).toBe("SERVING");
    expect(await health.check(gatewayService)).toBe("SERVING");
    expect(await health.check(adminService)).toBe("SERVING");
    expect(await health.check("nobody")).toBe("NOT_FOUND");
    health.close();
    expect(await reflectedServices(gateway, trust)).toEqual(["grpc.health.v1.Health", adminService, gatewayService]);
  });

  it("reflection can be switched off", async () => {
    const gateway = await startGateway(`${plain}\nreflection = false`);
    expect(await failure(reflectedServices(gateway, credentials.createInsecure()))).toMatch(/UNIMPLEMENTED/);
  });
});

describe("a stop", () => {
  it("says NOT_SERVING, takes calls for the drain delay, ends feeds, and lets running calls finish", async () => {
    const gateway = await startGateway(`${plain}\ndrain delay = 1s`);
    const gate = deferred<void>();
    const began = deferred<void>();
    gateway.check("check_ok", "fine");
    gateway.check("check_slow", async () => {
      began.resolve();
      await gate.promise;
      return ok("done");
    });
    const client = gateway.connect({ tls: false });
    const health = healthClient(gateway, credentials.createInsecure());
    const watch = health.watch();
    expect(await watch.next()).toBe("SERVING");
    const open = deferred<void>();
    const feed = (async () => {
      for await (const _message of client.subscribe(["*"], { onOpen: () => open.resolve() }));
    })();
    const feedEnd = failure(feed);
    await open.promise;
    const slow = client.query({ payload: [{ command: "check_slow" }] });
    await began.promise;

    const stopped = gateway.stop();
    expect(await watch.next()).toBe("NOT_SERVING");
    expect(rows(await client.query(check))).toEqual(["0 check_ok OK fine"]);
    expect(rows(await gateway.connect({ tls: false }).query(check))).toEqual(["0 check_ok OK fine"]);
    expect(await watch.next()).toBe("UNAVAILABLE: The gateway is shutting down.");
    expect(await feedEnd).toBe("UNAVAILABLE: The gateway is shutting down.");
    expect(await failure(client.query(check))).toMatch(/^UNAVAILABLE: /);
    gate.resolve();
    expect(rows(await slow)).toEqual(["0 check_slow OK done"]);
    await stopped;
    health.close();
  });

  it("cuts off what runs longer than the drain timeout", async () => {
    const gateway = await startGateway(`${plain}\ndrain timeout = 200ms`);
    const began = deferred<void>();
    const aborted = deferred<void>();
    gateway.check("check_hang", (_request, call) => {
      call.onAbort(() => aborted.resolve());
      began.resolve();
      return new Promise(() => {});
    });
    const call = failure(gateway.connect({ tls: false }).query({ payload: [{ command: "check_hang" }] }));
    await began.promise;
    await gateway.stop();
    expect(await call).toMatch(/^(UNAVAILABLE|CANCELLED): /);
    await aborted.promise;
  });

  it("answers what a stream has sent, then ends it", async () => {
    const gateway = await startGateway(plain);
    const gate = deferred<void>();
    const began = deferred<void>();
    gateway.check("check_slow", async () => {
      began.resolve();
      await gate.promise;
      return ok("done");
    });
    const never = deferred<void>();
    async function* requests() {
      yield { payload: [{ command: "check_slow" }] };
      await never.promise;
    }
    const seen: string[] = [];
    const reading = failure(
      (async () => {
        for await (const answer of gateway.connect({ tls: false }).queryStream(requests())) seen.push(...rows(answer));
      })(),
    );
    await began.promise;
    const stopped = gateway.stop();
    gate.resolve();
    expect(await reading).toBe("UNAVAILABLE: The gateway is shutting down.");
    expect(seen).toEqual(["0 check_slow OK done"]);
    await stopped;
    never.resolve();
  });
});

describe("a reload", () => {
  it("takes other allowed hosts, another port and other limits without cutting off a call", async () => {
    const gateway = await startGateway(plain);
    const gate = deferred<void>();
    const began = deferred<void>();
    gateway.check("check_ok", "x".repeat(500));
    gateway.check("check_slow", async () => {
      began.resolve();
      await gate.promise;
      return ok("done");
    });
    const slow = gateway.connect({ tls: false }).query({ payload: [{ command: "check_slow" }] });
    await began.promise;
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const address = free.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    await new Promise((resolve) => free.close(resolve));
    expect(await gateway.reload(`${plain}\nport = ${port}\nmax message size = 300`)).toBe(true);
    const client = gateway.connect({ tls: false, address: `127.0.0.1:${port}` });
    expect(await failure(client.query(check))).toMatch(/^RESOURCE_EXHAUSTED: Sent message larger than max/);
    expect(await failure(gateway.connect({ tls: false }).query(check))).toMatch(/connection refused/);
    gate.resolve();
    expect(rows(await slow)).toEqual(["0 check_slow OK done"]);
    expect(await gateway.reload(`${plain}\nport = ${port}\nallowed hosts = 192.0.2.1`)).toBe(true);
    const refused = gateway.connect({ tls: false, address: `127.0.0.1:${port}`, serverName: "x" });
    expect(await failure(refused.query(check))).toMatch(/may not be allowed/);
  });

  it("keeps everything when the port is taken", async () => {
    const gateway = await startGateway(plain);
    gateway.check("check_ok", "fine");
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    expect(await failure(gateway.reload(`${plain}\nport = ${port}\nallowed hosts = 192.0.2.1`))).toBe(
      `CONFIGURATION: Cannot listen on 127.0.0.1:${port}: another program listens there already.`,
    );
    taken.close();
    expect(rows(await gateway.connect({ tls: false }).query(check))).toEqual(["0 check_ok OK fine"]);
  });

  it("switches TLS on for new connections", async () => {
    const gateway = await startGateway(plain);
    gateway.check("check_ok", "fine");
    const old = gateway.connect({ tls: false });
    await old.query(check);
    expect(await gateway.reload("use ssl = true")).toBe(true);
    expect(rows(await gateway.connect().query(check))).toEqual(["0 check_ok OK fine"]);
    expect(rows(await old.query(check))).toEqual(["0 check_ok OK fine"]);
  });
});

async function caOf({ folder }: GrpcGateway): Promise<string> {
  const { readFileSync } = await import("node:fs");
  return readFileSync(join(folder, "ca.pem"), "utf8");
}

/** A client of the health service as its package describes it. */
function healthClient({ port }: GrpcGateway, trust: ReturnType<typeof credentials.createInsecure>) {
  const service = loadSync(healthProto, { enums: String })["grpc.health.v1.Health"] as unknown as Record<
    "Check" | "Watch",
    { requestSerialize(value: object): Buffer; responseDeserialize(bytes: Buffer): { status: string } }
  >;
  const client = new Client(`127.0.0.1:${port}`, trust);
  const { Check, Watch } = service;
  return {
    check: (name: string) =>
      new Promise<string>((resolve) => {
        client.makeUnaryRequest(
          "/grpc.health.v1.Health/Check",
          Check.requestSerialize,
          Check.responseDeserialize,
          { service: name },
          (error, answer) => resolve(error === null ? (answer?.status ?? "") : (status[error.code] ?? "")),
        );
      }),
    watch() {
      const { requestSerialize, responseDeserialize } = Watch;
      const stream = client.makeServerStreamRequest(
        "/grpc.health.v1.Health/Watch",
        requestSerialize,
        responseDeserialize,
        {
          service: "",
        },
      );
      const messages = stream[Symbol.asyncIterator]();
      return {
        next: () =>
          messages.next().then(
            ({ value }) => String(value?.status),
            ({ code, details }: ServiceError) => `${status[code]}: ${details}`,
          ),
      };
    },
    close: () => client.close(),
  };
}

/** What tools such as grpcurl list. */
function reflectedServices(
  { port }: GrpcGateway,
  trust: ReturnType<typeof credentials.createInsecure>,
): Promise<string[]> {
  const proto = join(
    import.meta.dirname,
    "../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
  );
  const loaded = loadPackageDefinition(loadSync(proto)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: new (address: string, trust: unknown) => ReflectionClient } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(`127.0.0.1:${port}`, trust);
  const stream = client.serverReflectionInfo(new Metadata());
  return new Promise<string[]>((resolve, reject) => {
    stream.on("data", ({ listServicesResponse }) =>
      resolve(listServicesResponse.service.map(({ name }) => name).sort()),
    );
    stream.on("error", reject);
    stream.write({ listServices: "" });
    stream.end();
  }).finally(() => client.close());
}

interface ReflectionClient {
  close(): void;
  serverReflectionInfo(metadata: Metadata): {
    on(event: "data", listener: (answer: { listServicesResponse: { service: { name: string }[] } }) => void): void;
    on(event: "error", listener: (error: Error) => void): void;
    write(request: object): void;
    end(): void;
  };
}
