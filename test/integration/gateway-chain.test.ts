import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type GatewayProcess, startGateway, temporaryFolder } from "../support/gateway-process.js";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const server = (port: number) => `
[/modules]
GRPCServer = enabled
[/settings/GRPC/server]
port = ${port}
bind to = 127.0.0.1
[/settings/security/certificates]
CN:client = full
`;

/** Relays what is submitted to \`inbox\` to the gateway on this port. */
const branchSettings = (centralPort: number) => `${server(0)}
[/modules]
GRPCClient = enabled
[/settings/GRPC/client]
channel = inbox
[/settings/GRPC/client/targets/central]
address = localhost:${centralPort}
ca = \${certificate-path}/ca.pem
certificate = \${certificate-path}/client.pem
certificate key = \${certificate-path}/client-key.pem
retry delay = 20ms
maximum retry delay = 100ms
`;

const centralSettings = (port: number, file: string) => `${server(port)}
[/modules]
SimpleFileWriter = enabled
[/settings/writers/file]
channel = inbox
file = ${file}
syntax = \${host} \${service} \${result} \${message}
`;

function submit(gateway: GatewayProcess, stdin: string) {
  const certificates = ["--ca", "ca", "--cert", "client", "--key", "client-key"].map((word) =>
    word.startsWith("--") ? word : gateway.certificate(`${word}.pem`),
  );
  const address = ["--address", `localhost:${gateway.port}`, ...certificates];
  return gateway.nscp("client", ...address, "--submit", "--channel", "inbox", "--batch", stdin);
}

it("results for a gateway that is down wait in the spool of the one before and arrive as they were", async () => {
  const folder = temporaryFolder("chain");
  onTestFinished(folder.remove);
  const file = join(folder.path, "results.txt");
  const port = await freePort();
  const batch = "web1\tdisk\t1\t91 %|'/'=91%;90;95\nweb2\t0\tup\nweb3\tload\t2\tlong\\nü; output\n";
  const branch = await startGateway({
    settings: branchSettings(port),
    files: { "batch.txt": batch },
    clients: ["client"],
  });
  onTestFinished(() => void branch.stop("SIGKILL"));
  const { code, stdout } = await submit(branch, join(branch.folder, "batch.txt"));
  expect([code, stdout]).toEqual([0, "Submission successful\n".repeat(3)]);
  await branch.waitForLog(/central: results wait, for they can't be delivered: Cannot reach localhost:/);
  expect(existsSync(file)).toBe(false);

  const central = await startGateway({ settings: centralSettings(port, file), clients: ["client"] });
  onTestFinished(() => void central.stop("SIGKILL"));
  await branch.waitForLog(/central: back after/);
  await expect
    .poll(() => (existsSync(file) ? readFileSync(file, "utf8") : ""), { timeout: 20_000 })
    .toBe(
      `web1 disk WARNING 91 %|'/'=91%;90;95
web2  OK up
web3 load CRITICAL long\\nü; output
`,
    );
});
