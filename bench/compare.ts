import { cpuSeconds } from "../test/support/process-figures.js";
import { Poller, type Round } from "./load.js";
import type { Scenario } from "./scenarios.js";
import type { BenchServer, Certificates } from "./servers.js";
import { median, percentile } from "./statistics.js";

export interface Pace {
  /** Rounds of the floor and of the gateway, alternating. */
  readonly pairs: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

/** The medians over the rounds of one server. */
export interface Figures {
  readonly callsPerSecond: number;
  readonly checksPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** With one call in flight. */
  readonly aloneP50Ms: number;
  readonly aloneP99Ms: number;
  /** Processor time of the server and its script hosts for one call, in microseconds. */
  readonly cpuMicroseconds: number;
}

export interface Comparison {
  readonly scenario: Scenario;
  readonly floor: Figures;
  readonly gateway: Figures;
  /** Gateway calls per second by those of the floor, a pair of rounds each. */
  readonly ratios: readonly number[];
  readonly ratio: number;
}

/** A server with the poller that asks it and the answer that it has to give. */
class Side {
  private readonly rounds: (Round & { readonly cpu: number })[] = [];
  private readonly alone: number[] = [];

  private constructor(
    private readonly server: BenchServer,
    private readonly poller: Poller,
    private readonly scenario: Scenario,
    private readonly expected: Buffer,
  ) {}

  static async open(server: BenchServer, certificates: Certificates | undefined, scenario: Scenario): Promise<Side> {
    const poller = await Poller.open(server.port, certificates);
    return new Side(server, poller, scenario, await poller.ask(scenario.request));
  }

  get answerBytes(): number {
    return this.expected.length;
  }

  async warmUp(milliseconds: number): Promise<void> {
    await this.poller.round(this.scenario, this.scenario.inFlight, milliseconds, this.expected);
  }

  /** @returns calls per second */
  async measure(milliseconds: number): Promise<number> {
    const before = cpuSeconds(this.server.pid);
    const round = await this.poller.round(this.scenario, this.scenario.inFlight, milliseconds, this.expected);
    this.rounds.push({ ...round, cpu: cpuSeconds(this.server.pid) - before });
    const alone = await this.poller.round(this.scenario, 1, milliseconds / 8, this.expected);
    this.alone.push(...alone.latencies);
    return round.calls / round.seconds;
  }

  figures(): Figures {
    const overRounds = (figure: (round: Round & { readonly cpu: number }) => number) => median(this.rounds.map(figure));
    const callsPerSecond = overRounds((round) => round.calls / round.seconds);
    return {
      callsPerSecond,
      checksPerSecond: callsPerSecond * this.scenario.payloads,
      p50Ms: overRounds((round) => percentile(round.latencies, 0.5)),
      p99Ms: overRounds((round) => percentile(round.latencies, 0.99)),
      aloneP50Ms: percentile(this.alone, 0.5),
      aloneP99Ms: percentile(this.alone, 0.99),
      cpuMicroseconds: overRounds((round) => (round.cpu / round.calls) * 1e6),
    };
  }

  close(): void {
    this.poller.close();
  }
}

/** Floor and gateway in turns, so that what else the machine does meets both; each pair of rounds gives one ratio. */
export async function compare(
  scenario: Scenario,
  floorServer: BenchServer,
  gatewayServer: BenchServer,
  certificates: Certificates | undefined,
  { pairs, roundMs, warmUpMs }: Pace,
): Promise<Comparison> {
  const floor = await Side.open(floorServer, certificates, scenario);
  const gateway = await Side.open(gatewayServer, certificates, scenario);
  if (floor.answerBytes !== gateway.answerBytes) {
    const sizes = `${floor.answerBytes} bytes, the gateway with ${gateway.answerBytes}`;
    throw new Error(`${scenario.name}: the floor answers with ${sizes}; that would not be the same work`);
  }
  await floor.warmUp(warmUpMs);
  await gateway.warmUp(warmUpMs);
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const bare = await floor.measure(roundMs);
    ratios.push((await gateway.measure(roundMs)) / bare);
  }
  const comparison = { scenario, floor: floor.figures(), gateway: gateway.figures(), ratios, ratio: median(ratios) };
  floor.close();
  gateway.close();
  return comparison;
}
