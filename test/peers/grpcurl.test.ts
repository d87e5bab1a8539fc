import { afterAll, beforeAll, expect, test } from "vitest";
import { type Finished, type GatewayProcess, run, startGateway } from "../support/gateway-process.js";
import { grpcurl, needPeer } from "./peers.js";
import { peerSettings } from "./settings.js";

let gateway: GatewayProcess;
let stranger: GatewayProcess;

beforeAll(async () => {
  [gateway, stranger] = await Promise.all([
    startGateway({ settings: peerSettings }),
    startGateway({ settings: peerSettings }),
  ]);
});

afterAll(async () => {
  await Promise.all([gateway.stop(), stranger.stop()]);
});

/** grpcurl with the authority of the gateway and the client certificate that one of the gateways made. */
function call(program: string, certificatesOf: GatewayProcess, ...words: string[]): Promise<Finished> {
  const options = [
    ...["-max-time", "20", "-cacert", gateway.certificate("ca.pem")],
    ...["-cert", certificatesOf.certificate("client.pem"), "-key", certificatesOf.certificate("client-key.pem")],
  ];
  return run(program, [...options, ...words]);
}

function place(): string {
  return `localhost:${gateway.port}`;
}

test("grpcurl lists the services by reflection", async (context) => {
  const listed = await call(needPeer(grpcurl, context), gateway, place(), "list");
  expect(listed).toMatchObject({
    code: 0,
    stdout: ["grpc.health.v1.Health", "nscp.gateway.v1.Admin", "nscp.gateway.v1.Gateway", ""].join("\n"),
  });
});

test("grpcurl describes a method and its messages", async (context) => {
  const program = needPeer(grpcurl, context);
  const method = await call(program, gateway, place(), "describe", "nscp.gateway.v1.Gateway.Query");
  expect(method.stdout).toContain(
    "rpc Query ( .PB.Commands.QueryRequestMessage ) returns ( .PB.Commands.QueryResponseMessage );",
  );
  const message = await call(program, gateway, place(), "describe", "PB.Commands.QueryRequestMessage.Request");
  expect(message.stdout).toBe(
    [
      "PB.Commands.QueryRequestMessage.Request is a message:",
      "message Request {",
      "  int32 id = 1;",
      "  string command = 2;",
      "  string alias = 3;",
      "  repeated string arguments = 4;",
      "  string target = 7;",
      "}",
      "",
    ].join("\n"),
  );
});

test("grpcurl runs checks", async (context) => {
  const program = needPeer(grpcurl, context);
  const request = {
    header: { messageId: "m-1" },
    payload: [
      { id: 7, command: "check_ok", arguments: ["message=all is well"] },
      { id: 8, command: "check_nothing" },
    ],
  };
  const answer = await call(program, gateway, "-d", JSON.stringify(request), place(), "nscp.gateway.v1.Gateway/Query");
  expect({ ...answer, stdout: JSON.parse(answer.stdout || "null") }).toEqual({
    code: 0,
    signal: null,
    stderr: "",
    stdout: {
      header: { messageId: "m-1" },
      payload: [
        { id: 7, command: "check_ok", lines: [{ message: "all is well" }] },
        {
          id: 8,
          command: "check_nothing",
          result: "UNKNOWN",
          lines: [{ message: "Unknown command(s): check_nothing" }],
        },
      ],
    },
  });
});

test("grpcurl asks the health service", async (context) => {
  const program = needPeer(grpcurl, context);
  for (const service of ["", "nscp.gateway.v1.Gateway"]) {
    const request = JSON.stringify({ service });
    const health = await call(program, gateway, "-d", request, place(), "grpc.health.v1.Health/Check");
    expect(JSON.parse(health.stdout)).toEqual({ status: "SERVING" });
  }
});

test("a certificate of another authority is refused, and so is none at all", async (context) => {
  const program = needPeer(grpcurl, context);
  const request = ["-d", '{"payload":[{"command":"check_ok"}]}', place(), "nscp.gateway.v1.Gateway/Query"];
  const foreign = await call(program, stranger, ...request);
  expect(foreign.code).not.toBe(0);
  expect(foreign.stdout).toBe("");
  const nameless = await run(program, ["-max-time", "20", "-cacert", gateway.certificate("ca.pem"), ...request]);
  expect(nameless.code).not.toBe(0);
  expect(nameless.stdout).toBe("");
  expect(nameless.stderr).toContain("Code: Unauthenticated");
});
