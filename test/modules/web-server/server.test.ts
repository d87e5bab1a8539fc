import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { listeningPort } from "../../../src/modules/web-server/settings.js";
import { makeAuthority, makeClientPair, makeServerPair } from "../../../src/security/certificates.js";
import { refused, startWebServer, textAnswer, type WebGateway } from "../../support/web-server.js";

const terms = { now: Date.now(), days: 30 };

function securityFile(web: WebGateway, name: string): string {
  return join(web.folder, "security", name);
}

/** The certificate that the server shows, and the version of TLS. */
function shown(web: WebGateway, options: object = {}): Promise<{ fingerprint: string; protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls(
      { port: web.port, host: "127.0.0.1", rejectUnauthorized: false, ...options },
      () => {
        resolve({ fingerprint: socket.getPeerCertificate().fingerprint256, protocol: socket.getProtocol() });
        socket.destroy();
      },
    );
    socket.once("error", reject);
  });
}

describe("the certificate", () => {
  test("is made at the first start, for its owner only, and used again at the next", async () => {
    const web = await startWebServer({ tls: true });
    expect(statSync(securityFile(web, "certificate_key.pem")).mode & 0o777).toBe(0o600);
    const before = readFileSync(securityFile(web, "certificate.pem"), "utf8");
    const { fingerprint } = await shown(web);
    await web.gateway.unloadModule("WEBServer");
    await web.gateway.loadModule("WEBServer", "");
    expect(readFileSync(securityFile(web, "certificate.pem"), "utf8")).toBe(before);
    expect((await shown(web)).fingerprint).toBe(fingerprint);
  });

  test("is shown with TLS 1.2 and 1.3, and with nothing older", async () => {
    const web = await startWebServer({ tls: true });
    const only = (version: string) => ({ minVersion: version, maxVersion: version, ciphers: "DEFAULT:@SECLEVEL=0" });
    expect((await shown(web, only("TLSv1.2"))).protocol).toBe("TLSv1.2");
    expect((await shown(web, only("TLSv1.3"))).protocol).toBe("TLSv1.3");
    await expect(shown(web, only("TLSv1.1"))).rejects.toThrow(/version/);
  });

  test("may stand in one file with its key", async () => {
    const authority = await makeAuthority(terms);
    const pair = await makeServerPair(authority, ["localhost"], terms);
    const web = await startWebServer({
      tls: true,
      server: "certificate = ${certificate-path}/own.pem",
      files: { "security/own.pem": pair.privateKey + pair.certificate },
    });
    expect((await web.request({ path: "/core/isalive" })).status).toBe(200);
    expect(existsSync(securityFile(web, "certificate.pem"))).toBe(false);
  });

  test("is not made under another name, and without it nothing is served", async () => {
    const starting = startWebServer({ tls: true, server: "certificate = ${certificate-path}/own.pem" });
    await expect(starting).rejects.toThrow(
      /^The certificate .*\/own\.pem is not there; allow insecure = true would serve HTTP without TLS\.$/,
    );
  });

  test("needs a key", async () => {
    const pair = await makeServerPair(await makeAuthority(terms), ["localhost"], terms);
    const starting = startWebServer({ tls: true, files: { "security/certificate.pem": pair.certificate } });
    await expect(starting).rejects.toThrow(
      /^The certificate .*\/certificate\.pem has no key: neither certificate key names one, nor is one in the file or in .*\/certificate_key\.pem\.$/,
    );
  });

  test("of a client says who calls, when the settings ask for it", async () => {
    const authority = await makeAuthority(terms);
    const client = await makeClientPair(authority, "poller1", terms);
    const stranger = await makeClientPair(await makeAuthority(terms), "poller1", terms);
    const web = await startWebServer({
      tls: true,
      server: "verify mode = peer\nca = ${certificate-path}/ca.pem",
      files: { "security/ca.pem": authority.certificate },
      more: "[/settings/security/certificates]\nDNS:poller1 = poller\n",
    });
    const ask = (pair: typeof client | undefined) =>
      web.request({
        path: "/api/v2/info/version",
        ...(pair === undefined ? {} : { tls: { cert: pair.certificate, key: pair.privateKey } }),
      });
    expect((await ask(client)).status).toBe(200);
    expect(await ask(stranger)).toEqual(refused);
    expect(await ask(undefined)).toEqual(refused);
  });

  test("is replaced while the server runs", async () => {
    const web = await startWebServer({ tls: true });
    const before = await shown(web);
    const pair = await makeServerPair(await makeAuthority(terms), ["localhost"], terms);
    writeFileSync(securityFile(web, "certificate_key.pem"), pair.privateKey, { mode: 0o600 });
    writeFileSync(securityFile(web, "certificate.pem"), pair.certificate);
    await web.reload({});
    expect((await shown(web)).fingerprint).not.toBe(before.fingerprint);
  });
});

