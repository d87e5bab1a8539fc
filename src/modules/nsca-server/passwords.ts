import { errorText, GatewayError } from "../../kernel/errors.js";
import type { Logger } from "../../kernel/log.js";
import { AllowedHosts } from "../../security/allowed-hosts.js";
import type { ServerSettings } from "./settings.js";

interface Row {
  readonly hosts: AllowedHosts;
  readonly password: string;
  /** How narrow it is; more is narrower. */
  readonly rank: number;
}

/** Which password a sender has, by where it comes from. The wire says nothing else of who it is. */
export class Passwords {
  private constructor(
    private readonly rows: readonly Row[],
    private readonly password: string,
  ) {}

  /** @throws GatewayError CONFIGURATION for a name that is no address, network or host name */
  static async create(settings: ServerSettings, log: Logger): Promise<Passwords> {
    const { passwords, password, cacheAllowedHosts } = settings;
    const rows: Row[] = [];
    for (const [name, own] of passwords) {
      try {
        const hosts = await AllowedHosts.create([name], { cache: cacheAllowedHosts, log });
        rows.push({ hosts, password: own, rank: rankOf(name) });
      } catch (thrown) {
        throw new GatewayError("CONFIGURATION", `passwords: ${errorText(thrown)}.`, { cause: thrown });
      }
    }
    return new Passwords(
      rows.sort((a, b) => b.rank - a.rank),
      password,
    );
  }

  /** Whether some senders would need none. */
  get isAnyEmpty(): boolean {
    return this.password === "" || this.rows.some(({ password }) => password === "");
  }

  /** The password of the narrowest row that fits the address, else the one of all. */
  async of(address: string): Promise<string> {
    for (const { hosts, password } of this.rows) if (await hosts.allows(address)) return password;
    return this.password;
  }
}

/** Single addresses and names first, then networks by the length of their prefix, then wildcards by what they spell out. */
function rankOf(name: string): number {
  const slash = name.indexOf("/");
  if (slash >= 0) return Number(name.slice(slash + 1)) + (name.includes(":") ? 0 : 96);
  return name.includes("*") ? name.split(/[.:]/).length - 10 : 200;
}
