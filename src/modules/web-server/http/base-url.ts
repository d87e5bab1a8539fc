import type { ServerSettings } from "../settings.js";

/** What a request says about where it went. */
export interface RequestedPlace {
  readonly host: string | undefined;
  readonly isSecure: boolean;
}

/** Names that are remembered. */
const maxHosts = 100;

/** What URLs in answers begin with. */
export class BaseUrls {
  private readonly known = new Map<string, string>();
  private readonly publicUrl: string;
  private readonly trusted: ReadonlySet<string>;

  constructor({ publicUrl, trustedHosts }: Pick<ServerSettings, "publicUrl" | "trustedHosts">) {
    this.publicUrl = publicUrl.replace(/\/+$/, "");
    this.trusted = new Set(trustedHosts.map((host) => host.toLowerCase()));
  }

  /** `https://host:8443`; nothing when the request names no host, or one that is not to be believed. */
  of({ host, isSecure }: RequestedPlace): string {
    if (this.publicUrl !== "") return this.publicUrl;
    if (host === undefined || host === "") return "";
    const key = isSecure ? host : `!${host}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const url = this.isBelieved(host) ? `${isSecure ? "https" : "http"}://${host}` : "";
    if (this.known.size >= maxHosts) this.known.clear();
    this.known.set(key, url);
    return url;
  }

  private isBelieved(host: string): boolean {
    if (!/^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)) return false;
    return this.trusted.size === 0 || this.trusted.has(host.toLowerCase());
  }
}
