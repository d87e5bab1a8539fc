import { connect } from "node:tls";
import { onTestFinished } from "vitest";
import { type GatewayProcess, startGateway } from "./gateway-process.js";

/** What pollers of HTTP ask for: every state, arguments, performance data of all kinds, several lines. */
const script = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number) {
  const registry = Registry.get(pluginId);
  registry.simpleFunction("mock_query", (args) => [
    status.OK, "mock_query::" + args.join(","), "'a label'=30Z;20;30;10;50 'another label'=33Z;20;30",
  ], "Mock query used during tests");
  registry.simpleFunction("state", ([code = "0", ...words]) => [Number(code), words.join(" ")]);
  registry.simpleFunction("json", (args) => [status.OK, JSON.stringify(args)]);
  registry.simpleFunction("perf", () => [
    status.WARNING, "gemessen: Größe",
    "'Größe ü'=33.5%;4:5;@1:2;0;100 none=U neg=-3;;90 third=0.3333333 large=12345678901B;1;;0",
  ]);
  registry.simpleFunction("many", () => [
    status.OK, "many", Array.from({ length: 1000 }, (_, index) => \`n\${index}=\${index}\`).join(" "),
  ]);
  registry.simpleFunction("rows", () => [status.CRITICAL, "first row\\nsecond row", "x=1"]);
  registry.function("lines", (command) => ({ payload: [{ command, result: status.CRITICAL, lines: [
    { message: "one ", perf: [{ alias: "b", floatValue: { value: 2 } }, { alias: "a", floatValue: { value: 1, unit: "s" } }] },
    { message: "two" },
    { message: " three", perf: [{ alias: "c", stringValue: { value: "U" } }] },
  ] }] }));
  registry.simpleFunction("hangs", () => new Promise(() => {}));
}
`;

const settings = `
[/modules]
WEBServer = enabled
CheckHelpers = enabled
NodeScript = enabled
[/settings/default]
password = default-password
allowed hosts = 127.0.0.1,::1
[/settings/WEB/server]
port = 0
[/settings/check helpers/alias]
mock_alias = mock_query of the alias
echo_alias = check_warning message=hello
[/settings/node/scripts]
mock = mock.ts
`;

/** A gateway process with a web server and checks; it ends with the test. */
export async function startPolledGateway(more = ""): Promise<GatewayProcess> {
  const gateway = await startGateway({
    settings: `${settings}${more}`,
    files: { "scripts/node/mock.ts": script },
    certificates: false,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  return gateway;
}

/** Sends bytes over a connection of its own and resolves with all that came back until it was closed. */
export function exchange(port: number, bytes: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The clients that this stands for don't look at the certificate.
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      // A server that keeps the connection says how much it sends.
      if (isWhole(Buffer.concat(chunks))) socket.end();
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(Buffer.concat(chunks)));
  });
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(bytes.subarray(0, end + 2).toString("latin1"))?.[1];
  return end >= 0 && length !== undefined && bytes.length >= end + 4 + Number(length);
}
