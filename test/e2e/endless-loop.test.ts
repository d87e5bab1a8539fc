import { afterAll, beforeAll, expect, test } from "vitest";
import { connectGateway, type GatewayClient } from "../../src/modules/grpc-client/gateway-client.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

const settings = `
[/modules]
CheckHelpers = enabled
NodeScript = enabled
GRPCServer = enabled

[/settings/node/scripts]
good = good.ts
endless = endless.ts

[/settings/core/timeouts]
check_endless = 2s

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security/certificates]
CN:client = full
`;

const good = `
import { Registry, status } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_good", (args) => [status.OK, \`good \${args[0]}\`]);
}
`;

const endless = `
import { Registry } from "nscp-gateway/script";

export function init(pluginId: number): void {
  Registry.get(pluginId).simpleFunction("check_endless", () => {
    for (;;);
  });
}
`;

let gateway: GatewayProcess;
let client: GatewayClient;

beforeAll(async () => {
  gateway = await startGateway({
    settings,
    files: { "scripts/node/good.ts": good, "scripts/node/endless.ts": endless },
  });
  client = connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate("client.pem"),
    certificateKey: gateway.certificate("client-key.pem"),
  });
});

afterAll(async () => {
  client?.close();
  await gateway?.stop();
});

async function ask(commands: readonly string[]): Promise<string[]> {
  const payload = commands.map((command, index) => {
    const text = String(index + 1);
    return { id: index + 1, command, arguments: [command === "check_ok" ? `message=${text}` : text] };
  });
  const answer = await client.query({ payload });
  return answer.payload.map((one) => `${one.id} ${one.command} ${one.result} ${renderNagiosText(one)}`);
}

test("one endless loop among a hundred checks costs its own answer and nobody else's", async () => {
  const commands = Array.from({ length: 100 }, (_, index) => (index === 49 ? "check_endless" : "check_good"));
  expect(await ask(commands)).toEqual(
    commands.map((command, index) =>
      command === "check_endless"
        ? "50 check_endless 3 check_endless timed out after 2 s"
        : `${index + 1} check_good 0 good ${index + 1}`,
    ),
  );
  expect(await ask(["check_good", "check_ok"])).toEqual(["1 check_good 0 good 1", "2 check_ok 0 2"]);
});
