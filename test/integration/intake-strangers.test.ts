import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { NrdpReceiver } from "../crash/receivers.js";
import { freePort } from "../support/free-port.js";
import { doorSecret, sendNsca } from "../support/front-doors.js";
import { startGateway } from "../support/gateway-process.js";
import { postNrdp } from "../support/nrdp-sender.js";

const strangers = 20;
const fine = { host: "server", output: "fine" };

/** Connects, and drops what comes. */
async function stranger(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}).resume();
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
}

test("senders that say nothing, talk garbage or drip bytes keep no other sender from delivering, and are dropped", async () => {
  const receiver = new NrdpReceiver();
  await receiver.come();
  onTestFinished(() => receiver.go());
  const [nscaPort, nrdpPort] = [await freePort(), await freePort()];
  const gateway = await startGateway({
    certificates: false,
    settings: `[/modules]
NSCAServer = enabled
NRDPServer = enabled
NRDPClient = enabled
[/settings/NSCA/server]
port = ${nscaPort}
bind to = 127.0.0.1
password = ${doorSecret}
encryption = xor
inbox = NRDP
timeout = 1s
handshake timeout = 1s
[/settings/NRDP/server]
port = ${nrdpPort}
bind to = 127.0.0.1
use ssl = false
inbox = NRDP
timeout = 1s
handshake timeout = 1s
connection idle = 1s
[/settings/NRDP/server/tokens]
sender = of the sender
[/settings/NRDP/client/targets/central]
address = http://127.0.0.1:${receiver.port}/nrdp/
token = secret
[/settings/spool]
ballast size = 0
`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });

  const heads: readonly Buffer[] = [
    Buffer.alloc(0),
    randomBytes(4096),
    Buffer.from("POST /nrdp/ HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\ntoken="),
    Buffer.from("GET /nrdp/ HTTP/1.1\r\nx-"),
  ];
  const dropped: Promise<unknown>[] = [];
  const drips: Socket[] = [];
  for (const port of [nscaPort, nrdpPort]) {
    for (let number = 0; number < strangers; number++) {
      const socket = await stranger(port);
      dropped.push(once(socket, "close"));
      const head = heads[number % heads.length];
      if (head !== undefined && head.length > 0) socket.write(head);
      if (number >= strangers / 2) drips.push(socket);
    }
  }
  const dripping = setInterval(() => {
    for (const socket of drips) if (!socket.destroyed) socket.write("a");
  }, 100);
  onTestFinished(() => clearInterval(dripping));

  const services: string[] = [];
  for (let number = 0; number < 5; number++) {
    await sendNsca(nscaPort, { ...fine, service: `over NSCA ${number}` });
    expect(await postNrdp(nrdpPort, "of the sender", `over NRDP ${number}`)).toBe("200 OK");
    services.push(`over NSCA ${number}`, `over NRDP ${number}`);
  }
  await receiver.has(services.length);
  expect(receiver.taken.toSorted()).toEqual(services.toSorted());
  await Promise.all(dropped);
  await sendNsca(nscaPort, { ...fine, service: "afterwards" });
  await receiver.has(services.length + 1);
  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
});
