import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { settings } from "../../../src/modules/web-server/settings.js";
import { type KeySpec, keyName } from "../../../src/settings/schema.js";
import { runnableBlocks } from "../../support/markdown-blocks.js";
import { basic, refused, startWebServer } from "../../support/web-server.js";

const readme = readFileSync(new URL("../../../src/modules/web-server/README.md", import.meta.url), "utf8");
const [sample] = runnableBlocks(readme);

test("the sample of the README lets its user in over HTTPS, and only where its role may", async () => {
  expect(sample?.how).toBe("serve with these settings");
  const text = sample?.text ?? "";
  const web = await startWebServer({
    tls: true,
    users: [],
    server: /allowed hosts = .*/.exec(text)?.[0] ?? "",
    more: text.slice(text.indexOf("[/settings/WEB/server/users/")),
  });
  const headers = { authorization: basic("dashboard", "a-long-secret") };
  expect((await web.request({ path: "/api/v2/info", headers })).status).toBe(200);
  expect(await web.request({ method: "POST", path: "/core/reload", headers })).toEqual(refused);
});

test("the README names every key that a user may want to change", () => {
  const specs: [string, KeySpec][] = Object.entries(settings.keys);
  const unnamed = specs
    .map(([name, spec]) => keyName(name, spec))
    .filter((key) => !new RegExp(`\\b${key.replaceAll(" ", "\\s+")}\\b`).test(readme));
  expect(unnamed).toEqual(["bind to", "cache allowed hosts", "ca", "console exec"]);
});
