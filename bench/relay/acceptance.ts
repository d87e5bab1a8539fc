import { SubmitResponse, SubmitResponseMessage } from "../../src/wire/messages.js";
import { gatewayMethods } from "../../src/wire/services.js";
import { freePort } from "../../test/support/free-port.js";
import type { Pace } from "../compare.js";
import { type Load, Poller, type Round } from "../load.js";
import { type BenchServer, startSubmitFloor } from "../servers.js";
import { median, percentile } from "../statistics.js";
import { startRelayGateway, submissionOf } from "./relay-gateway.js";

/** How fast submissions are taken; a receiver is not there, so that every result stays on disk. */
export interface Acceptance {
  readonly results: number;
  readonly inFlight: number;
  readonly floor: AcceptedRate;
  readonly gateway: AcceptedRate;
  /** Results per second of the gateway by those of the floor. */
  readonly ratio: number;
}

interface AcceptedRate {
  readonly resultsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly aloneP50Ms: number;
  readonly aloneP99Ms: number;
}

/** Calls with one result and with a hundred. */
const kinds = [
  { results: 1, inFlight: 64 },
  { results: 1, inFlight: 512 },
  { results: 100, inFlight: 8 },
] as const;

export async function measureAcceptance(pace: Pace): Promise<Acceptance[]> {
  const port = await freePort();
  const gateway = await startRelayGateway(`address = 127.0.0.1:${port}\nencryption = xor`);
  try {
    const first = await answerOf(gateway.port, submissionOf(1));
    const { payload } = SubmitResponseMessage.decode(first);
    const floor = await startSubmitFloor(SubmitResponse.encode(payload[0] ?? SubmitResponse.create()).finish());
    try {
      const measured: Acceptance[] = [];
      for (const kind of kinds) measured.push(await compareServers(kind, floor, gateway, pace));
      return measured;
    } finally {
      await floor.stop();
    }
  } finally {
    await gateway.stop();
  }
}

async function compareServers(
  { results, inFlight }: (typeof kinds)[number],
  floorServer: Pick<BenchServer, "port">,
  gatewayServer: Pick<BenchServer, "port">,
  { pairs, roundMs, warmUpMs }: Pace,
): Promise<Acceptance> {
  const floor = await Side.open(floorServer.port, results, inFlight);
  const gateway = await Side.open(gatewayServer.port, results, inFlight);
  await floor.round(warmUpMs);
  await gateway.round(warmUpMs);
  floor.forget();
  gateway.forget();
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const bare = await floor.round(roundMs);
    ratios.push((await gateway.round(roundMs)) / bare);
  }
  floor.close();
  gateway.close();
  return { results, inFlight, floor: floor.rate(), gateway: gateway.rate(), ratio: median(ratios) };
}

/** A server, the submission that it gets and the answer that it has to give. */
class Side {
  private rounds: Round[] = [];
  private alone: number[] = [];

  private constructor(
    private readonly poller: Poller,
    private readonly load: Load,
    private readonly expected: Buffer,
    private readonly results: number,
    private readonly inFlight: number,
  ) {}

  static async open(port: number, results: number, inFlight: number): Promise<Side> {
    const poller = await Poller.open(port, undefined, gatewayMethods.submit.path);
    const request = submissionOf(results);
    const expected = await poller.ask(request);
    const { payload } = SubmitResponseMessage.decode(expected);
    const refused = payload.find(({ result }) => result?.code !== 0);
    if (payload.length !== results || refused !== undefined) {
      throw new Error(`The submission was not taken: ${refused?.result?.message ?? "no answer for each result"}`);
    }
    return new Side(poller, { kind: "unary", request }, expected, results, inFlight);
  }

  /** @returns results per second */
  async round(milliseconds: number): Promise<number> {
    const round = await this.poller.round(this.load, this.inFlight, milliseconds, this.expected);
    this.rounds.push(round);
    this.alone.push(...(await this.poller.round(this.load, 1, milliseconds / 8, this.expected)).latencies);
    return (round.calls * this.results) / round.seconds;
  }

  forget(): void {
    this.rounds = [];
    this.alone = [];
  }

  rate(): AcceptedRate {
    const overRounds = (figure: (round: Round) => number) => median(this.rounds.map(figure));
    return {
      resultsPerSecond: overRounds(({ calls, seconds }) => (calls * this.results) / seconds),
      p50Ms: overRounds(({ latencies }) => percentile(latencies, 0.5)),
      p99Ms: overRounds(({ latencies }) => percentile(latencies, 0.99)),
      aloneP50Ms: percentile(this.alone, 0.5),
      aloneP99Ms: percentile(this.alone, 0.99),
    };
  }

  close(): void {
    this.poller.close();
  }
}

async function answerOf(port: number, request: Uint8Array): Promise<Buffer> {
  const poller = await Poller.open(port, undefined, gatewayMethods.submit.path);
  try {
    return await poller.ask(request);
  } finally {
    poller.close();
  }
}
