import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { makeClientPair } from "../../../src/security/certificates.js";
import { makeToken, serialiseTokens } from "../../../src/security/tokens.js";
import { QueryResponseMessage } from "../../../src/wire/messages.js";
import { deferred, rows } from "../../support/kernel.js";
import {
  authority,
  clientFiles,
  failure,
  type GrpcGateway,
  ok,
  otherAuthority,
  serverPair,
  startGateway,
} from "./grpc-gateway.js";

const check = { payload: [{ command: "check_who" }] };

/** A check that says who asks. */
async function whoGateway(server = "", more = ""): Promise<GrpcGateway> {
  const gateway = await startGateway(server, more);
  gateway.check("check_who", (_request, { principal }) => ok(`${principal.name} (${principal.kind})`));
  return gateway;
}

async function who(query: ReturnType<ReturnType<GrpcGateway["connect"]>["query"]>): Promise<string | undefined> {
  return rows(await query)[0];
}

describe("a client certificate", () => {
  it("says who calls", async () => {
    const gateway = await whoGateway();
    const client = gateway.connect(await clientFiles(gateway, "poller1"));
    expect(await who(client.query(check))).toBe("0 check_who OK CN=poller1 (certificate)");
    const answers = [];
    for await (const answer of client.queryStream([check])) answers.push(...rows(answer));
    expect(answers).toEqual(["0 check_who OK CN=poller1 (certificate)"]);
  });

  it("may be left out unless it is required", async () => {
    const gateway = await whoGateway();
    expect(await who(gateway.connect().query(check))).toBe("0 check_who OK anonymous (anonymous)");
    const strict = await whoGateway("verify mode = peer-cert");
    expect(await failure(strict.connect().query(check))).toBe(
      `UNAVAILABLE: Cannot reach 127.0.0.1:${strict.port}: it requires a client certificate.`,
    );
    const client = strict.connect(await clientFiles(strict, "poller1"));
    expect(await who(client.query(check))).toBe("0 check_who OK CN=poller1 (certificate)");
  });

  it("of an unknown authority is refused", async () => {
    const gateway = await whoGateway();
    const client = gateway.connect(await clientFiles(gateway, "poller1", otherAuthority));
    expect(await failure(client.query(check))).toMatch(/^UNAUTHENTICATED: The client certificate is not trusted: /);
  });
});

describe("a client certificate that has ended", () => {
  it("is refused, also by servers that take callers without one", async () => {
    const gateway = await whoGateway();
    const pair = await makeClientPair(authority, "poller1", { now: Date.now() - 10 * 86_400_000, days: 5 });
    const client = gateway.connect({
      certificate: gateway.file("old.pem", pair.certificate),
      certificateKey: gateway.file("old.key", pair.privateKey),
    });
    expect(await failure(client.query(check))).toBe(
      "UNAUTHENTICATED: The client certificate is not trusted: CERT_HAS_EXPIRED.",
    );
  });
});

describe("a role that changes", () => {
  it("counts for the next call of an open connection after a reload, and for the next message of a stream", async () => {
    const gateway = await whoGateway();
    const client = gateway.connect(await clientFiles(gateway, "poller1"));
    const more = deferred<void>();
    async function* requests() {
      yield check;
      await more.promise;
      yield check;
    }
    const answers = client.queryStream(requests())[Symbol.asyncIterator]();
    expect(rows((await answers.next()).value ?? QueryResponseMessage.create())).toEqual([
      "0 check_who OK CN=poller1 (certificate)",
    ]);
    expect(await gateway.reload("[/settings/security/certificates]\nDNS:poller1 = nothing")).toBe(true);
    const refusal = "PERMISSION_DENIED: CN=poller1 is not allowed to run queries.";
    expect(await failure(client.query(check))).toBe(refusal);
    more.resolve();
    expect(await failure(answers.next())).toBe(refusal);
  });
});

describe("a token", () => {
  it("says who calls, whatever the certificate says, until it is taken back", async () => {
    const gateway = await whoGateway();
    const { text, record } = makeToken({ name: "icinga", role: "poller", expires: undefined }, Date.now());
    gateway.file("tokens.json", serialiseTokens([record]));
    expect(await gateway.reload("")).toBe(true);
    const files = await clientFiles(gateway, "poller1");
    const client = gateway.connect({ ...files, tokenFile: gateway.file("token", `${text}\n`) });
    expect(await who(client.query(check))).toBe("0 check_who OK token:icinga (token)");
    gateway.file("tokens.json", serialiseTokens([]));
    expect(await gateway.reload("")).toBe(true);
    expect(await failure(client.query(check))).toBe("UNAUTHENTICATED: The token is not known.");
  });
});

describe("TLS", () => {
  it("older than 1.2 is refused", async () => {
    const gateway = await whoGateway();
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    const socket = connectTls({ port: gateway.port, host: "127.0.0.1", ca: authority.certificate, ...old });
    const [error] = await once(socket, "error");
    expect(String(error)).toMatch(/alert protocol version/);
  });
});

