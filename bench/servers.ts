import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type GatewayProcess, startGateway } from "../test/support/gateway-process.js";
import type { RestFloorOrder } from "./doors/rest-floor.js";
import type { FloorOrder } from "./floor-server.js";
import type { SubmitFloorOrder } from "./relay/submit-floor.js";
import { benchScript, pythonBenchScript } from "./scenarios.js";

const minute = 60_000;

/** The options of the gateway's own server, so that neither has an advantage over the other. */
const serverOptions = {
  "grpc.enable_channelz": 0,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
  "grpc.max_send_message_length": 4 * 1024 * 1024,
  "grpc.max_concurrent_streams": 1000,
  "grpc.max_connection_idle_ms": 30 * minute,
  "grpc.max_connection_age_ms": 120 * minute,
  "grpc.max_connection_age_grace_ms": 5 * minute,
  "grpc.keepalive_time_ms": 2 * minute,
  "grpc.keepalive_timeout_ms": 20_000,
};

/** The development certificates of a gateway, as PEM. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

/** A server under load. */
export interface BenchServer {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** A gateway with the built-in checks and a function in each language. */
export async function startBenchGateway(
  tls: boolean,
  profileFolder: string | undefined,
): Promise<BenchServer & { readonly certificates: Certificates | undefined }> {
  const gateway = await startGateway({
    settings: `
[/modules]
CheckHelpers = enabled
NodeScript = enabled
PythonScript = enabled
GRPCServer = enabled

[/settings/node/scripts]
bench = bench.ts

[/settings/python/scripts]
bench = bench.py

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
allowed hosts = 127.0.0.1
use ssl = ${tls}
verify mode = ${tls ? "peer-cert" : "none"}

[/settings/security]
anonymous role = ${tls ? "" : "bench"}

[/settings/security/certificates]
CN:client = bench

[/settings/security/roles]
bench = queries.execute
`,
    files: { "scripts/node/bench.ts": benchScript, "scripts/python/bench.py": pythonBenchScript },
    certificates: tls,
    nodeArguments: profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`],
  });
  return {
    pid: gateway.pid,
    port: gateway.port,
    certificates: tls ? certificatesOf(gateway) : undefined,
    stop: async () => {
      await gateway.stop();
    },
  };
}

/**
 * The floor, see floor-server.ts.
 *
 * @param answers the gateway's answers by command
 */
export async function startFloor(
  answers: ReadonlyMap<string, Buffer>,
  certificates: Certificates | undefined,
): Promise<BenchServer> {
  const order: FloorOrder = {
    options: serverOptions,
    answers: Object.fromEntries([...answers].map(([command, bytes]) => [command, bytes.toString("base64")])),
    ...(certificates === undefined ? {} : { tls: { ca: certificates.ca, ...certificates.server } }),
  };
  return startServer("./floor-server.ts", order);
}

/**
 * The floor of submissions, see relay/submit-floor.ts.
 *
 * @param answer one payload of the gateway's answer
 */
export function startSubmitFloor(answer: Uint8Array): Promise<BenchServer> {
  const order: SubmitFloorOrder = { options: serverOptions, answer: Buffer.from(answer).toString("base64") };
  return startServer("./relay/submit-floor.ts", order);
}

/**
 * The floor of the REST interface, see doors/rest-floor.ts.
 *
 * @param answers what is answered to GET, by path
 */
export function startRestFloor(answers: Readonly<Record<string, unknown>>): Promise<BenchServer> {
  return startServer("./doors/rest-floor.ts", { answers });
}

/** Starts a server in a process of its own and gives it its order. */
async function startServer(file: string, order: FloorOrder | SubmitFloorOrder | RestFloorOrder): Promise<BenchServer> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: ["--import", "jiti/register"] });
  child.send(order);
  const port = await portOf(child);
  return {
    pid: child.pid ?? 0,
    port,
    stop: async () => {
      const exit = once(child, "exit");
      child.kill();
      await exit;
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`The floor ended with ${code}`)));
  ended.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), ended]);
  return (message as { port: number }).port;
}

function certificatesOf(gateway: GatewayProcess): Certificates {
  const read = (name: string) => readFileSync(gateway.certificate(name), "utf8");
  return {
    ca: read("ca.pem"),
    server: { certificate: read("certificate.pem"), key: read("certificate_key.pem") },
    client: { certificate: read("client.pem"), key: read("client-key.pem") },
  };
}
