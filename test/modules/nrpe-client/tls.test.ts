import { rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import nrpeClient from "../../../src/modules/nrpe-client/index.js";
import { makeAuthority, makeClientPair, makeServerPair } from "../../../src/security/certificates.js";
import { encodeNrpeResponse } from "../../../src/wire/nrpe/packet.js";
import { NrpeReader } from "../../../src/wire/nrpe/reader.js";
import { temporaryFolder } from "../../support/gateway-process.js";
import { incoming, query, rows } from "../../support/kernel.js";
import { loadModule } from "../../support/module-harness.js";
import { TestClock } from "../../support/served-module.js";

/** A clock that runs, and that a test can move on. */
class MovedClock extends TestClock {
  moved = 0;

  override monotonic(): number {
    return super.monotonic() + this.moved;
  }
}

async function polling(target: string) {
  const clock = new MovedClock();
  const { core, modules } = await loadModule(
    nrpeClient,
    `[/settings/NRPE/client/targets/default]\ncache time = 0\nretries = 0\n${target}`,
    { clock },
  );
  onTestFinished(() => modules.stopAll());
  expect(modules.list()[0]?.failure).toBe("");
  const ask = async () => rows(await core.query(query(["check_nrpe command=check"]), incoming())).join();
  return { clock, ask };
}

test("certificates of agents and our own are renewed on disk while agents are polled", async () => {
  const folder = temporaryFolder("nrpe-client-tls");
  onTestFinished(() => folder.remove());
  const terms = { now: Date.now(), days: 2 };
  const old = await makeAuthority(terms);
  const next = await makeAuthority(terms);
  const file = (name: string) => join(folder.path, name);
  const write = async (issuer: typeof old, name: string) => {
    const own = await makeClientPair(issuer, name, terms);
    writeFileSync(file("ca.pem"), issuer.certificate);
    writeFileSync(file("key.pem"), own.privateKey, { mode: 0o600 });
    writeFileSync(file("own.pem"), own.certificate);
  };
  await write(old, "gateway1");
  const agentOptions = async (issuer: typeof old) => {
    const { certificate, privateKey } = await makeServerPair(issuer, ["127.0.0.1"], terms);
    return { cert: certificate, key: privateKey, ca: [old.certificate, next.certificate] };
  };
  const agent = createServer({ ...(await agentOptions(old)), requestCert: true }, (socket: TLSSocket) => {
    const reader = new NrpeReader("query");
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      const packet = reader.next();
      const text = String(socket.getPeerCertificate().subject?.CN);
      if (packet !== undefined) socket.end(encodeNrpeResponse({ result: 0, text }, { version: packet.version }));
    });
  });
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void agent.close());
  const { port } = agent.address() as AddressInfo;
  const { clock, ask } = await polling(`address = 127.0.0.1:${port}
ca = ${file("ca.pem")}
certificate = ${file("own.pem")}
certificate key = ${file("key.pem")}
`);
  expect(await ask()).toBe("0 check_nrpe OK gateway1");
  agent.setSecureContext(await agentOptions(next));
  expect(await ask()).toContain(`127.0.0.1:${port} shows a certificate that can't be verified`);
  await write(next, "gateway2");
  clock.moved += 10_000;
  expect(await ask()).toBe("0 check_nrpe OK gateway2");
  rmSync(file("own.pem"));
  clock.moved += 10_000;
  expect(await ask()).toMatch(/^0 check_nrpe UNKNOWN certificate: it can't be read: ENOENT/);
});

test("an agent that took no TLS within the time-out is not waited for again until the unreachable time is over", async () => {
  const sockets: Socket[] = [];
  const mute = createTcpServer((socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const { port } = mute.address() as AddressInfo;
  const { clock, ask } = await polling(
    `address = 127.0.0.1:${port}\ninsecure = true\ntimeout = 200ms\nunreachable time = 1h\nmax connections = 1`,
  );
  const text = `0 check_nrpe UNKNOWN 127.0.0.1:${port} did not finish the TLS handshake within 0.2 s`;
  // Those in line are answered with the first.
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([text, text, text]);
  expect([await ask(), sockets.length]).toEqual([text, 1]);
  clock.moved += 3_600_000;
  expect([await ask(), sockets.length]).toEqual([text, 2]);
});
