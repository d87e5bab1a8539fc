import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SubmitResponse } from "../../../src/wire/messages.js";
import { passiveResult } from "../../../src/wire/passive-result.js";
import { incoming, query, rows, submission } from "../../support/kernel.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { clientFiles, failure, startGateway } from "./grpc-gateway.js";

const check = { payload: [{ command: "check_ok" }] };

function sample(module: string, how: string): string {
  const readme = readFileSync(new URL(`../../../src/modules/${module}/README.md`, import.meta.url), "utf8");
  return runnableBlocks(readme).find((block) => block.how === how)?.text ?? "";
}

describe("the samples of the READMEs", () => {
  it("let a poller in by its certificate and nobody without one", async () => {
    const settings = sample("grpc-server", "serve with these settings").replace("port = 8444", "port = 0");
    const gateway = await startGateway("", settings);
    gateway.check("check_ok", "fine");
    const poller = gateway.connect(await clientFiles(gateway, "poller1"));
    expect(rows(await poller.query(check))).toEqual(["0 check_ok OK fine"]);
    expect(await failure(gateway.connect().query(check))).toMatch(/it requires a client certificate/);
  });

  it("relay passive results to another gateway", async () => {
    const central = await startGateway();
    const received: string[] = [];
    central.registry.addChannel({ id: 7, name: "NodeScript", alias: "node" }, "NSCA", ({ payload }) => {
      received.push(...payload.map(({ source, alias }) => `${source} ${alias}`));
      return payload.map(() => SubmitResponse.create());
    });
    const { certificate, certificateKey } = await clientFiles(central, "poller1");
    const settings = sample("grpc-client", "relay with these settings")
      .replace("gateway.example:8444", `127.0.0.1:${central.port}`)
      .replace("${certificate-path}/ca.pem", `${central.folder}/ca.pem`)
      .replace("${certificate-path}/client.pem", certificate)
      .replace("${certificate-path}/client-key.pem", certificateKey);
    const branch = await startGateway("", settings);
    const message = submission([passiveResult({ host: "web1", service: "disk", code: 0, text: "fine" })]);
    const { message: answer } = await branch.core.submit("NSCA", message, incoming());
    expect([received, answer.payload[0]?.result?.message]).toEqual([["web1 disk"], "Submission successful"]);
  });

  it("pass a query on to another gateway", async () => {
    const branch = await startGateway();
    branch.check("check_ok", "fine over there");
    const { certificate, certificateKey } = await clientFiles(branch, "poller1");
    const settings = sample("grpc-client", "chain with these settings")
      .replace("gateway.branch.example:8444", `127.0.0.1:${branch.port}`)
      .replace("${certificate-path}/ca.pem", `${branch.folder}/ca.pem`)
      .replace("${certificate-path}/client.pem", certificate)
      .replace("${certificate-path}/client-key.pem", certificateKey);
    const near = await startGateway("", settings);
    const answer = await near.core.query(query(["check_ok"], { recipientId: "branch" }), incoming());
    expect(rows(answer)).toEqual(["0 check_ok OK fine over there"]);
  });
});
