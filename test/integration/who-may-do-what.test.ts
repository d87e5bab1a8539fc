/** Every way to ask for something, and who may: a table written by hand, held against the gateway by real calls. */
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/kernel/errors.js";
import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import type { RouteParts } from "../../src/modules/web-server/route-parts.js";
import { allRoutes } from "../../src/modules/web-server/routes/all-routes.js";
import { PB } from "../../src/wire/messages.js";
import { adminMethods, gatewayMethods } from "../../src/wire/services.js";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";
import { type Caller, callers, nobody, roles, routeTable, rowsOf, rpcTable } from "../support/permission-tables.js";

/** What stands for the parts of a path that a route names; all others are nothing. */
const pathParts: Readonly<Record<string, string>> = { name: "check_ok", command: "load" };

/** What is sent where no body would be malformed. */
const bodies: Readonly<Record<string, unknown>> = {
  "POST /api/v3/query": { payload: [{ command: "check_ok" }] },
  "POST /api/v3/execute": { payload: [{ command: "nothing" }] },
  "POST /api/v3/submit": { channel: "nothing", payload: [{ command: "none" }] },
};

const { ItemType, Command } = PB.Registry;

function inventory(type: PB.Registry.ItemType) {
  return (client: GatewayClient) => client.registry({ payload: [{ inventory: { type: [type] } }] });
}

/** Of a module that is not there: whoever may is told so. */
function control(command: PB.Registry.Command) {
  return (client: GatewayClient) =>
    client.registry({ payload: [{ control: { type: ItemType.MODULE, command, name: "NoSuchModule" } }] });
}

const node = { path: "/settings/nothing", key: "value" };

/** A raw call of a service that every gRPC server may have; gives the first answer. */
function raw(path: string, request: Buffer): Ask {
  return (_client, { bare }) =>
    new Promise<Buffer>((resolve, reject) => {
      const bytes = (buffer: Buffer) => buffer;
      const call = bare.makeBidiStreamRequest(path, bytes, bytes, { deadline: Date.now() + 30_000 });
      call.once("data", (answer: Buffer) => {
        resolve(answer);
        call.cancel();
      });
      call.once("error", (error: ServiceError) =>
        reject(new GatewayError(error.code === status.UNAUTHENTICATED ? "UNAUTHENTICATED" : "INTERNAL", error.message)),
      );
      call.end(request);
    });
}

interface Connection {
  readonly client: GatewayClient;
  /** The same connection without knowledge of our services. */
  readonly bare: Client;
}

type Ask = (client: GatewayClient, connection: Connection) => Promise<unknown>;

