import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import graphiteClient from "../../src/modules/graphite-client/index.js";
import type { ModuleDefinition } from "../../src/modules/module.js";
import simpleFileWriter from "../../src/modules/simple-file-writer/index.js";
import type { SettingsSchema } from "../../src/settings/schema.js";
import { Metric, MetricsBundle, PB, type SubmitRequestMessage } from "../../src/wire/messages.js";
import { headerWithCheckTime, passiveResult } from "../../src/wire/passive-result.js";
import { packageRoot, temporaryFolder } from "../support/gateway-process.js";
import { incoming, owner, submission } from "../support/kernel.js";
import { runnableBlocks } from "../support/markdown-blocks.js";
import { loadModule } from "../support/module-harness.js";
import { startCarbon } from "./graphite-client/carbon.js";

function sample(folder: string): string {
  const readme = readFileSync(join(packageRoot, "src", "modules", folder, "README.md"), "utf8");
  return runnableBlocks(readme).find(({ how }) => how === "relay with these settings")?.text ?? "";
}

const checkTimeMs = Date.UTC(2030, 0, 1, 12);

/** What a result of the service `disk` is answered with on a channel of the module. */
async function submit(definition: ModuleDefinition<SettingsSchema>, settings: string, channel: string) {
  const { core, modules, isLoaded } = await loadModule(definition, settings);
  expect([isLoaded, modules.list()[0]?.failure]).toEqual([true, ""]);
  onTestFinished(() => modules.stopAll());
  const text = "91 % full|'/'=91%;90;95";
  const message: SubmitRequestMessage = {
    ...submission([passiveResult({ host: "web1", service: "disk", code: 1, text })]),
    header: headerWithCheckTime(checkTimeMs),
  };
  const { message: answer } = await core.submit(channel, message, incoming());
  return answer.payload.map(({ result }) => `${PB.Common.Result.StatusCodeType[result?.code ?? 2]} ${result?.message}`);
}

describe("the samples of the READMEs", () => {
  it("send values and states to Graphite", async () => {
    const carbon = await startCarbon();
    const settings = sample("graphite-client").replace("graphite.example:2003", `127.0.0.1:${carbon.port}`);
    expect(await submit(graphiteClient as unknown as ModuleDefinition<SettingsSchema>, settings, "NSCA")).toEqual([
      "STATUS_OK Data presumably sent successfully",
    ]);
    await carbon.ended(1);
    const seconds = checkTimeMs / 1000;
    expect(carbon.received).toEqual([
      `monitoring.web1.disk./ 91 ${seconds}\nmonitoring.web1.disk.status 1 ${seconds}\n`,
    ]);
  });

  it("write results to a file", async () => {
    const folder = temporaryFolder("writer");
    onTestFinished(folder.remove);
    const file = join(folder.path, "results.txt");
    const settings = sample("simple-file-writer").replace("/var/log/nscp-gateway/results.txt", file);
    expect(await submit(simpleFileWriter as unknown as ModuleDefinition<SettingsSchema>, settings, "FILE")).toEqual([
      "STATUS_OK Submission successful",
    ]);
    expect(readFileSync(file, "utf8").replace(/^\S+ \S+/, "date time")).toBe(
      "date time web1 disk WARNING 91 % full|'/'=91%;90;95\n",
    );
  });

  it("send each cycle of metrics to Graphite once, also after a reload", async () => {
    const carbon = await startCarbon();
    const settings = (path: string) => `[/settings/graphite/client/targets]
default = 127.0.0.1:${carbon.port}
[/settings/graphite/client/targets/default]
metric path = ${path}.\${metric}
`;
    const graphite = graphiteClient as unknown as ModuleDefinition<SettingsSchema>;
    const { core, modules, registry, configure } = await loadModule(graphite, settings("before"));
    onTestFinished(() => modules.stopAll());
    const metric = Metric.create({ key: "up", gaugeValue: PB.Common.OptionalFloat.create({ value: 1 }) });
    registry.addMetricsSource(owner(9, "NodeScript", "node"), () => [
      MetricsBundle.create({ key: "x", value: [metric] }),
    ]);
    await core.collectMetrics();
    await carbon.ended(1);
    configure(settings("after"));
    expect(await modules.reload("GraphiteClient")).toBe(true);
    await core.collectMetrics();
    await carbon.ended(2);
    expect(carbon.received.map((text) => text.split(" ")[0])).toEqual(["before.x.up", "after.x.up"]);
    expect(registry.metricsSinks()).toHaveLength(1);
  });

  it("write results to several files, each with what it says itself and the rest from the section above", async () => {
    const folder = temporaryFolder("writer");
    onTestFinished(folder.remove);
    const settings = `
[/settings/writers/file]
syntax = \${host}
submit to = one, two
[/settings/writers/file/targets/one]
file = ${folder.path}/one
[/settings/writers/file/targets/two]
file = ${folder.path}/two
syntax = \${service}
`;
    await submit(simpleFileWriter as unknown as ModuleDefinition<SettingsSchema>, settings, "FILE");
    const read = (name: string) => readFileSync(join(folder.path, name), "utf8");
    expect([read("one"), read("two")]).toEqual(["web1\n", "disk\n"]);
  });
});
