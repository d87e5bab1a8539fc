import { errorText, GatewayError } from "../kernel/errors.js";
import { closest } from "../settings/did-you-mean.js";
import { type Problem, SettingsError } from "../settings/errors.js";
import { type KeySpec, keyName, type ObjectSpec, type SettingsObject } from "../settings/schema.js";
import type { SettingsStore } from "../settings/store.js";
import { type NameMapping, nameMapping } from "./names.js";
import type { RelayTarget, Sender, SenderEnvironment } from "./relay.js";
import { type AnyProtocol, type RelaySettings, type TargetValues, targetKeysOf } from "./relay-settings.js";
import { parseTargetAddress } from "./target-address.js";
import { TargetSender } from "./target-sender.js";

/** A target of the settings, found to be right. */
export interface ConfiguredTarget {
  readonly name: string;
  /** The name of its section, by which others may call it as well. */
  readonly id: string;
  readonly values: TargetValues;
  readonly target: RelayTarget<AnyProtocol["targetKeys"]>;
  readonly mapping: NameMapping;
}

/** The targets of a relay. */
export class RelayTargets {
  /** Those that results can go to, in the order of their names. */
  readonly all: readonly ConfiguredTarget[];
  /** Those of submissions that name none. */
  readonly standard: readonly ConfiguredTarget[];

  /** @throws GatewayError CONFIGURATION naming the key that can't work, with file and line where it is written */
  constructor(
    private readonly protocol: AnyProtocol,
    private readonly settings: RelaySettings,
    private readonly store: SettingsStore,
    section: string,
  ) {
    const { targets } = settings;
    const isDefault = isTarget(protocol, targets.default, targets.active.size);
    const objects = [...targets.active.values(), ...(isDefault ? [targets.default] : [])];
    this.all = objects.map((object) => this.checked(object));
    const named = settings.submitTo.map((name) => this.wanted(name, section, "submit to"));
    const standard = this.all.find(({ id }) => id.toLowerCase() === "default");
    this.standard = named.length > 0 ? named : standard === undefined ? this.all : [standard];
    for (const { values, target } of this.all) {
      for (const name of values.failover) {
        if (this.wanted(name, target.path, "failover").name === target.name)
          throw this.problem(target.path, "failover", `${name} can't take over from itself`);
      }
    }
  }

  find(name: string): ConfiguredTarget | undefined {
    const wanted = name.toLowerCase();
    return (
      this.all.find((target) => target.name.toLowerCase() === wanted) ??
      this.all.find((target) => target.id.toLowerCase() === wanted)
    );
  }

  /** The values that a target of this name has, or those that every target has. */
  valuesFor(name: string): TargetValues {
    return this.find(name)?.values ?? this.settings.targets.default.values;
  }

  /** `There is no target x; there are a, b.` */
  unknownText(name: string): string {
    const names = this.all.map((target) => target.name);
    if (names.length === 0) return `${this.protocol.name} has no target ${name}, nor any other`;
    const meant = closest(name, names);
    const hint = meant === undefined ? `there are ${names.join(", ")}` : `did you mean "${meant}"?`;
    return `${this.protocol.name} has no target ${name} (${hint})`;
  }

  /** @throws GatewayError CONFIGURATION as the protocol says it, with the place of the key that it names */
  connect({ target, values, mapping }: ConfiguredTarget, environment: SenderEnvironment): Sender {
    const connect = () => this.protocol.connect(target, environment);
    const { clock } = environment;
    return this.located(
      target.path,
      () => new TargetSender({ connect, mapping, timeoutMs: values.batchTimeout, clock }),
    );
  }

  private checked({ id, name, path, values }: SettingsObject<TargetValues>): ConfiguredTarget {
    return this.located(path, () => ({
      ...{ id, name, values },
      target: relayTarget(this.protocol, { name, path, values }),
      mapping: nameMapping(values),
    }));
  }

  private wanted(name: string, path: string, key: string): ConfiguredTarget {
    const target = this.find(name);
    if (target === undefined) throw this.problem(path, key, this.unknownText(name));
    return target;
  }

