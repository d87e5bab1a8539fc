import { gatewayMethods } from "../../src/wire/services.js";
import { freePort } from "../../test/support/free-port.js";
import { anonymousMiB } from "../../test/support/process-figures.js";
import { Poller } from "../load.js";
import { startRelayGateway, submissionOf } from "./relay-gateway.js";

/** Memory of the gateway while results wait for a receiver that is not there. */
export interface BacklogMemory {
  readonly waiting: number;
  /** Without mapped pages of the store, which the system takes back when it needs them. */
  readonly anonymousMiB: number;
}

const perCall = 100;
const callsAtOnce = 16;

/** Submits until so many results wait, and looks at the memory on the way. */
export async function measureBacklog(results: number): Promise<BacklogMemory[]> {
  const gateway = await startRelayGateway(`address = 127.0.0.1:${await freePort()}\nencryption = xor`);
  try {
    const poller = await Poller.open(gateway.port, undefined, gatewayMethods.submit.path);
    const points: BacklogMemory[] = [];
    let waiting = 0;
    const look = () => points.push({ waiting, anonymousMiB: anonymousMiB(gateway.pid) });
    look();
    for (const share of [0.01, 0.1, 0.25, 0.5, 0.75, 1]) {
      while (waiting < results * share) {
        const calls = Array.from({ length: callsAtOnce }, (_, call) =>
          poller.ask(submissionOf(perCall, waiting + call * perCall)),
        );
        await Promise.all(calls);
        waiting += callsAtOnce * perCall;
      }
      look();
    }
    poller.close();
    return points;
  } finally {
    await gateway.stop();
  }
}
