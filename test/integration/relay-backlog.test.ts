import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { NrdpReceiver } from "../crash/receivers.js";
import { type GatewayProcess, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { Operator } from "../support/relaying-gateway.js";

const batchSize = 10;
const services = Array.from({ length: 400 }, (_, index) => `s${index}`);
const queue = "nrdp-client/central";

/** Takes so many results and is busy then, until it may take more. */
class ReluctantReceiver extends NrdpReceiver {
  limit = 0;

  protected override async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.taken.length < this.limit) return await super.answer(request, response);
    response.statusCode = 503;
    response.end("busy");
  }
}

test("a backlog outlives a reload, a stop, and a time without its target, and arrives in order", async () => {
  const folder = temporaryFolder("backlog");
  onTestFinished(() => folder.remove());
  const receiver = new ReluctantReceiver();
  await receiver.come();
  onTestFinished(() => receiver.go());
  const other = new NrdpReceiver();
  await other.come();
  onTestFinished(() => other.go());
  const target = (name: string, port: number) => `[/settings/NRDP/client/targets/${name}]
address = http://127.0.0.1:${port}/nrdp/
token = secret
batch size = ${batchSize}
retry delay = 10ms
maximum retry delay = 50ms
`;
  const [central, standby] = [target("central", receiver.port), target("standby", other.port)];
  const settings = (targets: string) => `[/modules]
GRPCServer = enabled
NRDPClient = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false
[/settings/spool]
ballast size = 0
${targets}`;
  const start = async (targets: string): Promise<{ gateway: GatewayProcess; operator: Operator }> => {
    const gateway = await startGateway({
      folder: folder.path,
      certificates: false,
      settings: settings(targets),
    });
    const operator = new Operator(gateway);
    onTestFinished(async () => {
      operator.close();
      await gateway.stop();
    });
    return { gateway, operator };
  };
  const reload = async (operator: Operator, targets: string) => {
    writeFileSync(join(folder.path, "nscp.ini"), settings(targets));
    expect(await operator.reload()).toEqual([]);
  };
  /** What happens while a hundred results are on their way; that the receiver takes no more leaves a backlog for sure. */
  const during = async (what: () => Promise<unknown>) => {
    receiver.limit += 100;
    await receiver.has(receiver.limit - 80);
    await what();
  };

  const { gateway, operator } = await start(central);
  await operator.submit("NRDP", ...services.slice(0, 350));
  await during(() => reload(operator, central));
  await receiver.has(receiver.limit);
  await during(async () => expect(await gateway.stop()).toEqual({ code: 0, signal: null }));

  const next = await start(central);
  await receiver.has(receiver.limit);
  await during(() => reload(next.operator, standby));
  // Nobody drains it; what is submitted meanwhile goes to the targets that there are.
  await next.operator.submit("NRDP", "for standby");
  await other.has(1);
  const listed = await next.gateway.nscp("queue", "list");
  expect(listed.stdout).toMatch(/\nnrdp-client\/central +\d+ +[\d.]+ \w+ +\S+ +0 +no target\n/);
  expect(Number((await next.operator.waiting())[queue])).toBeGreaterThan(0);

  receiver.limit = Number.POSITIVE_INFINITY;
  await reload(next.operator, central);
  await next.operator.submit("NRDP", ...services.slice(350));
  await next.operator.untilQueues((queues) => queues.every(({ waiting }) => Number(waiting) === 0));
  expect([...new Set(receiver.taken)]).toEqual(services);
  expect(other.taken).toEqual(["for standby"]);
  // The stop and the reloads waited for their batch.
  expect(receiver.taken.length).toBe(services.length);
});
