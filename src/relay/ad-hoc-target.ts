import { GatewayError } from "../kernel/errors.js";
import { closest } from "../settings/did-you-mean.js";
import type { PathTokens } from "../settings/paths.js";
import { isSensitive, type KeySpec } from "../settings/schema.js";
import { defaultValue, readTyped } from "../settings/typed-value.js";
import { nameMapping } from "./names.js";
import type { AnyProtocol, TargetValues } from "./relay-settings.js";
import { withPort } from "./target-address.js";
import { type ConfiguredTarget, type KeysByName, plainKey, relayTarget, targetKeysByName } from "./targets.js";

/** What a caller says of a target: the names of keys in any spelling, and texts as they would stand in the settings. */
export type TargetOptions = Iterable<readonly [string, string]>;

interface AdHocTarget {
  readonly protocol: AnyProtocol;
  readonly name: string;
  /** What counts where the caller says nothing. */
  readonly values: TargetValues;
  readonly options: TargetOptions;
  readonly paths: PathTokens;
  /** Whether the secrets among `values` may go to an address that the caller chose. */
  readonly keepsSecrets: boolean;
  /** Whether the caller may name files of this machine. */
  readonly namesFiles: boolean;
}

/**
 * A target that stands in no settings: the caller names its address, or other options for one that does.
 *
 * @throws GatewayError INVALID_ARGUMENT naming an option that there is not, or whose value is wrong; CONFIGURATION
 */
export function adHocTarget({
  protocol,
  name,
  values,
  options,
  paths,
  keepsSecrets,
  namesFiles,
}: AdHocTarget): ConfiguredTarget {
  const keys = targetKeysByName(protocol);
  const complete = { ...changedValues({ keys, values, options, paths, keepsSecrets, namesFiles }), failover: [] };
  const target = relayTarget(protocol, { name, path: `target ${name}`, values: complete });
  return { id: name, name, values: complete, target, mapping: nameMapping(complete) };
}

interface Changes<Values> extends Omit<AdHocTarget, "protocol" | "name" | "values"> {
  readonly keys: KeysByName;
  readonly values: Values;
}

/**
 * The values of a target with those that a caller names, and without the secrets where they may not go along.
 * @throws GatewayError INVALID_ARGUMENT naming an option that there is not, or whose value is wrong; PERMISSION_DENIED for files
 */
export function changedValues<Values extends Pick<TargetValues, "address">>({
  keys,
  values,
  options,
  paths,
  keepsSecrets,
  namesFiles,
}: Changes<Values>): Values {
  const changed: Record<string, unknown> = { ...values };
  if (!keepsSecrets) {
    for (const { property, spec } of keys.values()) if (isSecret(spec)) changed[property] = defaultValue(spec, paths);
  }
  const given = typedOptions(keys, options, paths, namesFiles);
  Object.assign(changed, Object.fromEntries(given), addressOf(values, given));
  // What was read by the declaration of these keys has the types that it names.
  return changed as unknown as Values;
}

function typedOptions(
  keys: KeysByName,
  options: TargetOptions,
  paths: PathTokens,
  namesFiles: boolean,
): Map<string, unknown> {
  const given = new Map<string, unknown>();
  for (const [option, text] of options) {
    const key = keys.get(optionKey(option));
    if (key === undefined) {
      const meant = closest(plainKey(option), [...keys.keys()]);
      const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
      throw new GatewayError("INVALID_ARGUMENT", `Unknown option of a target: ${option}${hint}`);
    }
    if (key.spec.type === "path" && !namesFiles)
      throw new GatewayError("PERMISSION_DENIED", `${option}: files can't be named over a network`);
    const typed = readTyped(key.spec, text, paths);
    if (!typed.ok) throw new GatewayError("INVALID_ARGUMENT", `${option}: ${typed.message}`);
    if (typed.value !== undefined) given.set(key.property, typed.value);
  }
  return given;
}

/** `retry` is what the settings call `retries`. */
function optionKey(option: string): string {
  const key = plainKey(option);
  return key === "retry" ? "retries" : key;
}

/** An address, host or port of the caller's takes the place of all that the target has of them. */
function addressOf(values: Pick<TargetValues, "address">, given: ReadonlyMap<string, unknown>): Partial<TargetValues> {
  if (given.has("address")) return { host: "" };
  if (given.has("host")) return { address: "" };
  if (given.has("port") && values.address !== "")
    return { address: withPort(values.address, Number(given.get("port"))) };
  return {};
}

/** Also a certificate: without its key, which is secret, it is of no use. */
function isSecret(spec: KeySpec): boolean {
  if (isSensitive(spec)) return true;
  return spec.type === "path" && (spec.secretFile === true || spec.title.toLowerCase() === "certificate");
}
