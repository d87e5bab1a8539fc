import { expect, test } from "vitest";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

const settings = `[/modules]
CheckHelpers = enabled
GRPCServer = enabled
NodeScript = enabled

[/settings/node/scripts]
slow = slow.js

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security]
default certificate role = poller
`;

const script = `
import { Registry, sleep, status } from "nscp-gateway/script";
export const init = (id) =>
  Registry.get(id).simpleFunction("check_slow", async () => {
    await sleep(50);
    return [status.OK, "done", ""];
  });
`;

const callers = 40;

/** How the calls of many callers end, each with one after another, until the gateway takes no more. */
async function load(gateway: GatewayProcess, busy: () => void): Promise<Set<string>> {
  const client = connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate("client.pem"),
    certificateKey: gateway.certificate("client-key.pem"),
    timeoutMs: 30_000,
  });
  const ends = new Set<string>();
  let answered = 0;
  const call = async () => {
    for (;;) {
      try {
        const { payload } = await client.query({ payload: [{ command: "check_slow" }, { command: "check_ok" }] });
        ends.add(payload.map(({ result, lines }) => `${result} ${lines[0]?.message}`).join(", "));
        if (++answered === 2 * callers) busy();
      } catch (thrown) {
        ends.add(thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown));
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  client.close();
  return ends;
}

test("a gateway that is told to end answers every call that it took, and refuses the others", async () => {
  const gateway = await startGateway({ settings, files: { "scripts/node/slow.js": script } });
  try {
    const ends = await load(gateway, () => process.kill(gateway.pid, "SIGTERM"));
    expect([...ends].sort()).toEqual(["0 done, 0 No message", "UNAVAILABLE"]);
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
  } finally {
    await gateway.stop("SIGKILL");
  }
});
