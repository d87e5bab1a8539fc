import type { Clock } from "../../src/kernel/clock.js";
import type { OutgoingResult, RelayProtocol, RelayTarget, Sender } from "../../src/relay/relay.js";
import { commonTargetKeys } from "../../src/relay/target-keys.js";
import { PathTokens } from "../../src/settings/paths.js";
import { keyName, type ObjectSpec } from "../../src/settings/schema.js";
import { defaultValue, readTyped } from "../../src/settings/typed-value.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import { FakeClock } from "./fake-clock.js";
import { RecordingLog } from "./recording-log.js";

/** A target called `test` with the keys as a user writes them; `host` and `port` beside them say where its receiver is. */
export function relayTarget<Keys extends ObjectSpec["keys"]>(
  protocol: RelayProtocol<Keys>,
  written: Readonly<Record<string, string | number>>,
): RelayTarget<Keys> {
  const paths = new PathTokens({ packageRoot: "/nowhere", dataPath: "/nowhere" });
  const specs = Object.entries({ ...commonTargetKeys, ...protocol.targetKeys });
  const names = new Set(specs.map(([property, spec]) => keyName(property, spec)));
  const stranger = Object.keys(written).find((key) => !names.has(key));
  if (stranger !== undefined) throw new Error(`${protocol.name} has no key "${stranger}"`);
  const values = specs.map(([property, spec]) => {
    const text = written[keyName(property, spec)];
    if (text === undefined) return [property, defaultValue(spec, paths)];
    const typed = readTyped(spec, String(text), paths);
    if (!typed.ok) throw new Error(`${keyName(property, spec)}: ${typed.message}`);
    return [property, typed.value];
  });
  const address = String(written["address"] ?? written["host"] ?? "");
  return {
    ...{ name: "test", path: `/settings/${protocol.section}/client/targets/test`, address },
    host: String(written["host"] ?? ""),
    port: Number(written["port"] ?? 0),
    settings: Object.fromEntries(values) as RelayTarget<Keys>["settings"],
  };
}

/** The sender of such a target, with the log it writes to and the clock it looks at unless another one is given. */
export function relaySender<Keys extends ObjectSpec["keys"]>(
  protocol: RelayProtocol<Keys>,
  written: Readonly<Record<string, string | number>>,
  given?: Clock,
): { readonly sender: Sender; readonly log: RecordingLog; readonly clock: FakeClock } {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const environment = { log, clock: given ?? clock, hostname: "gateway.example", version: "1.2.3" };
  return { sender: protocol.connect(relayTarget(protocol, written), environment), log, clock };
}

/** When the checks of {@link outgoingResult} ran. */
export const checkTimeMs = Date.UTC(2030, 0, 1, 12);

/** A result on its way out; an empty service is the state of the host. */
export function outgoingResult(
  host: string,
  service: string,
  code: number,
  text: string,
  more: Partial<OutgoingResult> = {},
): OutgoingResult {
  const result = passiveResult({ host, service, code, text });
  return { host, service, result, timeMs: checkTimeMs, executionMs: undefined, channel: "test", ...more };
}
