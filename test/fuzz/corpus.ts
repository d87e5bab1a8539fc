import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../support/gateway-process.js";
import { recordings } from "../wire/nrpe/recordings.js";

const folder = join(packageRoot, "test", "fuzz", "corpus");

/** Requests as pollers and senders made them. */
export const httpRequests: readonly Buffer[] = files("http");

/** What TLS begins with, from OpenSSL, curl and check_nrpe. */
export const clientHellos: readonly Buffer[] = files("tls").map((text) => Buffer.from(text.toString().trim(), "hex"));

/** Queries of check_nrpe and of NSClient++ in all versions. */
export const nrpeQueries: readonly Buffer[] = [
  ...recordings.cases.flatMap(({ connections }) => connections.map(({ request }) => request.packet ?? "")),
  ...Object.values(recordings.nsclient_packets),
]
  .filter((packet) => /^(?:[\da-f]{2}){16,}$/.test(packet))
  .map((packet) => Buffer.from(packet, "hex"));

function files(kind: string): Buffer[] {
  const names = readdirSync(join(folder, kind)).sort();
  return names.map((name) => readFileSync(join(folder, kind, name)));
}
