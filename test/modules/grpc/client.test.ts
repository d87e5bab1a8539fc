import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Owner } from "../../../src/kernel/registry.js";
import { parseAddress } from "../../../src/modules/grpc-client/gateway-address.js";
import { connectGateway } from "../../../src/modules/grpc-client/gateway-client.js";
import { ExecuteResponse, Header, QueryRequestMessage } from "../../../src/wire/messages.js";
import { execution, incoming, poller, query, rows } from "../../support/kernel.js";
import { clientFiles, failure, type GrpcGateway, ok, startGateway } from "./grpc-gateway.js";

const owner: Owner = { id: 101, name: "PythonScript", alias: "python" };
const check = { payload: [{ command: "check_ok" }] };

describe("an address", () => {
  it.each([
    ["gw", { host: "gw", port: 8444, tls: undefined }],
    ["gw.example:1234", { host: "gw.example", port: 1234, tls: undefined }],
    ["grpc://10.0.0.1:1", { host: "10.0.0.1", port: 1, tls: false }],
    ["grpcs://gw/", { host: "gw", port: 8444, tls: true }],
    ["[::1]:99", { host: "::1", port: 99, tls: undefined }],
    ["fe80::1", { host: "fe80::1", port: 8444, tls: undefined }],
    ["[fe80::1%eth0]", { host: "fe80::1%eth0", port: 8444, tls: undefined }],
  ])("%s is understood", (text, expected) => expect(parseAddress(text)).toEqual(expected));

  it.each(["", "a b", "http://gw:1", "gw:0", "gw:65536", "gw:port", ":1", "[gw]:1"])("%j is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(`Not an address of a gateway: "${text}".`);
  });

  it("of any text is understood or refused, never something else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { host, port } = parseAddress(text);
          return host !== "" && port > 0 && port < 65_536;
        } catch (thrown) {
          return thrown instanceof Error && thrown.name === "GatewayError";
        }
      }),
    );
  });
});

