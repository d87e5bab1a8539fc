import { Header, KeyValue, PB } from "../wire/messages.js";
import type { Call } from "./call.js";

/** Keys of header metadata that only the gateway itself writes. */
const reservedPrefix = "nscp.";

/** The header of an answer: the request's, with `source_id` naming who answered. */
export function responseHeader(header: Header): Header {
  return Header.create({ ...header, sourceId: header.recipientId });
}

/** A header as it may be trusted, and what had to be left out of it. */
export interface TrustedHeader {
  readonly header: Header | null;
  /** The caller named addresses or options of targets without the grant for it. */
  readonly hostsRemoved: boolean;
}

/**
 * Takes from a header that came over a network what a caller must not say about itself: metadata `nscp.*` always, that of
 * its hosts too, and `hosts` (addresses and options of targets) without the grant `targets.override`. What the gateway knows of the caller
 * is stamped in by {@link stampHeader} where an owner is to read it.
 */
export function trustedHeader(header: Header | null, call: Call): TrustedHeader {
  if (header === null || !call.remote) return { header, hostsRemoved: false };
  const mayOverride = call.principal.grants.allows("targets.override");
  const hostsRemoved = !mayOverride && header.hosts.length > 0;
  const spoofed = header.metadata.some(isReserved) || header.hosts.some(({ metadata }) => metadata.some(isReserved));
  if (!spoofed && !hostsRemoved) return { header, hostsRemoved: false };
  return {
    header: Header.create({
      ...header,
      metadata: withoutReserved(header.metadata),
      hosts: hostsRemoved
        ? []
        : header.hosts.map((host) => PB.Common.Host.create({ ...host, metadata: withoutReserved(host.metadata) })),
    }),
    hostsRemoved,
  };
}

/** The header that a script or another owner sees: with the caller's identity as the gateway knows it. */
export function stampHeader(header: Header | null, call: Call): Header {
  const base = header ?? Header.create();
  const metadata = withoutReserved(base.metadata);
  metadata.push(KeyValue.create({ key: "nscp.principal", value: call.principal.name }));
  if (call.caller !== undefined) {
    metadata.push(KeyValue.create({ key: "nscp.caller_plugin_id", value: String(call.caller.id) }));
  }
  return Header.create({ ...base, metadata });
}

/** The entry of `hosts` that describes the given id. */
export function hostOf(header: Header | null, id: string): PB.Common.Host | undefined {
  return header?.hosts.find((host) => host.id === id);
}

function withoutReserved(metadata: readonly KeyValue[]): KeyValue[] {
  return metadata.filter((entry) => !isReserved(entry));
}

function isReserved(entry: KeyValue): boolean {
  return entry.key.trim().toLowerCase().startsWith(reservedPrefix);
}
