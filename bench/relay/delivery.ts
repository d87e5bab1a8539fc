import { spawn } from "node:child_process";
import { once } from "node:events";
import { gatewayMethods } from "../../src/wire/services.js";
import { sendNsca as sendNscaProgram } from "../../test/peers/peers.js";
import { Poller } from "../load.js";
import { median } from "../statistics.js";
import { MeasuredDaemon } from "./nsca-daemon.js";
import { startRelayGateway, submissionOf, text } from "./relay-gateway.js";

/** How fast the real daemon gets results, from each of three senders. */
export interface Delivery {
  readonly method: string;
  /** Results per second. */
  readonly gateway: number;
  /** One `send_nsca` that is fed all of them. */
  readonly fed: number;
  /** One `send_nsca` for each result. */
  readonly single: number;
  /** Gateway by the fed `send_nsca`, a pair of rounds each. */
  readonly ratio: number;
  readonly ratios: readonly number[];
}

const methods = [
  { number: 1, name: "xor", results: 20_000 },
  { number: 14, name: "rijndael128", results: 3000 },
] as const;

const perCall = 100;

export async function measureDelivery(pairs: number): Promise<Delivery[]> {
  const measured: Delivery[] = [];
  for (const { number, name, results } of methods) {
    const daemon = await MeasuredDaemon.prepare(number);
    try {
      measured.push({ method: name, ...(await measureMethod(daemon, name, results, pairs)) });
    } finally {
      await daemon.remove();
    }
  }
  return measured;
}

async function measureMethod(daemon: MeasuredDaemon, name: string, results: number, pairs: number) {
  const gateway = await startRelayGateway(`address = 127.0.0.1:${daemon.port}
encryption = ${name}
password = ${daemon.password}
payload length = 4096
retry delay = 50ms
maximum retry delay = 200ms`);
  const poller = await Poller.open(gateway.port, undefined, gatewayMethods.submit.path);
  const rates = { gateway: [] as number[], fed: [] as number[] };
  try {
    for (let pair = 0; pair < pairs; pair++) {
      rates.fed.push(await fed(daemon, results));
      rates.gateway.push(await relayed(daemon, poller, results));
    }
  } finally {
    poller.close();
    await gateway.stop();
  }
  const ratios = rates.gateway.map((rate, pair) => rate / (rates.fed[pair] ?? Number.NaN));
  return {
    gateway: median(rates.gateway),
    fed: median(rates.fed),
    single: await one(daemon, 200),
    ratio: median(ratios),
    ratios,
  };
}

/** The results wait in the spool before the daemon comes up, so that taking them is not in the figure. */
async function relayed(daemon: MeasuredDaemon, poller: Poller, results: number): Promise<number> {
  for (let first = 0; first < results; first += perCall) await poller.ask(submissionOf(perCall, first));
  await daemon.start();
  const seconds = await daemon.take(results);
  await daemon.stop();
  return results / seconds;
}

async function fed(daemon: MeasuredDaemon, results: number): Promise<number> {
  await daemon.start();
  const records = Array.from(
    { length: results },
    (_, index) => `host-${index % 1000}\tcheck ${index % 500}\t0\t${text}`,
  );
  const taken = daemon.take(results);
  await sendNsca(daemon, records.join("\x17"));
  const seconds = await taken;
  await daemon.stop();
  return results / seconds;
}

async function one(daemon: MeasuredDaemon, results: number): Promise<number> {
  await daemon.start();
  const started = performance.now();
  for (let index = 0; index < results; index++) await sendNsca(daemon, `host-${index}\tcheck\t0\t${text}`);
  await daemon.take(results);
  const seconds = (performance.now() - started) / 1000;
  await daemon.stop();
  return results / seconds;
}

async function sendNsca(daemon: MeasuredDaemon, records: string): Promise<void> {
  const child = spawn(
    sendNscaProgram.find() ?? "",
    ["-H", "127.0.0.1", "-p", String(daemon.port), "-c", daemon.senderConfiguration],
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  child.stdin.on("error", () => {});
  child.stdin.end(`${records}\x17`);
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`send_nsca ended with ${code}`);
}
