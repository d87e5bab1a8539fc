import { GatewayError } from "../../kernel/errors.js";
import { parseTargetAddress } from "../../relay/target-address.js";
import { type Charset, findCharset } from "../../wire/charset.js";
import { NRPE_PORT } from "../../wire/nrpe/packet.js";
import { bracketed, placeOf } from "./place.js";
import type { AgentValues } from "./settings.js";

/** An agent that can be polled. */
export interface Agent {
  readonly name: string;
  /** The name of its section, by which others may call it as well. */
  readonly id: string;
  /** Its section, or what stands for it in messages. */
  readonly path: string;
  readonly host: string;
  readonly port: number;
  /** Host and port as people write them. */
  readonly place: string;
  readonly charset: Charset;
  readonly values: AgentValues;
  /** The same for all agents that are the same one and are reached in the same way. */
  readonly key: string;
}

/**
 * The agent that these values describe.
 * @throws GatewayError CONFIGURATION beginning with the key that can't work
 */
export function agentOf({
  id,
  name,
  path,
  values: given,
}: {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly values: AgentValues;
}): Agent {
  // Files of NSClient++ have the key with nothing behind it.
  const values = { ...given, encoding: given.encoding.trim() || "utf-8" };
  const { address, host: givenHost, encoding } = values;
  if (address === "" && givenHost === "")
    throw new GatewayError("CONFIGURATION", `address: the target ${name} has none`);
  const parts = parseTargetAddress(address === "" ? bracketed(givenHost) : address);
  if (address !== "" && givenHost !== "" && givenHost.toLowerCase() !== parts.host.toLowerCase()) {
    throw new GatewayError(
      "CONFIGURATION",
      `host: it is ${givenHost}, and the address says ${parts.host}; give one of them`,
    );
  }
  const charset = findCharset(encoding);
  if (charset === undefined) throw new GatewayError("CONFIGURATION", `encoding: there is none called ${encoding}`);
  const { host } = parts;
  const port = parts.port || values.port || NRPE_PORT;
  const place = placeOf(host, port);
  const { address: _address, host: _host, port: _port, ...how } = values;
  return { ...{ id, name, path, host, port, place, charset, values }, key: JSON.stringify([place, how]) };
}
