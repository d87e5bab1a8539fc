import { type QueryResponse, SubmitRequestMessage } from "../../src/wire/messages.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import { type GatewayProcess, startGateway } from "../../test/support/gateway-process.js";

/** A gateway that takes submissions without TLS and relays them by NSCA to a port of this machine. */
export function startRelayGateway(nsca: string, extra = ""): Promise<GatewayProcess> {
  return startGateway({
    settings: `
[/modules]
GRPCServer = enabled
NSCAClient = enabled

[/settings/spool]
maximum size = 8G
maximum count = 5000000

[/settings/NSCA/client/targets/default]
${nsca}

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
allowed hosts = 127.0.0.1
use ssl = false
verify mode = none

[/settings/security]
anonymous role = bench

[/settings/security/roles]
bench = submit
${extra}
`,
    certificates: false,
  });
}

/** A text of the length that checks have, with three measurements. */
export const text =
  "OK: 42.31% of 8.00 GB used, 4.61 GB free; load 0.31, 0.28, 0.25; 143 processes, 2 of them waiting" +
  "|'used'=3.39GB;6.4;7.2;0;8 'load'=0.31;4;8;0; 'processes'=143;250;400;0;";

/** A submission of so many results, each about a service of its own. */
export function submissionOf(results: number, first = 0): Uint8Array {
  return SubmitRequestMessage.encode({
    header: null,
    channel: "NSCA",
    payload: Array.from({ length: results }, (_, index) => resultOf(first + index)),
  }).finish();
}

function resultOf(index: number): QueryResponse {
  const service = `check ${index % 500}`;
  return passiveResult({ host: `host-${index % 1000}.example.com`, service, code: 0, text });
}
