import type { Call } from "../../kernel/call.js";
import { errorText, GatewayError } from "../../kernel/errors.js";
import { changedValues, type TargetOptions } from "../../relay/ad-hoc-target.js";
import { keysByName } from "../../relay/targets.js";
import { closest } from "../../settings/did-you-mean.js";
import { SettingsError } from "../../settings/errors.js";
import type { PathTokens } from "../../settings/paths.js";
import { keyName, type SettingsObject, type SettingsOf } from "../../settings/schema.js";
import type { SettingsStore } from "../../settings/store.js";
import { type Agent, agentOf } from "./agent.js";
import { type AgentValues, type settings, targetKeys } from "./settings.js";

/** The keys of agents by the names that callers use. */
export const agentKeys = keysByName(targetKeys);

type NrpeSettings = SettingsOf<typeof settings>;

/** How a caller describes an agent. */
export interface Wanted {
  /** Empty: `default`. */
  readonly name: string;
  /** Keys of the agent in any spelling, and their texts. */
  readonly options: TargetOptions;
  /** Whether `options` came over a network: without secrets and files of this machine then. */
  readonly isForeign: boolean;
}

/** The agents of the settings. */
export class Agents {
  /** In the order of their names; `default` only when it has an address. */
  readonly all: readonly Agent[];
  private readonly byName: ReadonlyMap<string, Agent>;

  /**
   * @param check further reasons why an agent can't work
   * @throws GatewayError CONFIGURATION naming the key that can't work, with file and line where it is written
   */
  constructor(
    private readonly settings: NrpeSettings,
    private readonly store: SettingsStore,
    private readonly check: (agent: Agent) => void,
  ) {
    const { targets } = settings;
    const { address, host } = targets.default.values;
    const objects = [...targets.active.values(), ...(address === "" && host === "" ? [] : [targets.default])];
    this.all = objects.map((object) => this.configured(object));
    // The name that an agent is given beats that of its section.
    this.byName = new Map([
      ...this.all.map((agent) => [agent.id.toLowerCase(), agent] as const),
      ...this.all.map((agent) => [agent.name.toLowerCase(), agent] as const),
    ]);
  }

  find(name: string): Agent | undefined {
    return this.byName.get(name.trim().toLowerCase());
  }

  /** @throws GatewayError NOT_FOUND saying which there are */
  named(name: string): Agent {
    const agent = this.find(name);
    if (agent !== undefined) return agent;
    throw new GatewayError("NOT_FOUND", this.unknownText(name));
  }

  /**
   * The agent that a caller describes: one of the settings, perhaps with other options, or one that stands nowhere.
   * @throws GatewayError NOT_FOUND, INVALID_ARGUMENT or CONFIGURATION
   */
  wanted({ name, options, isForeign }: Wanted): Agent {
    const given = [...options];
    const wanted = name === "" ? "default" : name;
    if (given.length === 0) return this.named(wanted);
    const isElsewhere = given.some(([key]) => ["address", "host"].includes(key));
    const known = this.find(wanted);
    if (known === undefined && wanted.toLowerCase() !== "default" && !isElsewhere) throw this.unknown(name);
    const values: AgentValues = changedValues({
      ...{ keys: agentKeys, options: given, paths: this.paths },
      values: known?.values ?? this.settings.targets.default.values,
      ...{ keepsSecrets: !isForeign, namesFiles: !isForeign },
    });
    const agent = agentOf({ id: wanted, name: wanted, path: `target ${wanted}`, values });
    this.check(agent);
    return agent;
  }

  private get paths(): PathTokens {
    return this.store.paths;
  }

  private unknown(name: string): GatewayError {
    return new GatewayError("NOT_FOUND", this.unknownText(name));
  }

  private unknownText(name: string): string {
    const names = this.all.map((agent) => agent.name);
    if (names.length === 0) return `NRPEClient has no target ${name}, nor any other`;
    const meant = closest(name, names);
    const some =
      names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");
    return `NRPEClient has no target ${name} (${meant === undefined ? `there are ${some}` : `did you mean "${meant}"?`})`;
  }

  private configured(object: SettingsObject<AgentValues>): Agent {
    try {
      const agent = agentOf(object);
      this.check(agent);
      return agent;
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.code !== "CONFIGURATION") throw thrown;
      throw this.located(object, errorText(thrown));
    }
  }

  /** The error with the place of the key that it begins with: in the agent's section or line, or in those it inherits from. */
  private located({ id, path, parents }: SettingsObject<AgentValues>, text: string): SettingsError {
    const key = Object.entries(targetKeys)
      .map(([property, spec]) => keyName(property, spec))
      .find((name) => text.startsWith(`${name}: `));
    const section = path.slice(0, path.lastIndexOf("/"));
    const places = [id, ...parents].flatMap((each): (readonly [string, string | undefined])[] => [
      [`${section}/${each}`, key],
      ...(key === "address" || key === undefined ? [[section, each] as const] : []),
    ]);
    const origin = [...places, [path, undefined] as const]
      .flatMap(([where, name]) => this.store.origin(where, name) ?? [])
      .at(0);
    const message = key === undefined ? text : text.slice(key.length + 2);
    return new SettingsError([{ severity: "error", path, key, message, file: origin?.file, line: origin?.line }]);
  }
}

/**
 * Whether a caller may use the agents that it names.
 * @throws GatewayError PERMISSION_DENIED naming the grant that is missing
 */
export function checkGrants(
  call: Call,
  { target, option }: { readonly target: string | undefined; readonly option: string | undefined },
): void {
  if (!call.remote) return;
  const { grants, name } = call.principal;
  if (option !== undefined && !grants.allows("targets.override")) {
    throw new GatewayError(
      "PERMISSION_DENIED",
      `Permission denied: ${name} is not allowed to set ${option} of a target: the grant targets.override is missing`,
    );
  }
  if (target !== undefined && !grants.allows("targets.use", target)) {
    throw new GatewayError(
      "PERMISSION_DENIED",
      `Permission denied: ${name} is not allowed to use the target ${target}`,
    );
  }
}
