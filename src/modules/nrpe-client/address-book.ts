import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock } from "../../kernel/clock.js";

/** How long the addresses of a name are taken to be the same, and how long a name that there is none for is not asked again. */
const knownMs = 30_000;
const failedMs = 5_000;
/** Look-ups at a time. The system does them in four threads that files and the spool need as well. */
const maxLookups = 2;
const maxNames = 20_000;

type Found = { readonly addresses: readonly LookupAddress[] } | { readonly error: NodeJS.ErrnoException };

interface Entry {
  readonly found: Promise<Found>;
  until: number;
}

/** The addresses of agents' host names. A name server that hangs must not keep the rest of the gateway from its files. */
export class AddressBook {
  private readonly names = new Map<string, Entry>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(
    private readonly clock: Clock,
    /** Asks the system. */
    private readonly resolve: (host: string) => Promise<readonly LookupAddress[]> = systemLookup,
  ) {}

  /** For the option `lookup` of a connection. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    void this.find(host).then((found) => {
      if ("error" in found) {
        callback(found.error, []);
        return;
      }
      const family =
        options.family === 4 || options.family === "IPv4"
          ? 4
          : options.family === 6 || options.family === "IPv6"
            ? 6
            : 0;
      const addresses = found.addresses.filter((one) => family === 0 || one.family === family);
      const [first] = addresses;
      if (first === undefined) callback(notFound(host), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  private find(host: string): Promise<Found> {
    const name = host.toLowerCase();
    const known = this.names.get(name);
    if (known !== undefined && known.until > this.clock.monotonic()) return known.found;
    this.names.delete(name);
    const entry: Entry = { found: this.ask(host), until: Number.POSITIVE_INFINITY };
    this.names.set(name, entry);
    if (this.names.size > maxNames) {
      const [oldest] = this.names.keys();
      if (oldest !== undefined) this.names.delete(oldest);
    }
    void entry.found.then((found) => {
      entry.until = this.clock.monotonic() + ("error" in found ? failedMs : knownMs);
    });
    return entry.found;
  }

  private async ask(host: string): Promise<Found> {
    if (this.running < maxLookups) this.running++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return { addresses: await this.resolve(host) };
    } catch (thrown) {
      return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}

function systemLookup(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND", syscall: "getaddrinfo" });
}
