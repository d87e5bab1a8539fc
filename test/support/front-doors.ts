import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Client, credentials } from "@grpc/grpc-js";
import { QueryRequest, QueryRequestMessage } from "../../src/wire/messages.js";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { NrpeReader } from "../../src/wire/nrpe/reader.js";
import { decodeNscaInit, NSCA_INIT_SIZE } from "../../src/wire/nsca/init-packet.js";
import { parseNscaMethod } from "../../src/wire/nsca/methods.js";
import { NscaWriter } from "../../src/wire/nsca/writer.js";
import { gatewayMethods } from "../../src/wire/services.js";
import { freePort } from "./free-port.js";
import { type GatewayOptions, type GatewayProcess, startGateway } from "./gateway-process.js";
import { postNrdp } from "./nrdp-sender.js";

/** The secret of everybody who needs one. */
export const doorSecret = "of-the-sender";

/** Where a gateway with all of its front ends listens. */
export interface FrontDoors {
  readonly gateway: GatewayProcess;
  readonly ports: Readonly<Record<DoorName, number>>;
}

export const doorNames = ["grpc", "nrpe", "nrpeTls", "nsca", "nrdp", "web"] as const;
export type DoorName = (typeof doorNames)[number];

/**
 * Starts a gateway that listens with every front end on ports of the loopback interface: without TLS but for one of NRPE. Passive
 * results become lines of the file `results.txt` in its folder.
 *
 * @param keys further settings of a front end, such as its time-outs
 */
export async function startFrontDoors(
  keys: (door: DoorName) => string,
  options: Omit<GatewayOptions, "settings"> = {},
): Promise<FrontDoors> {
  const numbers: number[] = [];
  while (numbers.length < doorNames.length) {
    const port = await freePort();
    if (!numbers.includes(port)) numbers.push(port);
  }
  const ports = Object.fromEntries(doorNames.map((name, index) => [name, numbers[index] ?? 0])) as FrontDoors["ports"];
  const listen = (door: DoorName) =>
    `port = ${ports[door]}\nbind to = 127.0.0.1\nallowed hosts = 127.0.0.0/8\n${keys(door)}`;
  const gateway = await startGateway({
    ...options,
    settings: `[/modules]
CheckHelpers = enabled
SimpleFileWriter = enabled
GRPCServer = enabled
NRPEServer = enabled
nrpe-tls = NRPEServer
NSCAServer = enabled
NRDPServer = enabled
WEBServer = enabled

[/settings/GRPC/server]
use ssl = false
verify mode = none
${listen("grpc")}

[/settings/NRPE/server]
use ssl = false
allow arguments = true
${listen("nrpe")}

[/settings/NRPE/nrpe-tls]
allow arguments = true
${listen("nrpeTls")}

[/settings/NSCA/server]
password = ${doorSecret}
encryption = xor
inbox = FILE
${listen("nsca")}

[/settings/NRDP/server]
use ssl = false
inbox = FILE
${listen("nrdp")}

[/settings/NRDP/server/tokens]
sender = ${doorSecret}

[/settings/WEB/server]
certificate = \${data-path}/none.pem
allow insecure = true
password = secret
${listen("web")}

[/settings/writers/file]
channel = FILE
file = \${data-path}/results.txt
syntax = \${host} \${service} \${result_number} \${message}

[/settings/security]
anonymous role = poller
`,
  });
  return { gateway, ports };
}

/** Asks each front end for something that it has to answer well. */
export async function checkDoors({ ports }: Pick<FrontDoors, "ports">, names: readonly DoorName[]): Promise<void> {
  for (const name of names) {
    const problem = await visits[name](ports[name]);
    if (problem !== "") throw new Error(`The front end ${name} answered a poller with: ${problem}`);
  }
}

const visits: Readonly<Record<DoorName, (port: number) => Promise<string>>> = {
  grpc: async (port) => differs(await pollGrpc(port), "fine"),
  nrpe: async (port) => differs(await pollNrpe(port), "fine"),
  nrpeTls: async (port) => differs(await pollNrpe(port, true), "fine"),
  nsca: async (port) => differs(await sendNsca(port), "taken"),
  nrdp: async (port) => differs(await postNrdp(port, doorSecret, "disk"), "200 OK"),
  web: async (port) => differs(await pollWeb(port), "200 fine"),
};

function differs(answer: string, expected: string): string {
  return answer === expected ? "" : JSON.stringify(answer);
}

/** @returns the text of the answer, or nothing when the connection is closed without one */
async function pollNrpe(port: number, isSecured = false): Promise<string> {
  const socket = isSecured
    ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
    : connect(port, "127.0.0.1");
  socket.write(encodeNrpeQuery("check_ok!message=fine", { version: 4 }));
  const reader = new NrpeReader("response");
  for (const data of await received(socket)) reader.push(data);
  return reader.next()?.text.toString() ?? "";
}

/** A query over a connection of its own. */
function pollGrpc(port: number): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, request, response } = gatewayMethods.query;
  const message = QueryRequestMessage.create({
    payload: [QueryRequest.create({ command: "check_ok", arguments: ["message=fine"] })],
  });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (asked: QueryRequestMessage) => Buffer.from(request.encode(asked).finish()),
      (bytes) => response.decode(bytes),
      message,
      (error, answer) => {
        client.close();
        if (error !== null) reject(error);
        else resolve(answer?.payload[0]?.lines[0]?.message ?? "");
      },
    );
  });
}

/** A check over the oldest way that the web server has, as check_nscp_api takes. */
async function pollWeb(port: number): Promise<string> {
  const headers = { password: "secret", connection: "close" };
  const answer = await fetch(`http://127.0.0.1:${port}/query/check_ok?message=fine`, { headers });
  return `${answer.status} ${/"message":"([^"]*)"/.exec(await answer.text())?.[1]}`;
}

/** Sends a result as send_nsca does, and waits until the gateway has closed the connection. */
export async function sendNsca(
  port: number,
  result = { host: "server", service: "disk", output: "fine" },
): Promise<string> {
  const parsed = parseNscaMethod("xor");
  if (parsed.problem !== undefined) throw new Error(parsed.problem);
  const { method } = parsed;
  const socket = connect(port, "127.0.0.1");
  let greeting = Buffer.alloc(0);
  let answer = "";
  socket.on("error", () => {});
  socket.on("data", (data: Buffer) => {
    greeting = Buffer.concat([greeting, data]);
    if (greeting.length < NSCA_INIT_SIZE) return;
    const writer = new NscaWriter(decodeNscaInit(greeting), { method, password: doorSecret, payloadLength: 512 });
    const packet = Buffer.alloc(writer.packetSize);
    writer.write({ ...result, code: 0 }, packet);
    socket.end(packet);
    answer = "taken";
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

/** Everything that comes until the connection is closed. */
function received(socket: Socket): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  socket.on("error", () => {}).on("data", (data: Buffer) => chunks.push(data));
  return new Promise((resolve) => socket.once("close", () => resolve(chunks)));
}
