import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import nagiosClient from "../../../src/modules/nagios-client/index.js";
import { StatusCode } from "../../../src/wire/messages.js";
import { parseNagiosText } from "../../../src/wire/nagios-text.js";
import { incoming, submission } from "../../support/kernel.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { loadModule } from "../../support/module-harness.js";

const readme = readFileSync(new URL("../../../src/modules/nagios-client/README.md", import.meta.url), "utf8");
const sample = runnableBlocks(readme).find((block) => block.how === "relay with these settings")?.text ?? "";

it("the sample of the README writes a result to the folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "check-results-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const settings = sample.replace("/var/lib/nagios4/spool/checkresults", folder);
  const { core, modules } = await loadModule(nagiosClient, settings);
  const payload = {
    command: "check_disk",
    alias: "Disk",
    source: "web1",
    result: 1,
    lines: [parseNagiosText("90 %|a=1")],
  };
  const { message } = await core.submit("NAGIOS", submission([payload]), incoming());
  expect(message.payload.map(({ result }) => [StatusCode[result?.code ?? -1], result?.message])).toEqual([
    ["STATUS_OK", "Written to the check result path"],
  ]);
  const [file = "", ready] = readdirSync(folder).sort();
  expect(ready).toBe(`${file}.ok`);
  expect(readFileSync(join(folder, file), "utf8")).toMatch(
    /\nhost_name=web1\nservice_description=Disk\n.*\nreturn_code=1\noutput=90 %\|'a'=1\\n\n$/s,
  );
  expect(modules.list()[0]?.status.detail).toEqual(["default, written", `default writes to ${folder}`]);
});
