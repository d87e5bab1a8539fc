import { expect, it } from "vitest";
import { statusText } from "../../src/cli/status-text.js";
import { nscp } from "../../src/wire/messages.js";

const { StatusResponse } = nscp.gateway.v1;

it("the status shows what listens, what failed, and which script host was given up", () => {
  const status = StatusResponse.create({
    version: "1.2.3",
    settings: "ini:///etc/nscp.ini",
    startedAtMs: 1000,
    serving: true,
    pid: 77,
    module: [
      StatusResponse.Module.create({
        name: "GRPCServer",
        alias: "grpc",
        state: "running",
        detail: ["port 8444 (TLS), 2 connections"],
      }),
      StatusResponse.Module.create({ name: "Other", state: "failed", detail: ["port 1 is taken"] }),
      StatusResponse.Module.create({
        name: "NodeScript",
        alias: "node",
        state: "running",
        host: [
          StatusResponse.Host.create({ name: "node", state: "running", pid: 78, restarts: 1, script: ["a", "b"] }),
          StatusResponse.Host.create({ name: "bad", state: "given up", restarts: 5, lastFailure: "exit code 9" }),
        ],
      }),
    ],
  });
  expect(statusText(status, 1000 + 90_061_000)).toBe(`version   1.2.3
settings  ini:///etc/nscp.ini
process   77
up for    1d 1h
serving   yes

GRPCServer (grpc): running
  port 8444 (TLS), 2 connections

Other: failed
  port 1 is taken

NodeScript (node): running
  host node: running, process 78, 1 restart
    scripts: a, b
  host bad: given up, 5 restarts
    last failure: exit code 9
`);
});
