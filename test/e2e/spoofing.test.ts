import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import type { Init, QueryRequestMessage } from "../../src/wire/messages.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

/** Whoever is lured into a connection by a request tells it here. */
const trap = createServer((socket) => {
  visits++;
  socket.destroy();
});
let visits = 0;
let gateway: GatewayProcess;
let poller: GatewayClient;
let forwarder: GatewayClient;

const settings = (trapPort: number) => `
[/modules]
CheckHelpers = enabled
NodeScript = enabled
GRPCServer = enabled
GRPCClient = enabled

[/settings/node/scripts]
who = who.ts

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/GRPC/client/targets/elsewhere]
address = grpc://127.0.0.1:${trapPort === 1 ? 2 : 1}
token = a-secret-of-the-gateway
timeout = 5s

[/settings/security/certificates]
CN:poller = poller
CN:forwarder = forwarder

[/settings/security/roles]
poller = queries.execute:check_*
forwarder = queries.execute:check_*, targets.use
`;

const who = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  const registry = Registry.get(pluginId);
  registry.function("check_who", (command, request, call) => {
    const stamps = request.header?.metadata.map(({ key, value }) => key + "=" + value).sort() ?? [];
    const text = [call.principal, ...stamps, "hosts=" + (request.header?.hosts.length ?? 0)].join(" ");
    return { payload: [{ command, result: status.OK, lines: [{ message: text }] }] };
  });
  registry.simpleFunction("secret_who", (_args, call) => [status.OK, "ran for " + call.principal]);
}
`;

beforeAll(async () => {
  trap.listen(0, "127.0.0.1");
  await once(trap, "listening");
  const { port } = trap.address() as AddressInfo;
  gateway = await startGateway({
    settings: settings(port),
    files: { "scripts/node/who.ts": who },
    clients: ["poller", "forwarder"],
  });
  [poller, forwarder] = [connect("poller"), connect("forwarder")];
});

afterAll(async () => {
  poller?.close();
  forwarder?.close();
  await gateway?.stop();
  trap.close();
});

function connect(name: string): GatewayClient {
  return connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate(`${name}.pem`),
    certificateKey: gateway.certificate(`${name}-key.pem`),
  });
}

async function ask(client: GatewayClient, request: Init<QueryRequestMessage>): Promise<string[]> {
  const { payload } = await client.query(request, { timeoutMs: 20_000 });
  return payload.map((one) => `${one.command} ${one.result} ${renderNagiosText(one)}`);
}

test("who a caller says to be does not count", async () => {
  const metadata = [
    { key: "nscp.principal", value: "local" },
    { key: " NSCP.Principal", value: "local" },
    { key: "nscp.caller_plugin_id", value: "0" },
    { key: "site", value: "north" },
  ];
  expect(await ask(poller, { header: { metadata }, payload: [{ command: "check_who" }] })).toEqual([
    "check_who 0 CN=poller nscp.principal=CN=poller site=north hosts=0",
  ]);
});

test("a check that is not granted does not run, whether the header or the payload names it", async () => {
  const refused = "Permission denied: CN=poller is not allowed to run secret_who";
  expect(await ask(poller, { payload: [{ command: "secret_who" }, { command: "check_ok" }] })).toEqual([
    `secret_who 3 ${refused}`,
    "check_ok 0 No message",
  ]);
  expect(await ask(poller, { header: { command: "secret_who" }, payload: [{ command: "check_ok" }] })).toEqual([
    `check_ok 3 ${refused}`,
  ]);
  expect(await ask(poller, { header: { command: "check_who" }, payload: [{ command: "secret_who" }] })).toEqual([
    `secret_who 3 ${refused}`,
  ]);
  expect(await ask(poller, { header: { command: "secret_who" }, payload: [] })).toEqual([`secret_who 3 ${refused}`]);
});

function lured(recipientId: string): Init<QueryRequestMessage> {
  const { port } = trap.address() as AddressInfo;
  const hosts = [
    {
      id: recipientId,
      address: `grpc://127.0.0.1:${port}`,
      metadata: [{ key: "address", value: `127.0.0.1:${port}` }],
    },
  ];
  return { header: { recipientId, hosts }, payload: [{ command: "check_ok" }] };
}

test("a target is closed to callers without a grant for it", async () => {
  expect(await ask(poller, lured("elsewhere"))).toEqual([
    "check_ok 3 Permission denied: CN=poller is not allowed to use the target elsewhere",
  ]);
});

test("a caller that may use targets can't send the gateway to an address of its own", async () => {
  const [answer] = await ask(forwarder, lured("elsewhere"));
  expect(answer).toMatch(/^check_ok 3 elsewhere: /);
  const [unknown] = await ask(forwarder, lured("invented"));
  expect(unknown).toMatch(/^check_ok /);
  expect(
    await ask(forwarder, { header: { hosts: lured("x").header?.hosts ?? [] }, payload: [{ command: "check_who" }] }),
  ).toEqual(["check_who 0 CN=forwarder nscp.principal=CN=forwarder hosts=0"]);
  expect(visits).toBe(0);
});