describe("allowed hosts", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.0/8", "127.0.0.1", true],
    ["localhost", "127.0.0.1", true],
    ["192.0.2.0/24, 10.*", "127.0.0.1", false],
    ["::1", "::1", true],
    ["::/64", "::1", true],
    ["fd00::/8", "::1", false],
  ])("%s: %s comes in: %s", async (allowed, address, isAllowed) => {
    const gateway = await whoGateway(`use ssl = false\nbind to = ${address}\nallowed hosts = ${allowed}`);
    const client = gateway.connect({ tls: false, address: `${address === "::1" ? "[::1]" : address}:${gateway.port}` });
    if (isAllowed) {
      expect(await who(client.query(check))).toBe("0 check_who OK anonymous (anonymous)");
    } else {
      expect(await failure(client.query(check))).toMatch(/this address may not be allowed/);
      expect(gateway.logLines.join("\n")).toContain(
        `Refused the connection of ${address}: it is not one of the allowed`,
      );
    }
  });

  it("are looked up by name for every connection when they are not to be cached", async () => {
    const gateway = await whoGateway("use ssl = true\nallowed hosts = localhost\ncache allowed hosts = false");
    expect(await who(gateway.connect().query(check))).toBe("0 check_who OK anonymous (anonymous)");
  });
});

describe("a connection from the address and port of another", () => {
  it("is closed, so that nobody is taken for somebody else", async () => {
    const gateway = await whoGateway("use ssl = false\nbind to = 0.0.0.0");
    const from = { port: gateway.port, localAddress: "127.0.0.1" };
    const first = connectTcp({ ...from, host: "127.0.0.1" });
    await once(first, "connect");
    const second = connectTcp({ ...from, host: "127.0.0.2", localPort: first.localPort });
    second.on("error", () => {}).resume();
    await once(second, "close");
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`, { createConnection: () => first });
    await once(session, "remoteSettings");
    session.destroy();
  });
});

describe("a connection that says nothing", () => {
  it.each([
    ["before TLS", "use ssl = true", (port: number) => connectTcp(port, "127.0.0.1")],
    [
      "after TLS",
      "use ssl = true",
      (port: number) => connectTls({ port, host: "127.0.0.1", ca: authority.certificate, ALPNProtocols: ["h2"] }),
    ],
    ["without TLS", "use ssl = false", (port: number) => connectTcp(port, "127.0.0.1")],
  ])("is dropped %s", async (_when, ssl, open) => {
    const gateway = await whoGateway(`${ssl}\nhandshake timeout = 300ms`);
    const socket: Socket = open(gateway.port);
    socket.resume();
    socket.on("error", () => {});
    await once(socket, "close");
    expect(gateway.logLines.join("\n")).toMatch(/Dropped the connection of 127\.0\.0\.1: .* within 0\.3 s/);
  });

  it("is kept when it has spoken HTTP/2, even without a call", async () => {
    const gateway = await whoGateway("handshake timeout = 300ms");
    const client = gateway.connect();
    await client.query(check);
    const silent = connectTcp(gateway.port, "127.0.0.1");
    silent.on("error", () => {});
    silent.resume();
    await once(silent, "close");
    expect(await who(client.query(check))).toBe("0 check_who OK anonymous (anonymous)");
    expect(gateway.logLines.filter((line) => line.includes("Dropped")).length).toBe(1);
  });
});

describe("the server's certificate", () => {
  it("is replaced while connections are made, without one that is refused", async () => {
    const gateway = await whoGateway();
    const before = readFileSync(`${gateway.folder}/certificate.pem`, "utf8");
    const next = await serverPair();
    const old = gateway.connect();
    await old.query(check);
    gateway.file("certificate.pem", next.certificate);
    let connections = 0;
    const connectUntil = async (condition: () => boolean) => {
      while (!condition()) {
        const socket = connectTls({
          port: gateway.port,
          host: "127.0.0.1",
          ca: authority.certificate,
          ALPNProtocols: ["h2"],
        });
        await once(socket, "secureConnect");
        connections++;
        socket.destroy();
      }
    };
    await connectUntil(() => gateway.logLines.some((line) => /does not belong to the certificate/.test(line)));
    gateway.file("certificate_key.pem", next.privateKey);
    await connectUntil(() => gateway.logLines.some((line) => /certificate .* was replaced/.test(line)));
    expect(connections).toBeGreaterThan(2);
    expect(await served(gateway.port)).not.toBe(before.trim());
    expect(await served(gateway.port)).toBe(next.certificate.trim());
    expect(await who(old.query(check))).toBe("0 check_who OK anonymous (anonymous)");
  });

  it("stays when the new one is wrong, and a reload says what is", async () => {
    const gateway = await whoGateway();
    const before = readFileSync(`${gateway.folder}/certificate.pem`, "utf8");
    gateway.file("certificate.pem", "no certificate");
    expect(await failure(gateway.reload("allowed hosts = 192.0.2.1"))).toBe(
      `CONFIGURATION: ${gateway.folder}/certificate.pem holds no certificate in PEM form`,
    );
    expect(await served(gateway.port)).toBe(before.trim());
    expect(await who(gateway.connect().query(check))).toBe("0 check_who OK anonymous (anonymous)");
  });

  it("that is missing is named, with what makes one", async () => {
    const start = startGateway("certificate = /nowhere/certificate.pem");
    expect(await failure(start)).toMatch(
      /The certificate can't be read: ENOENT: .*'\/nowhere\/certificate\.pem'.* `nscp certs init` makes certificates/,
    );
  });
});

/** The certificate that the server shows, as PEM. */
async function served(port: number): Promise<string> {
  const socket = connectTls({ port, host: "127.0.0.1", ca: authority.certificate });
  await once(socket, "secureConnect");
  const pem = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return pem.trim();
}
