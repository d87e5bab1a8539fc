import { readFileSync } from "node:fs";
import { request } from "node:https";
import { describe, expect, test } from "vitest";
import nrdpClient from "../../../src/modules/nrdp-client/index.js";
import { StatusCode, SubmitRequestMessage } from "../../../src/wire/messages.js";
import { headerWithCheckTimes, passiveResult } from "../../../src/wire/passive-result.js";
import { incoming } from "../../support/kernel.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { loadModule } from "../../support/module-harness.js";
import { authority, startNrdpServer } from "./nrdp-gateway.js";

function sample(module: string, how: string): string {
  const readme = readFileSync(new URL(`../../../src/modules/${module}/README.md`, import.meta.url), "utf8");
  return runnableBlocks(readme).find((block) => block.how === how)?.text ?? "";
}

const serverSample = sample("nrdp-server", "take results with these settings");

/** A POST over HTTPS that trusts the test's authority. */
function post(port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "localhost", port, path: "/nrdp", method: "POST", ca: authority.certificate, agent: false };
    const sending = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (data: string) => {
        text += data;
      });
      answer.once("end", () => resolve(text));
    });
    sending.once("error", reject).end(body);
  });
}

describe("the samples of the READMEs", () => {
  test("take results over HTTPS from a sender with its token, and not from elsewhere with that of the branch", async () => {
    const gateway = await startNrdpServer("use ssl = true", serverSample.replace("port = 8445", ""));
    const document = "<r><checkresult><hostname>web1</hostname><state>1</state><output>down</output></checkresult></r>";
    const deliver = (token: string) => post(gateway.port, `token=${token}&cmd=submitcheck&xml=${document}`);
    expect(await deliver("a-long-secret")).toContain("<output>1 checks processed</output>");
    expect(await deliver("another-secret")).toContain("<message>BAD TOKEN</message>");
    expect(gateway.submissions).toEqual([["web1;;1;down"]]);
    expect(gateway.modules.list()[0]?.status.detail).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 port \d+ \(HTTPS\), \d connections$/),
    ]);
  });

  test("bring results from one gateway to the other", async () => {
    const receiver = await startNrdpServer("use ssl = true", serverSample.replace("port = 8445", ""));
    const settings = sample("nrdp-client", "relay with these settings")
      .replace("nagios.example", `localhost:${receiver.port}`)
      .replace("${certificate-path}/nagios-ca.pem", `${receiver.folder}/ca.pem`);
    const relay = await loadModule(nrdpClient, settings);
    const { message } = await relay.core.submit(
      "NRDP",
      SubmitRequestMessage.create({
        header: headerWithCheckTimes([1_700_000_000_000, undefined]),
        payload: [
          passiveResult({ host: "web1", service: "disk", code: 2, text: "96% <full> & ü|used=96%;80;90\nlong" }),
          passiveResult({ host: "router", service: "", code: 0, text: "up" }),
        ],
      }),
      incoming(),
    );
    expect(message.payload.map(({ result }) => [result?.code, result?.message])).toEqual([
      [StatusCode.STATUS_OK, "OK"],
      [StatusCode.STATUS_OK, "OK"],
    ]);
    const now = Math.floor(Date.now() / 1000);
    const [first, second = ""] = receiver.submissions[0] ?? [];
    expect(first).toBe("web1;disk;2;96% <full> & ü|'used'=96%;80;90\nlong @1700000000000");
    expect(second).toMatch(/^router;;0;up @\d+$/);
    expect(Number(second.split("@")[1]) / 1000).toBeLessThanOrEqual(now + 1);
    await relay.modules.stopAll();
  });
});
