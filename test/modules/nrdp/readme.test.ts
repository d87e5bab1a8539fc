import { readFileSync } from "node:fs";
import { request } from "node:https";
import { describe, expect, test } from "vitest";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { authority, startNrdpServer } from "./nrdp-gateway.js";

const readme = readFileSync(new URL("../../../src/modules/nrdp-server/README.md", import.meta.url), "utf8");
const sample = runnableBlocks(readme).find((block) => block.how === "take results with these settings")?.text ?? "";

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

describe("the sample of the README", () => {
  test("takes results over HTTPS from a sender with its token, and not from elsewhere with that of the branch", async () => {
    const gateway = await startNrdpServer("use ssl = true", sample.replace("port = 8445", ""));
    const document = "<r><checkresult><hostname>web1</hostname><state>1</state><output>down</output></checkresult></r>";
    const deliver = (token: string) => post(gateway.port, `token=${token}&cmd=submitcheck&xml=${document}`);
    expect(await deliver("a-long-secret")).toContain("<output>1 checks processed</output>");
    expect(await deliver("another-secret")).toContain("<message>BAD TOKEN</message>");
    expect(gateway.submissions).toEqual([["web1;;1;down"]]);
    expect(gateway.modules.list()[0]?.status.detail).toEqual([
      expect.stringMatching(/^127\.0\.0\.1 port \d+ \(HTTPS\), \d connections$/),
    ]);
  });
});
