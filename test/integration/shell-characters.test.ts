import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import { needPeer, python } from "../peers/peers.js";
import { startGateway } from "../support/gateway-process.js";

const node = `
import { Registry, status } from "nscp-gateway/script";
export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("node_echo", (args) => [status.OK, JSON.stringify(args)]);
}
`;

const pythonScript = `
import json
from NSCP import Registry, status

def echo(args):
    return status.OK, json.dumps(args)

def init(plugin_id, plugin_alias, script_alias):
    Registry.get(plugin_id).simple_function("python_echo", echo, "")
`;

test("what means something to a shell reaches scripts of both languages as it was sent, and starts nothing", async (context) => {
  needPeer(python, context);
  const gateway = await startGateway({
    settings: `[/modules]
NodeScript = enabled
PythonScript = enabled
GRPCServer = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
[/settings/node/scripts]
echo = echo.ts
[/settings/python/scripts]
echo = echo.py
[/settings/security/certificates]
CN:client = poller
`,
    files: { "scripts/node/echo.ts": node, "scripts/python/echo.py": pythonScript },
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const canary = join(gateway.folder, "canary");
  const sent = [
    ...[`; touch ${canary}`, `| touch ${canary}`, `&& touch ${canary}`, `$(touch ${canary})`, `\`touch ${canary}\``],
    ...[`\ntouch ${canary}\n`, `> ${canary}`, "%PATH%", "$HOME", "*", "'", '"', "\\", "--option", "", "a b"],
  ];
  const client = connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate("client.pem"),
    certificateKey: gateway.certificate("client-key.pem"),
    timeoutMs: 30_000,
  });
  onTestFinished(() => client.close());
  const { payload } = await client.query({
    payload: ["node_echo", "python_echo"].map((command) => ({ command, arguments: sent })),
  });
  expect(payload.map(({ lines }) => JSON.parse(lines[0]?.message ?? ""))).toEqual([sent, sent]);
  expect(existsSync(canary)).toBe(false);
});
