import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { curl, needPeer } from "../../peers/peers.js";
import { packageRoot } from "../../support/gateway-process.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { startWebServer } from "../../support/web-server.js";

const blocks = runnableBlocks(readFileSync(join(packageRoot, "docs", "rest-api.md"), "utf8"));
const examples = blocks.filter(({ how }) => how !== "given");

/** What is seen of each example. */
const shown: readonly RegExp[] = [
  /^\{"version":"[^"]+"\}\{"status":"ok"\}$/,
  /^\{"payload":\[\{"id":1,"command":"check_ok","alias":"","result":"OK",.*"message":"all well".*\}\]\}$/,
  /^\{"payload":\[\{"id":0,"command":"backup","result":\{"code":"STATUS_ERROR",.*\}\]\}$/,
  /^retry: 3000\n\nid: \w+-\d+\nevent: log\n/,
  /^\{"status":"success","keys":1\b.*\}$/,
];

it("the guide has as many examples as are looked at here", () => {
  expect(examples).toHaveLength(shown.length);
});

it.for(examples.map((block, index) => ({ ...block, expected: shown[index] ?? /^$/ })))(
  "example: $text",
  async ({ how, text, expected }, context) => {
    needPeer(curl, context);
    const web = await startWebServer({ tls: true, modules: ["CheckHelpers"] });
    const given = (blocks[0]?.text ?? "")
      .replace("https://localhost:8443", web.url)
      .replace("admin:PASSWORD", "admin:admin-password");
    const child = spawn("sh", ["-c", `${given}${how === "run until a line" ? "exec " : ""}${text}`]);
    onTestFinished(() => void child.kill());
    let output = "";
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const seen = new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (data: string) => {
        output += data;
        if (how === "run until a line" && expected.test(output)) resolve();
      });
    });
    await Promise.race([ended, seen]);
    expect(output).toMatch(expected);
  },
);
