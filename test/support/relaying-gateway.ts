import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import { nscp, StatusCode } from "../../src/wire/messages.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import type { GatewayProcess } from "./gateway-process.js";

type Queue = nscp.gateway.v1.QueueResponse.Queue;

/** A running gateway as its operator has it, over the socket in its folder. */
export class Operator {
  private readonly client: GatewayClient;

  constructor({ folder }: GatewayProcess) {
    this.client = connectGateway({ socketPath: join(folder, "var", "control.sock"), timeoutMs: 30_000 });
  }

  /** Submits a result of the host `server` for each service. @throws Error unless all of them are accepted */
  async submit(channel: string, ...services: readonly string[]): Promise<void> {
    await this.submitText(channel, "fine|a=1", ...services);
  }

  /** The same with a text. */
  async submitText(channel: string, text: string, ...services: readonly string[]): Promise<void> {
    const payload = services.map((service) => passiveResult({ host: "server", service, code: 0, text }));
    const answer = await this.client.submit({ header: null, channel, payload });
    const refused = answer.payload.find(({ result }) => result?.code !== StatusCode.STATUS_OK);
    if (refused !== undefined) throw new Error(`Refused: ${refused.result?.message}`);
  }

  async queues(): Promise<readonly Queue[]> {
    return (await this.client.queue({ list: {} })).queue;
  }

  /** How many results wait, by queue. */
  async waiting(): Promise<Record<string, number>> {
    return Object.fromEntries((await this.queues()).map(({ name, waiting }) => [name, Number(waiting)]));
  }

  /** Asks again and again until the queues are as wanted. */
  async untilQueues(isWanted: (queues: readonly Queue[]) => boolean): Promise<void> {
    while (!isWanted(await this.queues())) await pause(10);
  }

  /** The samples of one metric, without its name: labels and value. */
  async metric(name: string): Promise<readonly string[]> {
    const { text } = await this.client.metrics({ format: nscp.gateway.v1.MetricsRequest.Format.PROMETHEUS });
    return text.split("\n").flatMap((line) => (line.startsWith(`${name}{`) ? [line.slice(name.length)] : []));
  }

  /** @returns what is wrong with the new settings */
  async reload(): Promise<readonly string[]> {
    return (await this.client.reload()).problem;
  }

  close(): void {
    this.client.close();
  }
}
