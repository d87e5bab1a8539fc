import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { startWebServer } from "../support/web-server.js";
import { needPeer, pythonWithOpenApi } from "./peers.js";

it("the OpenAPI document is one, says a validator that we did not write", async (context) => {
  const python = needPeer(pythonWithOpenApi, context);
  const web = await startWebServer();
  const { body } = await web.request({ path: "/api/openapi.json", as: "client" });
  const program = [
    "import json, sys",
    "from openapi_spec_validator import OpenAPIV31SpecValidator",
    "for error in OpenAPIV31SpecValidator(json.load(sys.stdin)).iter_errors(): print(list(error.absolute_path), error.message)",
  ];
  const { stdout, stderr } = spawnSync(python, ["-c", program.join("\n")], { input: body, encoding: "utf8" });
  expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
});
