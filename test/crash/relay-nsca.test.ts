import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { NscaDaemon } from "../peers/nsca-daemon.js";
import { needPeer, nscaDaemon } from "../peers/peers.js";
import { startGateway, temporaryFolder } from "../support/gateway-process.js";
import { frontEndSettings, write } from "./writer.js";

const rounds = process.env["NSCP_TEST_LONG"] === "1" ? 50 : 6;
const password = "s3cret";
/** More does not fit into what the system keeps for a connection whose other end does not read. */
const batchSize = 50;

/**
 * NSCA has no answer: a daemon that ends after it has read a result and before it has written it takes that result with it,
 * and nobody can know. So losses are counted here; they can't be more than one batch each time that the daemon ends.
 */
test(
  "what NSCA's daemon takes with it when it is killed is bounded by a batch; what a killed gateway had accepted arrives",
  async (context) => {
    const daemon = await NscaDaemon.prepare(needPeer(nscaDaemon, context), { method: 1, password, isSingle: true });
    const folder = temporaryFolder("relay-nsca");
    const start = () =>
      startGateway({
        folder: folder.path,
        certificates: false,
        settings: `
[/modules]
GRPCServer = enabled
NSCAClient = enabled

[/settings/NSCA/client]
channel = RELAY

[/settings/NSCA/client/targets/default]
address = 127.0.0.1:${daemon.port}
encryption = xor
password = ${password}
payload length = 4096
batch size = ${batchSize}
retry delay = 10ms
maximum retry delay = 100ms
${frontEndSettings}`,
      });
    const accepted: string[] = [];
    let daemonKills = 0;
    try {
      for (let round = 0; round < rounds; round++) {
        await daemon.come();
        const gateway = await start();
        const writing = write(gateway, round, { after: 30 + round, resultsPerCall: 10 }, accepted);
        await writing.half;
        await sleep(round % 7);
        await daemon.go();
        daemonKills++;
        if (round % 2 === 0) await daemon.come();
        await writing.enough;
        gateway.kill();
        await gateway.exited;
        await writing.ended;
        await daemon.go();
      }
      await daemon.come();
      const gateway = await start();
      try {
        const waiting = async () => JSON.parse((await gateway.nscp("queue", "list", "--json")).stdout);
        for (;;) {
          const { queue: queues } = await waiting();
          if (queues.every((queue: { waiting: string | number }) => Number(queue.waiting) === 0)) break;
          await sleep(50);
        }
        // The daemon writes what it has read right away; the last connection is closed when it has.
        const arrived = new Set(daemon.arrived.map(({ service }) => service));
        const lost = accepted.filter((id) => !arrived.has(id)).length;
        const twice = daemon.arrived.length - arrived.size;
        expect(lost).toBeLessThanOrEqual(daemonKills * batchSize);
        expect(twice).toBeLessThanOrEqual((daemonKills + 2 * rounds) * batchSize);
        process.stdout.write(
          `${daemonKills} kills of nsca, ${accepted.length} accepted, ${lost} lost, ${twice} twice\n`,
        );
      } finally {
        await gateway.stop();
      }
    } finally {
      await daemon.stop();
      folder.remove();
    }
  },
  rounds * 30_000,
);
