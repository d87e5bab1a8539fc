import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import { StatusCode } from "../../src/wire/messages.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import type { GatewayProcess } from "../support/gateway-process.js";

const writers = 4;

/** The front end that submissions come in by, and who may. */
export const frontEndSettings = `
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
allowed hosts = 127.0.0.1
use ssl = false
verify mode = none

[/settings/security]
anonymous role = sender

[/settings/security/roles]
sender = submit
`;

export interface Load {
  /** How many submissions are answered before there are enough. */
  readonly after: number;
  readonly resultsPerCall: number;
}

export interface Writing {
  /** Half of the submissions are answered; the gateway may also be gone. */
  readonly half: Promise<void>;
  /** So many as the round says. */
  readonly enough: Promise<void>;
  /** The gateway is gone. */
  readonly ended: Promise<void>;
}

/** Submits from several writers to the channel RELAY until the gateway is gone, and notes what was accepted. */
export function write(
  gateway: GatewayProcess,
  round: number,
  { after, resultsPerCall }: Load,
  accepted: string[],
): Writing {
  const client = connectGateway({ address: `grpc://127.0.0.1:${gateway.port}` });
  let answers = 0;
  let halfway = () => {};
  let enough = () => {};
  const half = new Promise<void>((resolve) => {
    halfway = resolve;
  });
  const all = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const writer = async (letter: string) => {
    for (let call = 0; ; call++) {
      const ids = Array.from({ length: resultsPerCall }, (_, index) => `${letter}.${round}.${call}.${index}`);
      if (!(await isAccepted(client, ids))) return;
      accepted.push(...ids);
      answers++;
      if (answers >= after / 2) halfway();
      if (answers >= after) enough();
    }
  };
  const letters = Array.from({ length: writers }, (_, index) => String.fromCharCode(97 + index));
  const ended = Promise.all(letters.map(writer)).then(() => {
    client.close();
    halfway();
    enough();
  });
  return { half, enough: all, ended };
}

/** False when the gateway did not live to answer; then nobody knows. */
async function isAccepted(client: GatewayClient, services: readonly string[]): Promise<boolean> {
  const payload = services.map((service) => passiveResult({ host: "server", service, code: 0, text: "fine|a=1" }));
  const answer = await client.submit({ header: null, channel: "RELAY", payload }).catch(() => undefined);
  if (answer === undefined) return false;
  const refused = answer.payload.find(({ result }) => result?.code !== StatusCode.STATUS_OK);
  if (refused !== undefined) throw new Error(`Refused: ${refused.result?.message}`);
  return true;
}
