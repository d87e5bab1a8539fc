import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { NrdpReceiver } from "../crash/receivers.js";
import { freePort } from "../support/free-port.js";
import { startGateway } from "../support/gateway-process.js";
import { Operator } from "../support/relaying-gateway.js";

/** How a receiver of NRDP can be of no use; it is of use again when it has no mood. */
type Mood = "silent" | "garbage" | "another program" | "refuses each second batch" | undefined;

class MoodyReceiver extends NrdpReceiver {
  private requests = 0;

  constructor(public mood: Mood) {
    super();
  }

  protected override async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    if (this.mood === "silent") return;
    if (this.mood === "garbage")
      return void request.socket.end(Buffer.from("\u0000\u00ff\r\n\r\n what\u0000", "latin1"));
    if (this.mood === "another program") return void response.end("<html><body>It works!</body></html>");
    if (this.mood === "refuses each second batch" && this.requests % 2 === 0) {
      response.statusCode = 503;
      return void response.end("busy");
    }
    await super.answer(request, response);
  }
}

const batchSize = 10;
const calls = 30;
const services = Array.from({ length: calls * batchSize }, (_, index) => `s${index}`);

test("a receiver that hangs, one that talks garbage, one that is another program, one that refuses each second batch and one that is not there hold up neither the good one nor each other", async () => {
  const moods: Readonly<Record<string, Mood>> = {
    silent: "silent",
    garbage: "garbage",
    stranger: "another program",
    moody: "refuses each second batch",
    absent: undefined,
    good: undefined,
  };
  const receivers = new Map(Object.entries(moods).map(([name, mood]) => [name, new MoodyReceiver(mood)]));
  const receiver = (name: string): MoodyReceiver => {
    const found = receivers.get(name);
    if (found === undefined) throw new Error(`There is no receiver ${name}`);
    return found;
  };
  onTestFinished(async () => {
    await Promise.all([...receivers.values()].map((one) => one.go()));
  });
  receiver("absent").port = await freePort();
  await Promise.all([...receivers].map(([name, one]) => (name === "absent" ? undefined : one.come())));
  const targets = [...receivers].map(
    ([name, { port }]) => `[/settings/NRDP/client/targets/${name}]
address = http://127.0.0.1:${port}/nrdp/
token = secret
timeout = 200ms
batch size = ${batchSize}
breaker failures = 2
retry delay = 10ms
maximum retry delay = 100ms
`,
  );
  const gateway = await startGateway({
    certificates: false,
    settings: `[/modules]
GRPCServer = enabled
NRDPClient = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false
[/settings/spool]
ballast size = 0
${targets.join("")}`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const operator = new Operator(gateway);
  onTestFinished(() => operator.close());

  const place = (name: string) => `http://127.0.0.1:${receiver(name).port}`;
  const reasons = {
    silent: `No answer from ${place("silent")} within 0.2 s`,
    garbage: `Cannot talk to ${place("garbage")}: Response does not match the HTTP/1.1 protocol (Expected HTTP/, RTSP/ or ICE/)`,
    stranger: 'The answer is no NRDP result: "It works!"',
    absent: `Cannot talk to ${place("absent")}: connect ECONNREFUSED 127.0.0.1:${receiver("absent").port}`,
  };
  const isFailing = (queue: string) => Object.keys(reasons).some((name) => queue === `nrdp-client/${name}`);

  for (let call = 0; call < calls; call++) {
    await operator.submit("NRDP", ...services.slice(call * batchSize, (call + 1) * batchSize));
  }
  await receiver("good").has(services.length);
  expect(receiver("good").taken).toEqual(services);
  await receiver("moody").has(services.length);
  expect(receiver("moody").taken).toEqual(services);

  // What the others do is what an operator is told: in the list of queues, in the metrics and in the log.
  await operator.untilQueues((queues) =>
    queues.every(({ name, waiting, delivery }) =>
      isFailing(name) ? delivery?.breaker !== "closed" : Number(waiting) === 0,
    ),
  );
  const queues = (await operator.queues()).map(({ name, waiting, dead, delivery }) => [
    ...[name, Number(waiting), Number(dead)],
    isFailing(name) ? delivery?.lastError : "",
  ]);
  expect(queues).toEqual([
    ["nrdp-client/absent", services.length, 0, reasons.absent],
    ["nrdp-client/garbage", services.length, 0, reasons.garbage],
    ["nrdp-client/good", 0, 0, ""],
    ["nrdp-client/moody", 0, 0, ""],
    ["nrdp-client/silent", services.length, 0, reasons.silent],
    ["nrdp-client/stranger", services.length, 0, reasons.stranger],
  ]);
  const open = (await operator.metric("nscp_relay_breaker")).filter((line) => /state="(half-)?open"} 1$/.test(line));
  expect(open.map((line) => /target="(\w+)"/.exec(line)?.[1])).toEqual(Object.keys(reasons).toSorted());
  const unharmed = (await operator.metric("nscp_relay_failures_total")).filter((line) => line.endsWith(" 0"));
  expect(unharmed).toEqual(['{alias="nrdp-client",target="good",queue="nrdp-client/good",grade="confirmed"} 0']);
  for (const [name, reason] of Object.entries(reasons)) {
    expect(gateway.log).toContain(
      JSON.stringify(`${name}: results wait, for they can't be delivered: ${reason}`).slice(1, -1),
    );
  }
  expect(gateway.log).not.toMatch(/good: /);

  await receiver("absent").come();
  for (const one of receivers.values()) one.mood = undefined;
  for (const [name, one] of receivers) {
    await one.has(services.length);
    // What has no answer can come twice.
    expect([...new Set(one.taken)], name).toEqual(services);
  }
  await operator.untilQueues((queues) => queues.every(({ waiting }) => Number(waiting) === 0));
  for (const name of Object.keys(reasons)) await gateway.waitForLog(new RegExp(`${name}: back after `));
});
