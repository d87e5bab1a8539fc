import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { QueryResponse } from "../../../src/wire/messages.js";
import { jsonAnswer, refused, startWebServer, textAnswer, type WebGateway } from "../../support/web-server.js";

const versions = ["v1", "v2"] as const;

const noModule = textAnswer(500, "No response from module, is the module loaded?");
const noChanges = textAnswer(
  403,
  "403 Scripts can't be changed over a network: nothing that comes over it can add or change what is executed.",
);

/** A gateway with NodeScript, a script in its settings, and files beside it. */
async function startWithScripts(): Promise<WebGateway> {
  const files = {
    "scripts/node/demo.mjs": "// a demo\n",
    "scripts/node/more/other.ts": "// another\n",
    "scripts/node/lib/helper.ts": "// a helper\n",
    "scripts/node/secret.ini": "password = x\n",
  };
  const web = await startWebServer({ modules: ["NodeScript"], files });
  web.gateway.store.set("/settings/node/scripts", "demo", "demo.mjs");
  writeFileSync(join(web.folder, "outside.mjs"), "// outside\n");
  symlinkSync(join(web.folder, "outside.mjs"), join(web.folder, "scripts", "node", "linked.mjs"));
  symlinkSync(web.folder, join(web.folder, "scripts", "node", "up"));
  const node = web.gateway.modules().find(({ name }) => name === "NodeScript");
  if (node === undefined) throw new Error("NodeScript is not loaded");
  const options = { description: "Made-up check" };
  for (const name of ["check_two", "Check_One"]) {
    web.gateway.registry.addQuery(node, name, () => QueryResponse.create(), options);
  }
  return web;
}

describe("scripts", () => {
  test.each(versions)("are listed for the runtimes whose modules are loaded: %s", async (version) => {
    const web = await startWithScripts();
    const get = (rest: string, as: "admin" | "client" = "admin") =>
      web.request({ path: `/api/${version}/scripts${rest}`, as });
    expect(await get("")).toEqual(
      jsonAnswer([
        {
          name: "node",
          module: "NodeScript",
          title: "NodeScript",
          runtime_url: `${web.url}/api/${version}/scripts/node`,
        },
      ]),
    );
    expect(await get("/node")).toEqual(jsonAnswer(["check_one", "check_two"]));
    expect(await get("/NodeScript")).toEqual(jsonAnswer(["check_one", "check_two"]));
    expect(await get("/node?all=true")).toEqual(jsonAnswer(["node/demo.mjs", "node/linked.mjs", "node/more/other.ts"]));
    for (const runtime of ["ext", "py", "lua", "WEBServer", "NoSuchModule"]) {
      expect(await get(`/${runtime}`)).toEqual(noModule);
      expect(await get(`/${runtime}/x`)).toEqual(noModule);
    }
    for (const rest of ["", "/node", "/node?all=true", "/node/demo"])
      expect(await get(rest, "client")).toEqual(refused);
  });

  test.each(versions)("are shown as checks, as scripts of the settings and as files: %s", async (version) => {
    const web = await startWithScripts();
    const get = (name: string) => web.request({ path: `/api/${version}/scripts/node/${name}`, as: "admin" });
    expect(await get("Check_ONE")).toEqual(textAnswer(200, "check_one: Made-up check"));
    expect(await get("demo")).toEqual(textAnswer(200, "demo = demo.mjs"));
    for (const name of ["demo.mjs", "node/demo.mjs", "scripts/node/demo.mjs"]) {
      expect(await get(name)).toEqual(textAnswer(200, "// a demo\n"));
    }
    expect(await get("more/other")).toEqual(textAnswer(200, "// another\n"));
    expect(await get("lib/helper.ts")).toEqual(textAnswer(200, "// a helper\n"));
    expect(await get("nosuch")).toEqual(textAnswer(404, "Command returned errors: Script not found: nosuch"));
  });

  test("are shown from the folder of scripts only, whatever a name or a link says", async () => {
    const web = await startWithScripts();
    const get = (name: string) => web.request({ path: `/api/v2/scripts/node/${name}`, as: "admin" });
    for (const name of ["linked.mjs", "up/outside.mjs", "up/main.ini", "secret.ini", "package.json", "more"]) {
      expect(await get(name)).toEqual(textAnswer(404, `Command returned errors: Script not found: ${name}`));
    }
    for (const name of ["a:b", "a%20b", "%2e%2e", ".", "a*", "x".repeat(129), `${"x/".repeat(128)}xx`]) {
      const answer = await get(name);
      expect([name, answer.status, answer.body]).not.toEqual([name, 200, expect.anything()]);
      expect(answer.body).not.toContain("outside");
    }
    expect(await get("a:b")).toEqual(textAnswer(400, "Invalid script name"));
    expect(await get("x".repeat(129))).toEqual(textAnswer(400, "Invalid script name"));
    expect(await get(`${"x/".repeat(128)}xx`)).toEqual(textAnswer(400, "Invalid script name"));
    for (const path of ["../../outside.mjs", "..%2f..%2foutside.mjs", "..%5c..%5coutside.mjs", "/etc/passwd"]) {
      const answer = await get(path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body).not.toContain("// outside");
    }
  });

  test.each(versions)("can't be changed by anybody, and the audit log has who tried: %s", async (version) => {
    const web = await startWithScripts();
    const path = `/api/${version}/scripts/py/new.py`;
    for (const as of ["admin", "client"] as const) {
      expect(await web.request({ method: "PUT", path, as, body: "print('x')" })).toEqual(noChanges);
      expect(await web.request({ method: "DELETE", path, as })).toEqual(noChanges);
    }
    expect(await web.request({ method: "PUT", path, body: "x" })).toEqual(refused);
    const tried = web.audited.filter(({ action }) => action.startsWith("scripts."));
    expect(tried.map(({ action, outcome, objects, principal }) => [principal.name, action, outcome, objects])).toEqual(
      ["user:admin", "user:client"].flatMap((name) => [
        [name, "scripts.add.PythonScript", "denied", ["new.py"]],
        [name, "scripts.delete.PythonScript", "denied", ["new.py"]],
      ]),
    );
  });

  test("are shown to those with a grant for their module", async () => {
    const web = await startWithScripts();
    const role = "[/settings/WEB/server/roles]\nnobody = scripts.lists.NodeScript\n";
    await web.reload({ more: role });
    const get = (rest: string) => web.request({ path: `/api/v2/scripts/${rest}`, as: "nobody" });
    expect((await get("node")).status).toBe(200);
    for (const rest of ["node/demo", "py", ""]) expect(await get(rest)).toEqual(refused);
  });
});
