import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import nscaNgClient from "../../../src/modules/nsca-ng-client/index.js";
import { StatusCode } from "../../../src/wire/messages.js";
import { parseNagiosText } from "../../../src/wire/nagios-text.js";
import { incoming, submission } from "../../support/kernel.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { loadModule } from "../../support/module-harness.js";
import { FakeServer, password, willing } from "./fake-server.js";

const readme = readFileSync(new URL("../../../src/modules/nsca-ng-client/README.md", import.meta.url), "utf8");
const sample = runnableBlocks(readme).find((block) => block.how === "relay with these settings")?.text ?? "";

it("the sample of the README brings a result to its server", async () => {
  const server = await FakeServer.start({ answer: willing });
  const settings = sample
    .replace("monitoring.example:5668", `127.0.0.1:${server.port}`)
    .replace("a-long-secret", password);
  const { core, isLoaded } = await loadModule(nscaNgClient, settings);
  expect(isLoaded).toBe(true);
  const payload = {
    command: "check_disk",
    alias: "Disk",
    source: "web1",
    result: 1,
    lines: [parseNagiosText("90 %|a=1")],
  };
  const { message } = await core.submit("NSCA-NG", submission([payload]), incoming());
  expect(message.payload.map(({ result }) => [StatusCode[result?.code ?? -1], result?.message])).toEqual([
    ["STATUS_OK", "Submission successful"],
  ]);
  expect(server.received[2]).toMatch(/^\[\d+\] PROCESS_SERVICE_CHECK_RESULT;web1;Disk;1;90 %\|'a'=1\n$/);
});
