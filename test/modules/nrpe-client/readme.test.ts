import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/gateway/system-clock.js";
import nrpeClient from "../../../src/modules/nrpe-client/index.js";
import { settings, targetKeys } from "../../../src/modules/nrpe-client/settings.js";
import { keyName } from "../../../src/settings/schema.js";
import { packageRoot } from "../../support/gateway-process.js";
import { incoming, poller, query, rows } from "../../support/kernel.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { loadModule } from "../../support/module-harness.js";
import { NrpeAgents } from "../../support/nrpe-agents.js";

const readme = readFileSync(join(packageRoot, "src", "modules", "nrpe-client", "README.md"), "utf8");

test("the sample of the README polls", async () => {
  const agents = await NrpeAgents.start(({ agent, text }) => ({ result: 0, text: `${agent} ${text}` }));
  onTestFinished(() => agents.stop());
  const sample = runnableBlocks(readme).find(({ how }) => how === "polls with these settings")?.text ?? "";
  // Agents of the test speak no TLS, and have no names.
  const ini = sample
    .replace("web1.example", `127.0.1.1:${agents.port}`)
    .replace("web2.example:5666", `127.0.1.2:${agents.port}`)
    .replace("old.example", `127.0.1.3:${agents.port}`)
    .replace(/^ca = .*$/m, "use ssl = false");
  const { core, modules } = await loadModule(nrpeClient, ini, { clock: systemClock });
  onTestFinished(() => modules.stopAll());
  expect(modules.list()[0]?.failure).toBe("");
  const ask = async (text: string, recipientId?: string, call = incoming()) =>
    rows(await core.query(query([text], recipientId === undefined ? undefined : { recipientId }), call));
  expect(await ask("check_load 1 2", "web2")).toEqual(["0 check_load OK 127.0.1.2 check_load!1!2"]);
  expect(await ask("check_x", "old")).toEqual(["0 check_x OK 127.0.1.3 check_x"]);
  const caller = incoming({ principal: poller("queries.execute:check_web1_disk") });
  expect(await ask("check_web1_disk", undefined, caller)).toEqual(["0 check_web1_disk OK 127.0.1.1 check_disk!/"]);
});

test("the README has every key", () => {
  const keys = [...Object.entries(targetKeys), ...Object.entries(settings.keys)].map(([name, spec]) =>
    keyName(name, spec),
  );
  expect(keys.filter((key) => !readme.includes(`\`${key}\``))).toEqual([]);
});
