import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createCertificates,
  createClientCertificate,
  createDevelopmentCertificates,
} from "../../src/security/certificate-files.js";
import { certificateName, clientCertificate } from "../../src/security/client-certificate.js";
import { temporaryFolder } from "./support.js";

const dayMs = 86_400_000;

describe("the certificates of a folder", () => {
  it("are an authority, a server and its clients; keys are for their owner only", async () => {
    const folder = join(temporaryFolder(), "security");
    const files = await createCertificates({ folder, now: Date.now(), clients: ["poller1", "ops@example.com"] });
    const names = [
      ...["ca.pem", "ca-key.pem", "certificate.pem", "certificate_key.pem", "poller1.pem", "poller1-key.pem"],
      ...["ops_at_example.com.pem", "ops_at_example.com-key.pem"],
    ];
    expect(files).toEqual(names.map((name) => join(folder, name)));
    expect(readdirSync(folder).sort()).toEqual([...names].sort());
    const modes = files.map((file) => (statSync(file).mode & 0o777).toString(8));
    expect(modes).toEqual(["644", "600", "644", "600", "644", "600", "644", "600"]);
  });

  it("name the server in every way it may be reached, and come from the authority", async () => {
    const folder = temporaryFolder();
    const now = Date.now();
    await createCertificates({ folder, now, hosts: ["GW.example.com", "*.gw.example.com", "192.0.2.7"], days: 90 });
    const [ca, server, client] = ["ca", "certificate", "client"].map((name) => readCertificate(folder, name));
    if (!ca || !server || !client) throw new Error("a certificate is missing");
    const reached = ["gw.example.com", "a.gw.example.com", "localhost"].map(
      (name) => server.checkHost(name) !== undefined,
    );
    const addresses = ["192.0.2.7", "127.0.0.1", "::1", "192.0.2.8"].map((ip) => server.checkIP(ip) !== undefined);
    expect([reached, addresses]).toEqual([
      [true, true, true],
      [true, true, true, false],
    ]);
    expect([server, client].map((leaf) => leaf.verify(ca.publicKey) && leaf.checkIssued(ca) && !leaf.ca)).toEqual([
      true,
      true,
    ]);
    expect([server.keyUsage, client.keyUsage]).toEqual([["1.3.6.1.5.5.7.3.1"], ["1.3.6.1.5.5.7.3.2"]]);
    const second = Math.floor(now / 1000) * 1000;
    const span = (certificate: X509Certificate) => [
      (Date.parse(certificate.validFrom) - second) / 3_600_000,
      (Date.parse(certificate.validTo) - second) / dayMs,
    ];
    expect([span(ca), span(server), span(client)]).toEqual([
      [-1, 3650],
      [-1, 90],
      [-1, 90],
    ]);
    expect(new Set([ca, server, client].map(({ serialNumber }) => serialNumber)).size).toBe(3);
  });

  it("are not replaced unless that is asked for, and nothing is half replaced", async () => {
    const folder = temporaryFolder();
    await createClientless(folder);
    const before = readFileSync(join(folder, "ca.pem"), "utf8");
    await expect(createClientless(folder)).rejects.toThrow(
      `${join(folder, "ca.pem")} is there already; --force replaces it.`,
    );
    expect(readFileSync(join(folder, "ca.pem"), "utf8")).toBe(before);
    await createCertificates({ folder, now: Date.now(), force: true });
    expect(readFileSync(join(folder, "ca.pem"), "utf8")).not.toBe(before);
  });

  it("can be joined by another client of the same authority", async () => {
    const folder = temporaryFolder();
    const options = { folder, now: Date.now() };
    await expect(createClientCertificate("late", options)).rejects.toThrow(
      `There is no authority to issue it: ENOENT: no such file or directory, open '${join(folder, "ca.pem")}'; nscp certs init makes one`,
    );
    await createCertificates(options);
    expect(await createClientCertificate("late", options)).toEqual([
      join(folder, "late.pem"),
      join(folder, "late-key.pem"),
    ]);
    expect(readCertificate(folder, "late").checkIssued(readCertificate(folder, "ca"))).toBe(true);
    await expect(createClientCertificate("late", options)).rejects.toThrow("is there already");
  });

  it.each(["", "../x", "a/b", "ca", "certificate", "x-key", "a..b", ".x", "x".repeat(65), "a b"])(
    "refuse the client name %j",
    async (name) => {
      await expect(createCertificates({ folder: temporaryFolder(), now: 0, clients: [name] })).rejects.toThrow(
        "The client name",
      );
    },
  );

  it.each(["", "a b", "-x", "http://x", "a..b", "x,y"])("refuse the host %j", async (host) => {
    const made = createCertificates({ folder: temporaryFolder(), now: 0, hosts: [host] });
    await expect(made).rejects.toThrow(`"${host}" is neither a host name nor an address.`);
  });

  it("are made for a first start once", async () => {
    const folder = join(temporaryFolder(), "security");
    expect([await createDevelopmentCertificates(folder), await createDevelopmentCertificates(folder)]).toEqual([
      true,
      false,
    ]);
  });
});

describe("a connection with them", () => {
  it("is mutual TLS, and tells the server who the client is", async () => {
    const folder = temporaryFolder();
    await createCertificates({ folder, now: Date.now(), clients: ["poller1"] });
    const read = (name: string) => readFileSync(join(folder, name));
    const ca = read("ca.pem");
    const pair = { cert: read("certificate.pem"), key: read("certificate_key.pem") };
    const server = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: true });
    onTestFinished(() => void server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, "secureConnection");
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: "localhost",
      ca,
      cert: read("poller1.pem"),
      key: read("poller1-key.pem"),
    });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    const [serverSide] = (await accepted) as [TLSSocket];
    const shown = clientCertificate(serverSide.getPeerCertificate().raw);
    serverSide.destroy();
    const { fingerprint256 } = readCertificate(folder, "poller1");
    expect([socket.authorized, shown, certificateName(shown)]).toEqual([
      true,
      { subjectAltNames: ["DNS:poller1"], commonName: "poller1", fingerprint256 },
      "CN=poller1",
    ]);
  });
});

function readCertificate(folder: string, name: string): X509Certificate {
  return new X509Certificate(readFileSync(join(folder, `${name}.pem`)));
}

function createClientless(folder: string): Promise<string[]> {
  return createCertificates({ folder, now: Date.now(), clients: [] });
}
