import { freePort } from "../../test/support/free-port.js";
import { startGateway } from "../../test/support/gateway-process.js";

/** What every check answers. */
export const text = "12 messages are waiting";

/** A gateway with NRPE in plain and with TLS, and the web server in plain. */
export interface DoorGateway {
  readonly ports: { readonly plain: number; readonly secured: number; readonly web: number };
  /** Files of the certificate that NRPE has. */
  readonly certificate: string;
  readonly key: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The password of the user admin. */
export const password = "bench";

const script = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_bench", () => [status.OK, "${text}", ""], "Answers at once");
}
`;

export async function startDoorGateway(profileFolder: string | undefined): Promise<DoorGateway> {
  const ports = { plain: await freePort(), secured: await freePort(), web: await freePort() };
  const listen = "bind to = 127.0.0.1\nallowed hosts = 127.0.0.1";
  const gateway = await startGateway({
    settings: `
[/modules]
CheckHelpers = enabled
NodeScript = enabled
NRPEServer = enabled
nrpe-tls = NRPEServer
WEBServer = enabled

[/settings/check helpers/alias]
check_waiting = check_ok "message=${text}"

[/settings/node/scripts]
bench = bench.ts

[/settings/NRPE/server]
port = ${ports.plain}
use ssl = false
${listen}

[/settings/NRPE/nrpe-tls]
port = ${ports.secured}
${listen}

[/settings/WEB/server]
port = ${ports.web}
certificate = \${data-path}/none.pem
allow insecure = true
password = ${password}
${listen}
`,
    files: { "scripts/node/bench.ts": script },
    nodeArguments: profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`],
  });
  return {
    ports,
    pid: gateway.pid,
    certificate: gateway.certificate("certificate.pem"),
    key: gateway.certificate("certificate_key.pem"),
    stop: async () => {
      await gateway.stop();
    },
  };
}