  /** Adds the place to an error that names a key of the target. */
  private located<Made>(path: string, make: () => Made): Made {
    try {
      return make();
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.code !== "CONFIGURATION") throw thrown;
      // One that a caller described has no section.
      if (thrown instanceof SettingsError || !path.startsWith("/")) throw thrown;
      const text = errorText(thrown).replace(`[${path}]: `, "");
      const key = this.keyIn(text);
      throw this.problem(path, key, text.toLowerCase().startsWith(`${key}: `) ? text.slice(key.length + 2) : text);
    }
  }

  /** The key that an error begins with, else the longest that it mentions; those of the protocol's own come first. */
  private keyIn(text: string): string {
    const all = Object.entries(targetKeysOf(this.protocol)).map(([property, spec]) => ({
      key: keyName(property, spec),
      isOwn: Object.hasOwn(this.protocol.targetKeys, property),
    }));
    const first = all.find(({ key }) => text.toLowerCase().startsWith(`${key}: `));
    const [mentioned] = all
      .filter(({ key }) => mentions(text, key))
      .sort((left, right) => Number(right.isOwn) - Number(left.isOwn) || right.key.length - left.key.length);
    return (first ?? mentioned)?.key ?? "";
  }

  private problem(path: string, key: string, message: string): SettingsError {
    const place = this.placesOf(path, key).flatMap(([section, name]) => this.store.origin(section, name) ?? [])[0];
    const problem: Problem = { severity: "error", path, key: key || undefined, message };
    return new SettingsError([{ ...problem, file: place?.file, line: place?.line }]);
  }

  /** Where a value of a target can stand: in its section or its line, or in those that it inherits from. */
  private placesOf(path: string, key: string): (readonly [string, string | undefined])[] {
    const { active, templates, default: fallback } = this.settings.targets;
    const object = [...active.values(), fallback].find((each) => each.path === path);
    const above = (object?.parents ?? []).map((id) => active.get(id) ?? templates.get(id) ?? fallback);
    const places = [object, ...above].flatMap((each) => {
      if (each === undefined) return [];
      const section = each.path.slice(0, each.path.lastIndexOf("/"));
      return [[each.path, key] as const, ...(key === "address" ? [[section, each.id] as const] : [])];
    });
    return object === undefined ? [[path, key]] : [...places, [path, undefined]];
  }
}

function mentions(message: string, key: string): boolean {
  return new RegExp(`(?<![\\w-])${key.replace(/[^\w ]/g, "\\$&")}(?![\\w-])`, "i").test(message);
}

/** `default` is what the others inherit from; with an address of its own it is a target as well. */
function isTarget(protocol: AnyProtocol, { values }: SettingsObject<TargetValues>, others: number): boolean {
  if (protocol.defaultPort === undefined) return others === 0;
  return values.address !== "" || values.host !== "";
}

/**
 * A target as its protocol sees it.
 * @throws GatewayError CONFIGURATION beginning with the key that can't work
 */
export function relayTarget(
  protocol: AnyProtocol,
  { name, path, values }: { name: string; path: string; values: TargetValues },
): RelayTarget<AnyProtocol["targetKeys"]> {
  const { defaultPort } = protocol;
  const { address, host } = values;
  // The values of the protocol's own keys are there under names that only it knows.
  const settings = values as RelayTarget<AnyProtocol["targetKeys"]>["settings"];
  if (defaultPort === undefined) return { name, path, host: "", port: 0, address, settings };
  if (address === "" && host === "") throw new GatewayError("CONFIGURATION", `address: the target ${name} has none`);
  const parts = parseTargetAddress(address === "" ? bracketed(host) : address);
  if (address !== "" && host !== "" && host.toLowerCase() !== parts.host.toLowerCase()) {
    throw new GatewayError(
      "CONFIGURATION",
      `host: it is ${host}, and the address says ${parts.host}; give one of them`,
    );
  }
  const usual = typeof defaultPort === "function" ? defaultPort(address) : defaultPort;
  return { name, path, host: parts.host, port: parts.port || values.port || usual, address: address || host, settings };
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** A key of a target as callers may write it: `payload-length`, `payload_length` and `Payload Length` are one. */
export function plainKey(name: string): string {
  return name.trim().toLowerCase().replace(/[-_]/g, " ");
}

/** Keys of targets by the names that callers use. */
export type KeysByName = ReadonlyMap<string, { readonly property: string; readonly spec: KeySpec }>;

/** The keys of a protocol's targets by the names that callers use. */
export function targetKeysByName(protocol: AnyProtocol): KeysByName {
  return keysByName(targetKeysOf(protocol));
}

export function keysByName(keys: ObjectSpec["keys"]): KeysByName {
  const entries = Object.entries(keys).map(
    ([property, spec]) => [plainKey(keyName(property, spec)), { property, spec }] as const,
  );
  return new Map(entries);
}