/** ServerReflectionRequest.list_services, field 7 (https://github.com/grpc/grpc/blob/master/src/proto/grpc/reflection/v1). */
const listServices = raw("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Buffer.from([0x3a, 0]));

/** Harmless calls, by the first two columns of the table. */
const rpcCalls: Readonly<Record<string, Ask>> = {
  "Health.Check": raw("/grpc.health.v1.Health/Check", Buffer.alloc(0)),
  "Health.Watch": raw("/grpc.health.v1.Health/Watch", Buffer.alloc(0)),
  ServerReflection: listServices,
  "Gateway.Query": (client) => client.query({ payload: [{ command: "check_ok" }] }),
  "Gateway.QueryStream": (client) => first(client.queryStream([{ payload: [{ command: "check_ok" }] }])),
  "Gateway.Execute": (client) => client.execute({ payload: [{ command: "nothing" }] }),
  "Gateway.Submit": (client) => client.submit({ channel: "nothing", payload: [{ command: "none" }] }),
  "Gateway.SubmitStream": (client) =>
    first(client.submitStream([{ channel: "nothing", payload: [{ command: "none" }] }])),
  "Gateway.Subscribe": async (client) => {
    const opened = new AbortController();
    const options = { signal: opened.signal, onOpen: () => opened.abort(new GatewayError("CANCELLED", "open")) };
    await first(client.subscribe(["nothing"], options));
  },
  "Admin.Registry list queries": inventory(ItemType.QUERY),
  "Admin.Registry list aliases": inventory(ItemType.QUERY_ALIAS),
  "Admin.Registry list commands": inventory(ItemType.COMMAND),
  "Admin.Registry list modules": inventory(ItemType.MODULE),
  "Admin.Registry list channels": inventory(ItemType.HANDLER),
  "Admin.Registry list events": inventory(ItemType.EVENT),
  "Admin.Registry load": control(Command.LOAD),
  "Admin.Registry unload": control(Command.UNLOAD),
  "Admin.Registry reload": control(Command.RELOAD),
  "Admin.Registry enable": control(Command.ENABLE),
  "Admin.Registry disable": control(Command.DISABLE),
  "Admin.Settings query": (client) => client.settings({ payload: [{ query: { node } }] }),
  "Admin.Settings inventory": (client) =>
    client.settings({ payload: [{ inventory: { node: { path: "/settings/nothing" }, fetchKeys: true } }] }),
  "Admin.Settings diff": (client) => client.settings({ payload: [{ diff: {} }] }),
  "Admin.Settings status": (client) => client.settings({ payload: [{ status: {} }] }),
  "Admin.Settings update": (client) => client.settings({ payload: [{ update: { node: { ...node, value: "1" } } }] }),
  "Admin.Settings delete": (client) => client.settings({ payload: [{ update: { node } }] }),
  "Admin.Settings save": (client) => client.settings({ payload: [{ control: { command: PB.Settings.Command.SAVE } }] }),
  "Admin.Metrics": (client) => client.metrics(),
  "Admin.Logs": (client) => first(client.logs({ tail: 1 })),
  "Admin.Reload": (client) => client.reload({ module: "nothing" }),
  "Admin.Status": (client) => client.status(),
  "Admin.Queue list": (client) => client.queue({ list: {} }),
  "Admin.Queue show": (client) => client.queue({ show: { choice: { queue: "nothing" } } }),
  "Admin.Queue retry": (client) => client.queue({ retry: { queue: "nothing", all: true } }),
  "Admin.Queue drop": (client) => client.queue({ drop: { queue: "nothing", all: true } }),
};

const settings = `
[/modules]
CheckHelpers = enabled
GRPCServer = enabled
WEBServer = enabled

[/settings/WEB/server]
port = 0
bind to = 127.0.0.1

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
verify mode = peer

[/settings/security/roles]
legacy = legacy,login.get

[/settings/security/certificates]
${roles.map((role) => `CN:${role} = ${role}`).join("\n")}
${roles.map((role) => `[/settings/WEB/server/users/${role}]\npassword = of ${role}\nrole = ${role}\n`).join("")}`;

let gateway: GatewayProcess;
let connections: ReadonlyMap<Caller, Connection>;

beforeAll(async () => {
  gateway = await startGateway({ settings, clients: roles });
  connections = new Map(callers.map((caller) => [caller, connect(caller)]));
});

afterAll(async () => {
  for (const { client, bare } of connections?.values() ?? []) {
    client.close();
    bare.close();
  }
  await gateway?.stop();
});

function connect(caller: Caller): Connection {
  const files =
    caller === nobody ? undefined : [`${caller}.pem`, `${caller}-key.pem`].map((n) => gateway.certificate(n));
  const [certificate, certificateKey] = files ?? [];
  const address = `localhost:${gateway.port}`;
  const ca = gateway.certificate("ca.pem");
  const shown = certificate === undefined || certificateKey === undefined ? {} : { certificate, certificateKey };
  const [root, key, chain] = [ca, certificateKey, certificate].map((file) =>
    file === undefined ? null : readFileSync(file),
  );
  return {
    client: connectGateway({ address, ca, timeoutMs: 30_000, ...shown }),
    bare: new Client(address, credentials.createSsl(root, key, chain)),
  };
}

async function first<Message>(messages: AsyncIterable<Message>): Promise<Message | undefined> {
  for await (const message of messages) return message;
  return undefined;
}

/** Whether a call was refused, as a whole or in its answer. Every other failure means that it was let in. */
async function isRefused(asked: Promise<unknown>): Promise<boolean> {
  try {
    return /"Permission denied:/.test(JSON.stringify(await asked) ?? "");
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    if (["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"].includes(thrown.code)) throw thrown;
    return thrown.code === "PERMISSION_DENIED" || thrown.code === "UNAUTHENTICATED";
  }
}

/** Who is let in of all callers, in their order. */
async function letIn(ask: (caller: Caller) => Promise<unknown>): Promise<Caller[]> {
  const found: Caller[] = [];
  for (const caller of callers) if (!(await isRefused(ask(caller)))) found.push(caller);
  return found;
}

describe("over gRPC", () => {
  const rows = rowsOf(rpcTable);

  test("the table has every rpc", () => {
    const paths = [...Object.values(gatewayMethods), ...Object.values(adminMethods)].map(({ path }) => path);
    const names = paths.map((path) => path.replace(/^\/nscp\.gateway\.v1\.(\w+)\/(\w+)$/, "$1.$2"));
    const ours = [...rows.keys()].map((row) => row.split(" ")[0] ?? "").filter((row) => /^(Gateway|Admin)\./.test(row));
    expect([...new Set(ours)].sort()).toEqual(names.sort());
    expect([...rows.keys()]).toEqual(Object.keys(rpcCalls));
  });

  test("no other service is there, apart from reflection itself", async () => {
    const answer = await listServices(connectionOf("full").client, connectionOf("full"));
    expect(
      String(answer)
        .match(/(nscp|grpc)(\.\w+)+/g)
        ?.sort(),
    ).toEqual(["grpc.health.v1.Health", "nscp.gateway.v1.Admin", "nscp.gateway.v1.Gateway"]);
  });

  test.each([...rows])("%s is for %j and for nobody else", async (what, allowed) => {
    const ask = rpcCalls[what];
    if (ask === undefined) throw new Error(`There is no call for ${what}`);
    expect(await letIn((caller) => ask(connectionOf(caller).client, connectionOf(caller)))).toEqual(allowed);
  });
});

function connectionOf(caller: Caller): Connection {
  const connection = connections.get(caller);
  if (connection === undefined) throw new Error(`There is no connection of ${caller}`);
  return connection;
}

/** The status of a request, and what it says. */
function request(caller: Caller, row: string): Promise<{ readonly status: number; readonly body: string }> {
  const [method = "", route = ""] = row.split(" ");
  const path = route.replace(/:(\w+)|\*/g, (_part, name: string | undefined) => pathParts[name ?? ""] ?? "nothing");
  const body = bodies[row] === undefined ? undefined : JSON.stringify(bodies[row]);
  const headers = {
    ...(caller === nobody
      ? {}
      : { authorization: `Basic ${Buffer.from(`${caller}:of ${caller}`).toString("base64")}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const port = Number(
    / web Listening on .*port (\d+)|"Listening on 127\.0\.0\.1 port (\d+) \(HTTPS\)/
      .exec(gateway.log)
      ?.slice(1)
      .join(""),
  );
  const ca = readFileSync(gateway.certificate("ca.pem"));
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({ host: "localhost", port, method, path, headers, ca, agent: false }, async (answer) => {
      // Some answers have no end.
      let text = "";
      if (!String(answer.headers["content-type"]).startsWith("text/event-stream"))
        for await (const part of answer) text += part;
      else answer.destroy();
      resolve({ status: answer.statusCode ?? 0, body: text });
    });
    sent.once("error", reject).end(body);
  });
}

describe("over HTTP", () => {
  const rows = new Map(
    [...rowsOf(routeTable)].flatMap(([row, allowed]) => {
      const generations = /\{(.*)\}/.exec(row)?.[1]?.split(",") ?? [""];
      return generations.map((generation) => [row.replace(/\{.*\}/, generation), allowed] as const);
    }),
  );

  test("the table has every route", () => {
    const routes = allRoutes(anything());
    const names = routes.flatMap(({ methods, path }) => methods.map((method) => `${method} ${path}`));
    expect([...rows.keys()].sort()).toEqual(names.sort());
  });

  test.each([...rows])("%s is for %j and for nobody else", async (row, allowed) => {
    const found: Caller[] = [];
    for (const caller of callers) {
      const { status: code, body } = await request(caller, row);
      // Routes of the third generation tell apart who is not known from who may not.
      if (code === 401) expect(caller, body).toBe(nobody);
      else if (code !== 403 && !/Permission denied:/.test(body)) found.push(caller);
    }
    expect(found).toEqual(allowed);
  });
});

/** Stands for all that handlers work with: routes are only looked at. */
function anything(): RouteParts {
  const stub: object = new Proxy(() => {}, {
    get: (_target, key) => (key === Symbol.toPrimitive ? () => "" : stub),
    apply: () => stub,
  });
  return stub as RouteParts;
}
