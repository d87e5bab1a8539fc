import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nscaNgProtocol } from "../../../src/modules/nsca-ng-client/protocol.js";
import {
  type CertificatePair,
  makeAuthority,
  makeClientPair,
  makeServerPair,
} from "../../../src/security/certificates.js";
import { outgoingResult, relaySender } from "../../support/relay-target.js";
import { FakeServer, password, willing } from "./fake-server.js";

const never = new AbortController().signal;
const batch = [outgoingResult("web1", "s", 0, "fine")];
const delivered = [{ kind: "delivered", text: "Submission successful" }];
const folder = mkdtempSync(join(tmpdir(), "nsca-ng-"));

let authority: CertificatePair;
let server: CertificatePair;

beforeAll(async () => {
  const terms = { now: Date.now(), days: 1 };
  authority = await makeAuthority(terms);
  server = await makeServerPair(authority, ["127.0.0.1"], terms);
  const client = await makeClientPair(authority, "gateway.example", terms);
  writeFileSync(join(folder, "ca.pem"), authority.certificate);
  writeFileSync(join(folder, "client.pem"), client.certificate);
  writeFileSync(join(folder, "client-key.pem"), client.privateKey, { mode: 0o600 });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A server with a certificate, which wants one of its clients where it is told to. */
function certified(requestCert = false): Promise<FakeServer> {
  const tls = { ciphers: "DEFAULT", cert: server.certificate, key: server.privateKey, ca: authority.certificate };
  return FakeServer.start({ answer: willing, tls: { ...tls, requestCert, rejectUnauthorized: requestCert } });
}

function senderTo({ port }: FakeServer, keys: Record<string, string>) {
  return relaySender(nscaNgProtocol, { host: "127.0.0.1", port, ...keys });
}

describe("certificates in place of a password", () => {
  it("are checked on both sides", async () => {
    const { sender, log } = senderTo(await certified(true), {
      "use psk": "false",
      ca: join(folder, "ca.pem"),
      certificate: join(folder, "client.pem"),
      "certificate key": join(folder, "client-key.pem"),
    });
    expect(await sender.send(batch, never)).toEqual(delivered);
    expect(log.records).toEqual([]);
  });

  it("are not trusted without their authority", async () => {
    const fake = await certified();
    writeFileSync(join(folder, "other.pem"), (await makeAuthority({ now: Date.now(), days: 1 })).certificate);
    const { sender } = senderTo(fake, { "use psk": "false", ca: join(folder, "other.pem") });
    const place = `127.0.0.1:${fake.port}`;
    expect(await sender.send(batch, never)).toEqual([
      {
        kind: "failed",
        reason: `No TLS with ${place}: its certificate is not trusted; name the authority that issued it as ca.`,
      },
    ]);
  });

  it("are taken unseen with insecure, which the log says", async () => {
    const { sender, log } = senderTo(await certified(), { "use psk": "false", insecure: "true" });
    expect(await sender.send(batch, never)).toEqual(delivered);
    expect(log.records).toEqual([
      "warn: [/settings/NSCA-NG/client/targets/test] takes any certificate of its server (insecure = true): somebody in between can read and change what is sent",
    ]);
  });

  it("that can't be read any more fail the batch and name the key", async () => {
    const file = join(folder, "removed.pem");
    writeFileSync(file, authority.certificate);
    const { sender } = senderTo(await certified(), { "use psk": "false", ca: file });
    rmSync(file);
    expect(await sender.send(batch, never)).toEqual([
      {
        kind: "failed",
        reason:
          `"ca" of [/settings/NSCA-NG/client/targets/test] can't be read: ` +
          `ENOENT: no such file or directory, open '${file}'.`,
      },
    ]);
  });
});

describe("a password", () => {
  it("is not replaced by a certificate that a server shows, whoever issued it", async () => {
    const fake = await certified();
    const { sender } = senderTo(fake, { password, "tls version": "1.3" });
    expect(await sender.send(batch, never)).toEqual([
      {
        kind: "failed",
        reason: expect.stringMatching(/^No TLS with 127\.0\.0\.1:\d+: its certificate is not trusted/),
      },
    ]);
    expect(fake.received).toEqual([]);
  });
});

describe("a target that can't work is not loaded", () => {
  it.each<[string, Record<string, string>, string]>([
    ["no password", {}, "password: it is missing, and NSCA-ng's servers know their clients by it"],
    [
      "a key without its certificate",
      { "use psk": "false", insecure: "true", "certificate key": "/a.pem" },
      '[$] has a "certificate key" and no "certificate".',
    ],
    [
      "an unknown cipher beside a known one",
      { password, "allowed ciphers": "PSK-AES256-CBC-SHA:PSK-ROT13" },
      "allowed ciphers: there is no cipher PSK-ROT13",
    ],
  ])("%s", (_name, keys, message) => {
    expect(() => relaySender(nscaNgProtocol, { host: "127.0.0.1", port: 1, ...keys })).toThrow(
      message.replace("$", "/settings/NSCA-NG/client/targets/test"),
    );
  });

  it("and any other list is taken as it is", async () => {
    const list =
      "@SECLEVEL=0:PSK-AES256-GCM-SHA384:PSK-AES128-GCM-SHA256:PSK-CHACHA20-POLY1305:" +
      "PSK-AES128-CBC-SHA256:PSK-AES256-CBC-SHA:PSK-AES128-CBC-SHA";
    const fake = await FakeServer.start({ answer: willing });
    const { sender } = senderTo(fake, { password, "allowed ciphers": list, "tls version": "tlsv1.2+" });
    expect(await sender.send(batch, never)).toEqual(delivered);
  });
});
