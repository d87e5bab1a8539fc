import type { Clock } from "../../kernel/clock.js";
import { GatewayError } from "../../kernel/errors.js";
import type { RelayTarget } from "../../relay/relay.js";
import { parseAddress } from "./gateway-address.js";
import { connectGateway, type GatewayClient } from "./gateway-client.js";
import type { GatewayKeys } from "./settings.js";

/** How old a client must be before a failed connection makes the next call read certificates and token again. */
const freshMs = 30_000;

/** The connection to another gateway: kept as long as it works, made anew when what it was made of may be old. */
export class GatewayLink {
  private current: GatewayClient | undefined;
  private madeAt = 0;

  constructor(
    private readonly target: RelayTarget<GatewayKeys>,
    private readonly clock: Clock,
  ) {}

  /** @throws GatewayError CONFIGURATION when a file of the target can't be read */
  client(): GatewayClient {
    if (this.current !== undefined) return this.current;
    const { address, host, port, settings } = this.target;
    const { ca, certificate, certificateKey, token, tokenFile, insecure, serverName } = settings;
    this.current = connectGateway({
      ...{ ca, certificate, certificateKey, token, tokenFile, insecure, serverName },
      address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
      tls: parseAddress(address).tls,
    });
    this.madeAt = this.clock.monotonic();
    return this.current;
  }

  /** A caller named an address of its own: it must not be shown the secrets that are for the configured one. */
  clientElsewhere(address: string): GatewayClient {
    const { ca, insecure } = this.target.settings;
    return connectGateway({ address, ca, insecure });
  }

  /** Ends a client that was made for one call. */
  release(client: GatewayClient): void {
    if (client !== this.current) client.close();
  }

  /** Certificates and tokens on disk may be others by now: the next call reads them. */
  failed(client: GatewayClient, thrown: unknown): void {
    if (client !== this.current || !(thrown instanceof GatewayError)) return;
    const stale = this.clock.monotonic() - this.madeAt > freshMs;
    if (thrown.code === "UNAUTHENTICATED" || (thrown.code === "UNAVAILABLE" && stale)) this.current = undefined;
  }

  close(): void {
    this.current?.close();
    this.current = undefined;
  }
}
