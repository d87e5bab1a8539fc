import { GatewayError } from "../../kernel/errors.js";
import type { RelayProtocol } from "../../relay/relay.js";
import { ClientTls } from "../../security/client-tls.js";
import { parseTime } from "../../settings/values.js";
import { findCharset } from "../../wire/charset.js";
import { parseNscaMethod } from "../../wire/nsca/methods.js";
import { NscaSender } from "./nsca-sender.js";
import { targetKeys } from "./settings.js";

/** The output field of NSCA since 2.9. */
const usualPayload = 4096;

/** Passive results for NSCA daemons. */
export const nscaProtocol: RelayProtocol<typeof targetKeys> = {
  name: "NSCAClient",
  summary: "Relays passive results to an NSCA daemon",
  defaultAlias: "nsca-client",
  section: "NSCA",
  channel: "NSCA",
  word: "nsca",
  grade: "written",
  defaultPort: 5667,
  targetKeys,
  // What is on its way when a connection breaks is sent again, so a batch is also what can arrive twice.
  batch: { count: 2000, bytes: 4 << 20 },
  connect({ path, host, port, settings }, { log, clock }) {
    const { encryption, dialect, password, useSsl, timeout, encoding } = settings;
    const parsed = parseNscaMethod(encryption, dialect);
    if (parsed.problem !== undefined) throw new GatewayError("CONFIGURATION", `[${path}]: ${parsed.problem}.`);
    const charset = findCharset(encoding);
    if (charset === undefined) {
      throw new GatewayError(
        "CONFIGURATION",
        `[${path}]: encoding "${encoding}" is neither utf-8 nor one with one byte for each character.`,
      );
    }
    const { method } = parsed;
    if (password === "" && method.keySize > 0) {
      throw new GatewayError("CONFIGURATION", `[${path}] has no "password"; the encryption ${method.name} needs one.`);
    }
    const tls = useSsl ? new ClientTls(settings, path) : undefined;
    // A caller who describes a target himself knows what he says.
    if (tls?.warning !== undefined && path.startsWith("/")) log.warn(tls.warning);
    const payloadLength = settings.bufferLength ?? settings.payloadLength ?? usualPayload;
    return new NscaSender({
      connection: { host, port, tls, timeoutMs: timeout, clock },
      writer: { method, password, payloadLength, charset },
      timeOffset: offsetSeconds(settings.timeOffset, path),
      resultsPerConnection:
        settings.resultsPerConnection > 0
          ? settings.resultsPerConnection
          : // A stock daemon drops all packets of a shorter kind when there are several.
            payloadLength < usualPayload
            ? 1
            : Number.MAX_SAFE_INTEGER,
      ...{ clock, log },
    });
  },
};

function offsetSeconds(text: string, path: string): number {
  const match = /^\s*([+-]?)(.*)$/.exec(text);
  const span = parseTime(match?.[2] ?? "");
  if (span === undefined) {
    throw new GatewayError("CONFIGURATION", `[${path}]: time offset "${text}" is not a time such as 30s or -1h.`);
  }
  return Math.round(span / 1000) * (match?.[1] === "-" ? -1 : 1);
}