describe("a client", () => {
  it.each([
    ["nobody listens", () => 1, {}, /^UNAVAILABLE: Cannot reach 127\.0\.0\.1:1: connection refused\.$/],
    ["the other side hangs up", hangUp, { tls: false }, /it closed the connection; it may expect TLS/],
    ["the other side hangs up before TLS", hangUp, {}, /it closed the connection; this address may not be allowed\.$/],
    ["the other side does not speak TLS", http, {}, /: it does not speak TLS\.$/],
    ["the other side does not speak gRPC", http, { tls: false }, /: it does not speak gRPC\.$/],
    [
      "the other side is silent",
      silent,
      { timeoutMs: 300 },
      /^DEADLINE_EXCEEDED: Cannot reach 127\.0\.0\.1:\d+ within 0\.\d s\.$/,
    ],
  ])("says in one line that %s", async (_what, listen, options, expected) => {
    const port = await listen();
    const client = connectGateway({ address: `127.0.0.1:${port}`, timeoutMs: 20_000, ...options });
    expect(await failure(client.query(check))).toMatch(expected);
    client.close();
  });

  it("says what is wrong with the gateway's certificate", async () => {
    const gateway = await startGateway();
    const texts = await Promise.all(
      [{ ca: undefined }, { serverName: "other.example" }].map((options) =>
        failure(gateway.connect(options).query(check)),
      ),
    );
    expect(texts[0]).toMatch(/: its certificate is not trusted \(.*\); name the authority that issued it as ca\.$/);
    expect(texts[1]).toMatch(
      /: its certificate is for another name \(Host: other\.example\. is not in the cert's altnames: .*\); see the server name\.$/,
    );
  });

  it("takes any certificate when it is told to", async () => {
    const gateway = await startGateway();
    gateway.check("check_ok", "fine");
    const client = gateway.connect({ ca: undefined, insecure: true, serverName: "other.example" });
    expect(rows(await client.query(check))).toEqual(["0 check_ok OK fine"]);
  });

  it("names a file that can't be read, and half a certificate", () => {
    expect(() => connectGateway({ address: "gw", ca: "/nowhere/ca.pem" })).toThrow(
      "Cannot read the authorities (ca): ENOENT: no such file or directory, open '/nowhere/ca.pem'",
    );
    expect(() => connectGateway({ address: "gw", certificate: "/nowhere/c.pem" })).toThrow(
      "A client certificate needs both its file and the file of its key.",
    );
  });

  it("waits as long as it takes when the deadline is further away than timers count", async () => {
    const gateway = await startGateway("use ssl = false");
    gateway.check("check_ok", "fine");
    const client = gateway.connect({ tls: false });
    expect(rows(await client.query(check, { timeoutMs: 700 * 3_600_000 }))).toEqual(["0 check_ok OK fine"]);
  });
});

describe("a configured target", () => {
  async function chain() {
    const remote = await startGateway();
    remote.check("check_ok", (request, { principal }, header) =>
      ok(`${request.arguments} asked by ${principal.name}, recipient "${header?.recipientId}", ${header?.tags}`),
    );
    remote.check("check_hang", () => new Promise(() => {}));
    remote.registry.addCommand(owner, ["restart"], ({ arguments: given }) =>
      ExecuteResponse.create({ message: `restarted ${given}` }),
    );
    const { certificate, certificateKey } = await clientFiles(remote, "poller1");
    const near = await startGateway(
      "",
      `[/settings/GRPC/client/targets/far]
address = 127.0.0.1:${remote.port}
ca = ${remote.folder}/ca.pem
certificate = ${certificate}
certificate key = ${certificateKey}
[/settings/GRPC/client/targets]
dead = 127.0.0.1:1`,
    );
    return { near, remote };
  }

  it("answers queries that name it as recipient, as itself", async () => {
    const { near } = await chain();
    const message = query([{ id: 4, command: "check_ok", arguments: ["a"] }], {
      recipientId: "far",
      tags: ["t"],
      messageId: "m",
    });
    const answer = await near.core.query(message, incoming());
    expect(rows(answer)).toEqual(['4 check_ok OK a asked by CN=poller1, recipient "", t']);
    expect(answer.header).toMatchObject({ messageId: "m", recipientId: "far", sourceId: "far" });
  });

  it("runs commands that name it as target", async () => {
    const { near } = await chain();
    const { message } = await near.core.execute(
      "far",
      execution([{ id: 2, command: "restart", arguments: ["x"] }]),
      incoming(),
    );
    expect(message.payload.map(({ id, message: text }) => `${id} ${text}`)).toEqual(["2 restarted x"]);
  });

  it("is reached through the port too, by those who may use it", async () => {
    const { near } = await chain();
    const client = near.connect();
    const passed = await client.query({ header: { recipientId: "far" }, ...check });
    expect(rows(passed)[0]).toMatch(/^0 check_ok OK {2}asked by CN=poller1/);
    const refused = await near.core.query(
      query(["check_ok"], { recipientId: "far" }),
      incoming({ principal: poller("queries.execute") }),
    );
    expect(rows(refused)).toEqual([
      "0 check_ok UNKNOWN Permission denied: poller is not allowed to use the target far",
    ]);
  });

  it("that is dead answers UNKNOWN with the reason", async () => {
    const { near } = await chain();
    const answer = await near.core.query(query(["check_ok"], { recipientId: "dead" }), incoming());
    expect(rows(answer)).toEqual(["0 check_ok UNKNOWN dead: Cannot reach 127.0.0.1:1: connection refused."]);
  });

  it("is not asked longer than the caller waits", async () => {
    const { near } = await chain();
    const call = incoming({ deadline: performance.now() + 400 });
    const answer = await near.core.query(query(["check_hang"], { recipientId: "far" }), call);
    expect(rows(answer)[0]).toMatch(/^0 check_hang UNKNOWN check_hang timed out after 0\.\d+ s$/);
  });

  it("that leads back to where the call came from ends after eight gateways", async () => {
    const near = await startGateway("", "[/settings/GRPC/client/targets]\nnowhere = 127.0.0.1:1");
    const far = await startGateway("", `[/settings/GRPC/client/targets/back]\n${trusting(near)}`);
    near.file(
      "main.ini",
      `${readFileSync(join(near.folder, "main.ini"))}\n[/settings/GRPC/client/targets/far]\n${trusting(far)}`,
    );
    near.store.reload();
    expect(await near.modules.reload("GRPCClient")).toBe(true);
    let asked = 0;
    for (const [gateway, target] of [
      [near, "far"],
      [far, "back"],
    ] as const) {
      gateway.check("check_round", async (_request, call) => {
        asked++;
        const [answer] = (await gateway.core.query(query(["check_round"], { recipientId: target }), call.nested()))
          .payload;
        return answer ?? ok("nothing");
      });
    }
    const text = "The call came through 8 gateways already; they seem to pass it round in a circle.";
    expect(rows(await near.connect().query({ payload: [{ command: "check_round" }] }))).toEqual([
      `0 check_round UNKNOWN far: ${text}`,
    ]);
    expect(asked).toBe(9);
  });

  it("is told the trace of the call", async () => {
    const { near, remote } = await chain();
    remote.check("check_trace", (_request, { traceId, hops }) => ok(`${traceId} after ${hops}`));
    const message = query(["check_trace"], { recipientId: "far" });
    expect(rows(await near.core.query(message, incoming({ traceId: "0123456789abcdef" })))).toEqual([
      "0 check_trace OK 00000000000000000123456789abcdef after 1",
    ]);
  });

  it("keeps its secrets from an address that the caller names", async () => {
    const { near, remote } = await chain();
    const header = { recipientId: "far", hosts: [{ id: "far", address: `localhost:${remote.port}` }] };
    const message = QueryRequestMessage.create({
      header: Header.fromObject(header),
      payload: query(["check_ok"]).payload,
    });
    const answer = await near.core.query(message, incoming({ remote: false }));
    expect(rows(answer)[0]).toMatch(/asked by anonymous,/);
  });

  it("must have an address", async () => {
    const start = startGateway("", "[/settings/GRPC/client/targets/far]\ntimeout = 5s");
    const gateway = await start;
    expect(gateway.modules.list().map(({ name, failure: reason }) => `${name}: ${reason}`)).toEqual([
      "GRPCServer: ",
      expect.stringMatching(
        /^GRPCClient: .*main\.ini:\d+: error: \[\/settings\/GRPC\/client\/targets\/far\] address: the target far has none$/,
      ),
    ]);
  });
});

/** Settings of a target that is the gateway. */
function trusting({ port, folder }: GrpcGateway): string {
  return `address = 127.0.0.1:${port}\nca = ${folder}/ca.pem\n`;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

function hangUp(): Promise<number> {
  return listening(createServer((socket) => socket.destroy()));
}

function silent(): Promise<number> {
  return listening(createServer((socket) => socket.on("error", () => {})));
}

function http(): Promise<number> {
  return listening(createHttpServer((_request, response) => response.end("hello")));
}
