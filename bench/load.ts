import { gatewayMethods } from "../src/wire/services.js";
import { grpcMessage, LeanClient } from "./lean-client.js";
import type { Scenario } from "./scenarios.js";
import type { Certificates } from "./servers.js";

/** What is sent again and again. */
export type Load = Pick<Scenario, "kind" | "request">;

/** What a round of load came to. */
export interface Round {
  readonly calls: number;
  readonly seconds: number;
  /** Milliseconds from request to answer, in the order of the answers. */
  readonly latencies: readonly number[];
}

/**
 * A poller that costs as little as it can: one connection, requests that are ready bytes, answers that are compared with
 * the expected bytes and not decoded. So the server is what limits, and the floor and the gateway are told apart.
 */
export class Poller {
  private constructor(
    private readonly client: LeanClient,
    private readonly unaryPath: string,
  ) {}

  /**
   * @param certificates nothing for a connection without TLS
   * @param unaryPath of the method that calls outside of streams are for
   */
  static async open(
    port: number,
    certificates: Certificates | undefined,
    unaryPath = gatewayMethods.query.path,
  ): Promise<Poller> {
    const paths = [unaryPath, gatewayMethods.queryStream.path];
    return new Poller(await LeanClient.open(port, certificates, paths), unaryPath);
  }

  /** One call; the bytes of its answer. */
  ask(request: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.client.onFailure(reject);
      const call = this.client.begin(this.unaryPath, {
        message: (answer) => resolve(Buffer.from(answer)),
        end: () => reject(new Error("A call was refused")),
      });
      this.client.send(call, grpcMessage(request), true);
    });
  }

  /**
   * Keeps `inFlight` calls under way for so many milliseconds.
   * @throws Error when an answer is not the expected one
   */
  round(scenario: Load, inFlight: number, milliseconds: number, expected: Buffer): Promise<Round> {
    return scenario.kind === "unary"
      ? this.unary(scenario, inFlight, milliseconds, expected)
      : this.stream(scenario, inFlight, milliseconds, expected);
  }

  close(): void {
    this.client.close();
  }

  private async unary({ request }: Load, inFlight: number, milliseconds: number, expected: Buffer): Promise<Round> {
    const message = grpcMessage(request);
    const latencies: number[] = [];
    const started = performance.now();
    const until = started + milliseconds;
    await new Promise<void>((resolve, reject) => {
      let open = inFlight;
      this.client.onFailure(reject);
      const next = () => {
        const sent = performance.now();
        if (sent >= until) {
          if (--open === 0) resolve();
          return;
        }
        let isAnswered = false;
        const call = this.client.begin(this.unaryPath, {
          message: (answer) => {
            isAnswered = answer.equals(expected);
            if (!isAnswered) reject(unexpected(answer, expected));
          },
          end: () => {
            if (!isAnswered) return reject(new Error("A call was refused"));
            latencies.push(performance.now() - sent);
            next();
          },
        });
        this.client.send(call, message, true);
      };
      for (let caller = 0; caller < inFlight; caller++) next();
    });
    return { calls: latencies.length, seconds: (performance.now() - started) / 1000, latencies };
  }

  /** Latencies are those of the n-th answer after the n-th request: all requests are the same. */
  private async stream({ request }: Load, inFlight: number, milliseconds: number, expected: Buffer): Promise<Round> {
    const message = grpcMessage(request);
    const latencies: number[] = [];
    const sentAt: number[] = [];
    const started = performance.now();
    const until = started + milliseconds;
    await new Promise<void>((resolve, reject) => {
      let isOpen = true;
      this.client.onFailure(reject);
      const send = () => {
        const now = performance.now();
        if (now < until) {
          sentAt.push(now);
          this.client.send(call, message, false);
        } else if (isOpen) {
          isOpen = false;
          this.client.end(call);
        }
      };
      const call = this.client.begin(gatewayMethods.queryStream.path, {
        message: (answer) => {
          if (!answer.equals(expected)) return reject(unexpected(answer, expected));
          latencies.push(performance.now() - (sentAt[latencies.length] ?? 0));
          send();
        },
        end: () => (latencies.length === sentAt.length ? resolve() : reject(new Error("The stream ended early"))),
      });
      for (let waiting = 0; waiting < inFlight; waiting++) send();
    });
    return { calls: latencies.length, seconds: (performance.now() - started) / 1000, latencies };
  }
}

function unexpected(answer: Buffer, expected: Buffer): Error {
  return new Error(`An unexpected answer: ${answer.toString("latin1")}\nexpected was: ${expected.toString("latin1")}`);
}
