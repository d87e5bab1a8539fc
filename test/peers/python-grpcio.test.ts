import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finished, type GatewayProcess, packageRoot, run, startGateway } from "../support/gateway-process.js";
import { needPeer, pythonWithGrpc } from "./peers.js";
import { peerSettings } from "./settings.js";

let gateway: GatewayProcess;

beforeAll(async () => {
  gateway = await startGateway({ settings: peerSettings });
});

afterAll(async () => {
  await gateway.stop();
});

const poll = join(packageRoot, "test", "peers", "poll.py");
const request = { payload: [{ id: 3, command: "check_critical", arguments: ["message=disk is full"] }] };
const answer = {
  payload: [{ id: 3, command: "check_critical", result: "CRITICAL", lines: [{ message: "disk is full" }] }],
};

function call(python: string, ...words: string[]): Promise<Finished> {
  const place = [`localhost:${gateway.port}`, "nscp.gateway.v1.Gateway/Query", "--ca", gateway.certificate("ca.pem")];
  return run(python, [poll, ...place, ...words], { stdin: JSON.stringify(request) });
}

test("Python's grpcio polls a check with a client certificate, knowing the messages from reflection only", async (context) => {
  const python = needPeer(pythonWithGrpc, context);
  const polled = await call(
    python,
    ...["--certificate", gateway.certificate("client.pem"), "--key", gateway.certificate("client-key.pem")],
  );
  expect({ ...polled, stdout: JSON.parse(polled.stdout || "null") }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
    stdout: answer,
  });
});

test("Python's grpcio polls a check with a token", async (context) => {
  const python = needPeer(pythonWithGrpc, context);
  const made = await gateway.nscp("token", "add", "icinga", "--role", "poller");
  expect(made.code).toBe(0);
  const polled = await call(python, "--token", made.stdout.trim());
  expect({ ...polled, stdout: JSON.parse(polled.stdout || "null") }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
    stdout: answer,
  });
});

test("a token that nobody made is refused", async (context) => {
  const python = needPeer(pythonWithGrpc, context);
  const refused = await call(python, "--token", "nscp_guessed");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^UNAUTHENTICATED: /);
});
