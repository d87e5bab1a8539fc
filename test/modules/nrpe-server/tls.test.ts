import { type ConnectionOptions, DEFAULT_MAX_VERSION, type SecureVersion, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { makeAuthority, makeServerPair } from "../../../src/security/certificates.js";
import { encodeNrpeQuery } from "../../../src/wire/nrpe/packet.js";
import { TestClock } from "../../support/served-module.js";
import { authority, clientPair, startNrpeServer } from "./nrpe-gateway.js";

const ok = "v4 0 OK: Größe 漢|'a'=1";
const certified = async (name: string, issuer = authority) => {
  const { certificate, privateKey } = await clientPair(name, issuer);
  return { cert: certificate, key: privateKey };
};
const stranger = await makeAuthority({ now: Date.now(), days: 2 });
/** What clients of NRPE 2 offer, and nothing else. */
const anonymous = {
  ciphers: "ADH:@SECLEVEL=0",
  minVersion: "TLSv1",
  maxVersion: "TLSv1.2",
  rejectUnauthorized: false,
} as const;

describe("Over TLS", () => {
  test("a client is answered by a server with a certificate, and resumes its session", async () => {
    const gateway = await startNrpeServer("");
    const client = await gateway.client({});
    const socket = client.socket as TLSSocket;
    expect([socket.getProtocol(), socket.authorized]).toEqual([DEFAULT_MAX_VERSION, true]);
    const session = new Promise<Buffer>((resolve) => socket.once("session", resolve));
    client.send(encodeNrpeQuery("check_ok", { version: 4 }));
    expect(await client.answer()).toBe(ok);
    const next = await gateway.client({ session: await session });
    expect((next.socket as TLSSocket).isSessionReused()).toBe(true);
    next.send(encodeNrpeQuery("check_ok", { version: 4 }));
    expect(await next.answer()).toBe(ok);
  });

  test("nobody gets in with less than TLS 1.2, anonymously, or without TLS", async () => {
    const gateway = await startNrpeServer("");
    await expect(
      gateway.client({ maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" }),
    ).rejects.toThrow();
    await expect(gateway.client(anonymous)).rejects.toThrow();
    expect(await gateway.ask("check_ok")).toBe("nothing");
    expect(gateway.asked).toEqual([]);
  });

  test("who goes away within the handshake leaves nothing open", async () => {
    const gateway = await startNrpeServer("handshake timeout = 1h");
    for (const bytes of [Buffer.alloc(0), Buffer.from([0x16, 3, 1]), Buffer.from("GET / HTTP/1.1\r\n\r\n")]) {
      const client = await gateway.client();
      client.socket.end(bytes);
      await client.closed;
    }
    expect((await gateway.metrics())["connections"]).toBe(0);
  });

  test("a client certificate says who calls", async () => {
    const gateway = await startNrpeServer("verify mode = peer-cert");
    const answers = [];
    for (const name of ["poller1", "poller2"])
      answers.push(await gateway.ask("check_ok", { tls: await certified(name) }));
    expect(answers).toEqual([ok, "v4 3 Permission denied: CN=poller2 is not allowed to run queries."]);
    expect(gateway.audited.map(({ principal, outcome }) => `${principal.kind} ${principal.name} ${outcome}`)).toEqual([
      "certificate CN=poller1 ok",
      "certificate CN=poller2 denied",
    ]);
    await gateway.reload("verify mode = peer-cert\nclient identity source = none");
    expect(await gateway.ask("check_ok", { tls: await certified("poller2") })).toBe(ok);
    expect(gateway.audited.at(-1)?.principal.name).toBe("nrpe:127.0.0.1");
  });

  test("a certificate that is missing or not trusted is refused with words where it is needed", async () => {
    const gateway = await startNrpeServer("verify mode = peer-cert");
    const untrusted = await certified("poller1", stranger);
    const missing = "v4 3 Permission denied: a client certificate is required";
    const wrong = "v4 3 Permission denied: the client certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE";
    const answers = [];
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      answers.push(await gateway.ask("check_ok", { tls: { maxVersion } }));
      answers.push(await gateway.ask("_NRPE_CHECK", { tls: { maxVersion } }));
      answers.push(await gateway.ask("check_ok", { tls: { ...untrusted, maxVersion } }));
    }
    expect(answers).toEqual([missing, missing, wrong, missing, missing, wrong]);
    expect(gateway.asked).toEqual([]);
    expect(gateway.audited).toHaveLength(6);
    expect(gateway.audited[0]).toMatchObject({
      action: "login",
      outcome: "denied",
      peer: "127.0.0.1",
      frontEnd: "nrpe",
    });
    expect((await gateway.metrics())["refused"]).toBe(6);
  });

  test("a certificate may be asked for without being needed", async () => {
    const gateway = await startNrpeServer("verify mode = peer\nrole = narrow");
    const answers = [
      await gateway.ask("check_0"),
      await gateway.ask("check_0", { tls: {} }),
      await gateway.ask("check_0", { tls: await certified("poller1") }),
      await gateway.ask("check_0", { tls: await certified("poller1", stranger) }),
    ];
    expect(answers).toEqual([
      "nothing",
      "v4 3 Permission denied: nrpe:127.0.0.1 is not allowed to run check_0",
      "v4 0 state 0|'time taken'=1.5s;2;3;0;10 'b'=7",
      "v4 3 Permission denied: the client certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ]);
  });

  test("the certificate is followed when its files change", async () => {
    const gateway = await startNrpeServer("");
    const subject = async () => {
      const client = await gateway.client({ rejectUnauthorized: false });
      const { fingerprint256 } = (client.socket as TLSSocket).getPeerCertificate();
      client.send(encodeNrpeQuery("check_ok", { version: 4 }));
      expect(await client.answer()).toBe(ok);
      return fingerprint256;
    };
    const before = await subject();
    const pair = await makeServerPair(authority, ["localhost"], { now: Date.now(), days: 2 });
    gateway.write("certificate.pem", pair.certificate);
    gateway.write("certificate_key.pem", pair.privateKey);
    expect(await gateway.reload("")).toBe(true);
    expect(await subject()).not.toBe(before);
  });
});

/** What happened to a client: the version of TLS and its cipher, or `refused`. */
async function handshake(gateway: Awaited<ReturnType<typeof startNrpeServer>>, options: ConnectionOptions) {
  const client = await gateway.client({ rejectUnauthorized: false, ...options }).catch(() => undefined);
  if (client === undefined) return "refused";
  const socket = client.socket as TLSSocket;
  const taken = `${socket.getProtocol()} ${socket.getCipher().name}`;
  client.send(encodeNrpeQuery("check_ok", { version: 4 }));
  return (await client.answer()) === ok ? taken : "not answered";
}

/** What a client offers that knows one version only. */
const only = (version: SecureVersion, ciphers = "ALL:@SECLEVEL=0") => ({
  ...{ ciphers, minVersion: version, maxVersion: version },
});

describe("Settings files of NSClient++", () => {
  const written = `thread pool = 10
socket queue size = 0
certificate format = PEM
dh = \${nrpe-dh}/nrpe_dh_2048.pem
debug verify = false
encoding =
allowed ciphers = ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH`;

  test("with every key that they may have are taken, and let no anonymous client in", async () => {
    const gateway = await startNrpeServer(`${written}\ntls version = tlsv1.2+\nssl options = no-sslv2,no-sslv3`);
    expect(await gateway.ask("check_ok", { tls: {} })).toBe(ok);
    const taken = [];
    for (const ciphers of ["ECDHE-ECDSA-AES256-GCM-SHA384", "AECDH:@SECLEVEL=0", "ADH:@SECLEVEL=0"])
      taken.push(await handshake(gateway, only("TLSv1.2", ciphers)));
    expect(taken).toEqual(["TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384", "refused", "refused"]);
    expect(gateway.logLines.filter((line) => /^[WE]/.test(line))).toEqual([]);
  });

  test.each([
    { lines: "tls version = tlsv1.3", taken: ["refused", "refused", "TLSv1.3"] },
    { lines: "tls version = tlsv1.2", taken: ["refused", "TLSv1.2", "refused"] },
    { lines: "ssl options = no-tlsv1_2", taken: ["refused", "refused", "TLSv1.3"] },
    { lines: "tls version = 1.0+\nssl options = no-tlsv1_3", taken: ["TLSv1", "TLSv1.2", "refused"] },
    { lines: "tls version = 1.0+\nssl options = no-tlsv1_1", taken: ["refused", "TLSv1.2", "TLSv1.3"] },
    { lines: "allowed ciphers = TLS_AES_256_GCM_SHA384", taken: ["refused", "refused", "TLSv1.3"] },
  ])("say which versions are taken: $lines", async ({ lines, taken }) => {
    const gateway = await startNrpeServer(lines);
    const seen = [];
    for (const version of ["TLSv1", "TLSv1.2", "TLSv1.3"] as const)
      seen.push((await handshake(gateway, only(version))).split(" ")[0]);
    expect(seen).toEqual(taken);
  });

  test("are taken anew at a reload, and one that leaves nothing is refused with the key", async () => {
    const gateway = await startNrpeServer("tls version = tlsv1.3");
    expect(await gateway.reload("tls version = 1.2")).toBe(true);
    expect(await handshake(gateway, {})).toMatch(/^TLSv1\.2 /);
    const problems = [
      ["allowed ciphers = ADH", 'allowed ciphers: "ADH" has none that goes with a certificate and encrypts.'],
      [
        "tls version = 1.3\nssl options = no-tlsv1_3",
        "ssl options: nothing is left of tls version = 1.3 with no-tlsv1_3",
      ],
      [
        "insecure = true\ntls version = 1.3\ncertificate = nowhere.pem",
        "tls version: TLS 1.3 needs a certificate, and with insecure there is none",
      ],
      ["ssl options = no-tls", 'ssl options: "no-tls" is none of no-tlsv1, '],
      ["allowed ciphers = nonsense", 'allowed ciphers: "nonsense" has none that goes with a certificate'],
    ] as const;
    for (const [lines, text] of problems) {
      await gateway.reload(lines);
      expect(gateway.logLines.join("\n")).toContain(text);
    }
  });

  test("are told when they take TLS before 1.2", async () => {
    const gateway = await startNrpeServer("tls version = 1.1+");
    expect(gateway.logLines.join("\n")).toContain("TLS before 1.2 is taken from everybody (tls version = 1.1+)");
  });

  test("with insecure may say which versions and ciphers that means", async () => {
    const gateway = await startNrpeServer(
      "insecure = true\ntls version = tlsv1.2+\nallowed ciphers = ALL:!ADH:!MD5:@STRENGTH",
    );
    expect(await handshake(gateway, only("TLSv1"))).toBe("refused");
    expect(await handshake(gateway, only("TLSv1.2", "ADH:@SECLEVEL=0"))).toBe("refused");
    expect(await handshake(gateway, only("TLSv1.2", "AECDH:@SECLEVEL=0"))).toBe("TLSv1.2 AECDH-AES256-SHA");
  });
});

class MovedClock extends TestClock {
  moved = 0;

  override monotonic(): number {
    return super.monotonic() + this.moved;
  }
}

test("the log says in words why TLS failed, each reason once an hour of each client", async () => {
  const clock = new MovedClock();
  const gateway = await startNrpeServer("", "", clock);
  const told = () => gateway.logLines.filter((line) => line.includes("TLS with")).map((line) => line.slice(2));
  const fail = async (bytes: Buffer | undefined, options: ConnectionOptions = {}) => {
    if (bytes === undefined) return void (await handshake(gateway, options));
    const client = await gateway.client();
    client.socket.end(bytes);
    await client.closed;
  };
  for (let count = 0; count < 2; count++) {
    await fail(encodeNrpeQuery("check_ok", { version: 4 }));
    await fail(Buffer.alloc(0));
    await fail(undefined, only("TLSv1.1"));
    await fail(undefined, only("TLSv1.2", "ADH:@SECLEVEL=0"));
  }
  await expect
    .poll(() => told().map((line) => line.replace(/^.*TLS with/, "TLS with")))
    .toEqual([
      "TLS with 127.0.0.1 failed: wrong version number (the client does not speak TLS)",
      "TLS with 127.0.0.1 failed: the client closed the connection",
      "TLS with 127.0.0.1 failed: unsupported protocol (the client speaks no version of TLS that is taken here)",
      "TLS with 127.0.0.1 failed: no shared cipher (the client offers no cipher that is taken here; old ones want anonymous Diffie-Hellman)",
    ]);
  clock.moved = 3_600_000;
  await fail(Buffer.alloc(0));
  await expect
    .poll(() => told().at(-1))
    .toMatch(/failed: the client closed the connection \(and 1 times more since the last time\)$/);
});

describe("Legacy anonymous TLS", () => {
  test("is for the hosts that are named, and the log names them", async () => {
    const gateway = await startNrpeServer(
      "legacy anonymous tls = true\nlegacy allowed hosts = 127.0.0.1\nverify mode = peer-cert",
    );
    const client = await gateway.client(anonymous);
    const socket = client.socket as TLSSocket;
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(["TLSv1.2", "ADH-AES256-GCM-SHA384"]);
    client.send(encodeNrpeQuery("check_ok", { version: 2 }));
    expect(await client.answer()).toBe(ok.replace("v4", "v2"));
    expect(await gateway.ask("check_ok", { tls: { ...anonymous, maxVersion: "TLSv1" } })).toBe(ok);
    expect(await gateway.ask("check_ok", { tls: {} })).toBe(ok);
    expect(gateway.logLines.join("\n")).toContain("LEGACY ANONYMOUS TLS is on: 127.0.0.1 may use TLS 1.0");
    expect(gateway.audited.at(-1)?.principal).toMatchObject({ kind: "anonymous", name: "nrpe:127.0.0.1" });
  });

  test("lets others in as ever: their TLS stays strict", async () => {
    const gateway = await startNrpeServer("legacy anonymous tls = true\nlegacy allowed hosts = 192.0.2.1");
    await expect(gateway.client(anonymous)).rejects.toThrow();
    expect(await gateway.ask("check_ok", { tls: {} })).toBe(ok);
  });

  test("needs no second entry among the allowed hosts", async () => {
    const gateway = await startNrpeServer(
      "allowed hosts = 192.0.2.1\nlegacy anonymous tls = true\nlegacy allowed hosts = 127.0.0.1",
    );
    expect(await gateway.ask("check_ok", { tls: anonymous })).toBe(ok);
  });

  test("is for nobody unless it is switched on and hosts are named", async () => {
    for (const lines of ["legacy anonymous tls = true", "legacy allowed hosts = 127.0.0.1"]) {
      const gateway = await startNrpeServer(lines);
      await expect(gateway.client(anonymous)).rejects.toThrow();
    }
    const gateway = await startNrpeServer("legacy anonymous tls = true");
    expect(gateway.logLines.join("\n")).toContain("legacy allowed hosts is empty: nobody may use it");
    expect(await gateway.reload("legacy anonymous tls = true\nlegacy allowed hosts = 127.0.0.1")).toBe(true);
    expect(await gateway.ask("check_ok", { tls: anonymous })).toBe(ok);
    expect(await gateway.reload("legacy allowed hosts = 127.0.0.1")).toBe(true);
    await expect(gateway.client(anonymous)).rejects.toThrow();
  });

  test("is what insecure means, without a certificate when there is none", async () => {
    for (const lines of ["insecure = true", "insecure = true\ncertificate = ${certificate-path}/../nowhere/none.pem"]) {
      const gateway = await startNrpeServer(lines);
      expect(await gateway.ask("check_ok", { tls: anonymous })).toBe(ok);
      expect(gateway.logLines.join("\n")).toContain("INSECURE (insecure = true): all allowed hosts may use TLS 1.0");
      expect(await gateway.ask("check_ok")).toBe("nothing");
    }
  });
});
