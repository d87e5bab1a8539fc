import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import { type GatewayProcess, packageRoot, startGateway } from "../support/gateway-process.js";
import { residentMiB } from "../support/process-figures.js";

const queries = process.env["NSCP_TEST_LONG"] === "1" ? 200_000 : 5000;
const inFlight = 64;
/** A leak of as little as 50 bytes a query is more than this after the second half of the long form. */
const allowedHeapGrowthMiB = 4;
/** The system gives memory in larger pieces, and garbage is collected when V8 sees fit. */
const allowedResidentGrowthMiB = 32;

const settings = `
[/modules]
CheckHelpers = enabled
NodeScript = enabled
GRPCServer = enabled

[/settings/node/scripts]
soak = soak.ts

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security/certificates]
CN:client = full
`;

const script = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_soak", (args) => [status.OK, \`query \${args[0]}\`, "'n'=1;2;3"]);
}
`;

let gateway: GatewayProcess;
let client: GatewayClient;

beforeAll(async () => {
  gateway = await startGateway({
    settings,
    files: { "scripts/node/soak.ts": script },
    nodeArguments: ["--expose-gc", "--import", pathToFileURL(join(packageRoot, "test/support/memory-probe.js")).href],
  });
  client = connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate("client.pem"),
    certificateKey: gateway.certificate("client-key.pem"),
  });
});

afterAll(async () => {
  client?.close();
  await gateway?.stop();
});

interface Memory {
  /** What is in use on the heap of the gateway, after garbage collection. */
  readonly heapMiB: number;
  /** Of the gateway and its script host. */
  readonly residentMiB: number;
}

let probes = 0;

async function memory(): Promise<Memory> {
  probes++;
  process.kill(gateway.pid, "SIGUSR2");
  const [, text = "{}"] = await gateway.waitForLog(new RegExp(`memory-probe ${probes} (\\{.*\\})`));
  const { heapUsed, external } = JSON.parse(text);
  return { heapMiB: (heapUsed + external) / 2 ** 20, residentMiB: residentMiB(gateway.pid) };
}

/** Built-in check and script in turns; each answer has to be the one to its question. */
async function ask(count: number): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < count) {
      const number = next++;
      const [command, args, text] =
        number % 2 === 0
          ? ["check_ok", [`message=query ${number}`], `query ${number}`]
          : ["check_soak", [String(number)], `query ${number}`];
      const { payload } = await client.query({ payload: [{ id: number, command, arguments: args }] });
      const [answer] = payload;
      if (answer?.id !== number || answer.result !== 0 || answer.lines[0]?.message !== text) {
        throw new Error(`Query ${number} was answered with ${JSON.stringify(payload)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

test(`${queries} queries at ${inFlight} in flight leave memory as it was`, { timeout: 900_000 }, async () => {
  await ask(Math.max(2000, queries / 20));
  const start = await memory();
  await ask(queries / 2);
  const middle = await memory();
  await ask(queries / 2);
  const end = await memory();
  const text = ({ heapMiB, residentMiB: resident }: Memory) =>
    `${heapMiB.toFixed(1)} heap, ${resident.toFixed(0)} resident`;
  console.info(`MiB at the start: ${text(start)}; in the middle: ${text(middle)}; at the end: ${text(end)}`);
  expect(end.heapMiB - middle.heapMiB).toBeLessThan(allowedHeapGrowthMiB);
  expect(end.residentMiB - middle.residentMiB).toBeLessThan(allowedResidentGrowthMiB);
});