describe("the port", () => {
  test("without TLS is spoken of in the log", async () => {
    const web = await startWebServer();
    expect(web.logLines.filter((line) => line.includes("Listening"))).toEqual([
      expect.stringContaining(
        `Listening on 127.0.0.1 port ${web.port} WITHOUT TLS (allow insecure): passwords can be read on the way`,
      ),
    ]);
  });

  test("may have an s at its end", async () => {
    const web = await startWebServer({ server: "port = 0s" });
    expect((await web.request({ path: "/core/isalive" })).status).toBe(200);
  });

  test("takes the keys of older files without a word", async () => {
    const web = await startWebServer({
      server: "threads = 4",
      more: "[/settings/WEB/server/log]\nerror = true\ninfo = false\ndebug = false",
    });
    expect(web.logLines.filter((line) => /unknown (?:key|section)/.test(line))).toEqual([]);
  });

  test("is shown with its connections in the status", async () => {
    const web = await startWebServer();
    const status = web.gateway.modules().find(({ name }) => name === "WEBServer")?.status;
    expect(status).toEqual({
      detail: [`127.0.0.1 port ${web.port} (HTTP without TLS), 0 connections, 0 requests, 0 streams`],
    });
  });
});

test.each([
  ["8443", true, 8443],
  ["8443s", true, 8443],
  ["8443", false, 8080],
  [" 8443S ", false, 8080],
  ["9443", false, 9443],
])("the port %s, with TLS: %s, is %i", (text, isSecure, port) => {
  expect(listeningPort(text, isSecure)).toBe(port);
});

test("what is open and how requests were answered is among the metrics", async () => {
  const web = await startWebServer();
  await web.request({ path: "/core/isalive" });
  await web.request({ path: "/api" });
  await web.request({ path: "/nope" });
  await web.gateway.core.collectMetrics();
  const text = await web.gateway.metricsText();
  const rows = text.split("\n").filter((line) => /^web_/.test(line) && !/connections|requests /.test(line));
  expect(rows).toEqual([
    "web_streams 0",
    "web_turned_away 0",
    "web_ok 1",
    "web_client_errors 2",
    "web_server_errors 0",
  ]);
});

describe("a reload", () => {
  test("takes names, hosts and users in place: connections stay, but not those of hosts that are not allowed any more", async () => {
    const web = await startWebServer();
    const socket = connect(web.port, "127.0.0.1");
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET /core/isalive HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    const { port } = web;
    expect(await web.reload({ server: "application name = Other" })).toEqual({ reloaded: true, problems: [] });
    expect(web.port).toBe(port);
    expect(JSON.parse((await web.request({ path: "/api/v2/info", as: "admin" })).body).name).toBe("Other");
    expect(socket.destroyed).toBe(false);
    await web.reload({ server: "allowed hosts = 192.0.2.1" });
    await ended;
  });

  test("that changes a limit of the server makes it anew", async () => {
    const web = await startWebServer();
    await web.reload({ server: "body limit = 1K" });
    const answer = await web.request({ method: "POST", path: "/api/v2/login", body: "x".repeat(2000), as: "admin" });
    expect(answer).toEqual(textAnswer(413, "The body is larger than 1024 bytes."));
  });
});

describe("peers that are slow", () => {
  test("are cut off when the head of a request, or its body, does not come", async () => {
    const web = await startWebServer({ server: "handshake timeout = 300ms\ntimeout = 600ms" });
    expect(await web.raw("")).toBe("");
    const half = "POST /api/v2/login HTTP/1.1\r\nHost: x\r\n";
    expect(await web.raw(half)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(await web.raw(`${half}Content-Length: 10\r\n\r\nabc`)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });
});
