import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import icingaClient from "../../src/modules/icinga-client/index.js";
import { icingaProtocol } from "../../src/modules/icinga-client/protocol.js";
import { StatusCode } from "../../src/wire/messages.js";
import { passiveResult } from "../../src/wire/passive-result.js";
import { incoming, submission } from "../support/kernel.js";
import { runnableBlocks } from "../support/markdown-blocks.js";
import { loadModule } from "../support/module-harness.js";
import { outgoingResult, relaySender } from "../support/relay-target.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown> | undefined;
}

type Answerer = (asked: Asked, response: ServerResponse) => void;

/** Something that answers as Icinga would, or worse. */
async function receiver(answer: Answerer) {
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const call = {
      method: request.method ?? "",
      path: request.url ?? "",
      body: text === "" ? undefined : JSON.parse(text),
    };
    asked.push(call);
    answer(call, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { asked, server, port: (server.address() as AddressInfo).port };
}

function connect(port: number, keys: Readonly<Record<string, string>> = {}) {
  const place = { address: `http://127.0.0.1:${port}`, host: "127.0.0.1", port };
  const parts = relaySender(icingaProtocol, { ...place, username: "gw", password: "secret", ...keys });
  closing.push(() => parts.sender.close());
  const send = (...batch: ReturnType<typeof outgoingResult>[]) =>
    parts.sender.send(batch, new AbortController().signal);
  return { ...parts, send };
}

const result = outgoingResult("web", "load", 1, "busy");
const fine = { results: [{ code: 200, status: "Successfully processed check result for object 'web!load'." }] };

function json(status: number, body: unknown): Answerer {
  return (_asked, response) => response.writeHead(status).end(JSON.stringify(body));
}

/** Whoever asks for permissions has them all. */
function permitted(answer: Answerer): Answerer {
  return (asked, response) =>
    asked.path === "/v1/" ? json(200, { results: [{ permissions: ["*"] }] })(asked, response) : answer(asked, response);
}

describe("what Icinga answers decides what becomes of a result", () => {
  const entry = (code: number, status: string) => ({ results: [{ code, status }] });
  test.each([
    ["200", 200, fine, "delivered", "200 Successfully processed check result for object 'web!load'."],
    ["200.0 of older releases", 200, entry(200.0, "Processed."), "delivered", "200 Processed."],
    [
      "an entry for an unreachable object",
      200,
      entry(200, "Ignoring passive check result for unreachable object 'web!load'."),
      "delivered",
      "200 Ignoring passive check result for unreachable object 'web!load'.",
    ],
    [
      "409, a newer result is there",
      409,
      entry(409, "Newer check result already present."),
      "delivered",
      "superseded: 409 Newer check result already present.",
    ],
    [
      "403, passive checks disabled",
      403,
      entry(403, "Passive checks are disabled."),
      "refused",
      "403 Passive checks are disabled.",
    ],
    [
      "400 with an entry",
      400,
      entry(400, "Invalid 'exit_status' for Host web."),
      "refused",
      "400 Invalid 'exit_status' for Host web.",
    ],
    [
      "400 without one",
      400,
      { error: 400, status: "Invalid request body: x" },
      "refused",
      "400 Invalid request body: x",
    ],
    ["404", 404, { error: 404, status: "No objects found." }, "refused", "404 No objects found. (Service web!load)"],
    ["500 without entries, up to 2.13", 500, { results: [] }, "refused", "No objects found. (Service web!load)"],
    ["200 without entries", 200, { results: [] }, "refused", "No objects found. (Service web!load)"],
    [
      "404 for the path",
      404,
      { error: 404, status: "The requested path 'x' could not be found." },
      "failed",
      "404 The requested path 'x' could not be found.",
    ],
    ["401", 401, { error: 401, status: "Unauthorized." }, "failed", "401 Unauthorized."],
    ["403 for the user", 403, { error: 403, status: "Missing permission: x" }, "failed", "403 Missing permission: x"],
    ["an entry with 503", 503, entry(503, "Object is inactive."), "failed", "503 Object is inactive."],
    ["503", 503, { error: 503, status: "Shutting down." }, "failed", "503 Shutting down."],
    ["JSON that is none of Icinga's", 200, ["hello"], "failed", 'The answer is not one of Icinga: 200 ["hello"]'],
  ] as const)("%s", async (_name, status, body, kind, text) => {
    const { port } = await receiver(permitted(json(status, body)));
    expect(await connect(port).send(result)).toEqual([kind === "delivered" ? { kind, text } : { kind, reason: text }]);
  });

  test("a page of somebody else's is no delivery", async () => {
    const { port } = await receiver((_asked, response) => response.end("<html>\nWelcome\n"));
    expect(await connect(port).send(result)).toEqual([
      { kind: "failed", reason: "The answer is not one of Icinga: 200 <html>" },
    ]);
  });
});

test("what is sent names the object, its state, text, measurements, source and times", async () => {
  const { port, asked } = await receiver(permitted(json(200, fine)));
  await connect(port, { ttl: "90s" }).send(outgoingResult("a!b", "c", 3, "one|x=1;2;3 'y z'=4\nmore"));
  await connect(port).send(outgoingResult("a", "", 3, "down"));
  expect(asked).toEqual([
    {
      method: "POST",
      path: "/v1/actions/process-check-result",
      body: {
        type: "Service",
        service: "a!b!c",
        exit_status: 3,
        plugin_output: "one\nmore",
        performance_data: ["'x'=1;2;3", "'y z'=4"],
        check_source: "gateway.example",
        execution_start: Date.UTC(2030, 0, 1, 12) / 1000,
        execution_end: Date.UTC(2030, 0, 1, 12) / 1000,
        ttl: 90,
      },
    },
    {
      method: "POST",
      path: "/v1/actions/process-check-result",
      body: {
        type: "Host",
        host: "a",
        exit_status: 1,
        plugin_output: "down",
        performance_data: [],
        check_source: "gateway.example",
        execution_start: Date.UTC(2030, 0, 1, 12) / 1000,
        execution_end: Date.UTC(2030, 0, 1, 12) / 1000,
      },
    },
  ]);
});

test("an object that was unknown is asked about again after a while", async () => {
  const { port, asked } = await receiver(permitted(json(404, { error: 404, status: "No objects found." })));
  const { send, clock } = connect(port, { "unknown object cache": "5m" });
  const posts = () => asked.filter(({ method }) => method === "POST").length;
  await send(result);
  clock.advance(299_000);
  expect(await send(result)).toEqual([
    { kind: "refused", reason: "404 No objects found. (Service web!load) (answered 299 s ago)" },
  ]);
  expect(posts()).toBe(1);
  clock.advance(1000);
  await send(result);
  expect(posts()).toBe(2);
});

test("no more requests run side by side than allowed, and those about one object not at all", async () => {
  const waiting: (() => void)[] = [];
  const { port, asked } = await receiver((call, response) => {
    waiting.push(() => json(200, fine)(call, response));
    if (waiting.length === 3 || asked.length > 3) for (const answer of waiting.splice(0)) answer();
  });
  const batch = ["a", "b", "a", "c", "d", "a"].map((service, index) => outgoingResult("web", service, 0, `${index}`));
  const verdicts = await connect(port, { concurrency: "3" }).send(...batch);
  expect(verdicts.map(({ kind }) => kind)).toEqual(batch.map(() => "delivered"));
  const outputs = asked.map(({ body }) => `${body?.["service"]} ${body?.["plugin_output"]}`);
  expect(outputs.slice(0, 3).sort()).toEqual(["web!a 0", "web!b 1", "web!c 3"]);
  expect(outputs.filter((output) => output.startsWith("web!a"))).toEqual(["web!a 0", "web!a 2", "web!a 5"]);
});

test("a result that has to wait holds back those about the same object, and no others", async () => {
  const inactive = { results: [{ code: 503, status: "Object is inactive." }] };
  const { port, asked } = await receiver((call, response) =>
    (call.body?.["service"] === "web!a" ? json(503, inactive) : json(200, fine))(call, response),
  );
  const batch = ["a", "b", "a"].map((service) => outgoingResult("web", service, 0, "fine"));
  const verdicts = await connect(port).send(...batch);
  expect(verdicts).toMatchObject([
    { kind: "failed", reason: "503 Object is inactive." },
    { kind: "delivered" },
    { kind: "failed", reason: "503 Object is inactive." },
  ]);
  expect(asked.length).toBe(2);
});

test("nothing more is sent once Icinga can't take anything", async () => {
  const { port, asked } = await receiver(json(401, { error: 401, status: "Unauthorized." }));
  const batch = ["a", "b", "c", "d"].map((service) => outgoingResult("web", service, 0, "fine"));
  const verdicts = await connect(port, { concurrency: "1" }).send(...batch);
  expect(verdicts).toEqual(batch.map(() => ({ kind: "failed", reason: "401 Unauthorized." })));
  expect(asked.length).toBe(1);
});

describe("a receiver that fails keeps its results waiting", () => {
  test("when it hangs after the connection is there", async () => {
    const { port } = await receiver(() => {});
    expect(await connect(port, { timeout: "1s" }).send(result)).toEqual([
      { kind: "failed", reason: `No answer from http://127.0.0.1:${port} within 1 s` },
    ]);
  });

  test("when it stops in the middle of an answer", async () => {
    const { port } = await receiver((_asked, response) => response.writeHead(200).write('{"results":'));
    expect(await connect(port, { timeout: "1s" }).send(result)).toEqual([
      { kind: "failed", reason: `The answer from http://127.0.0.1:${port} stopped for 1 s` },
    ]);
  });

  test("when it closes without an answer, twice", async () => {
    const { port, asked } = await receiver((_asked, response) => response.socket?.destroy());
    expect(await connect(port).send(result)).toEqual([
      { kind: "failed", reason: `Cannot talk to http://127.0.0.1:${port}: other side closed` },
    ]);
    expect(asked.length).toBe(2);
  });

  test("when nobody listens", async () => {
    const { port, server } = await receiver(() => {});
    await new Promise((resolve) => server.close(resolve));
    expect(await connect(port).send(result)).toEqual([
      { kind: "failed", reason: `Cannot talk to http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}` },
    ]);
  });

  test("when the batch is given up", async () => {
    const giveUp = new AbortController();
    const { port } = await receiver(() => giveUp.abort(new Error("The gateway ends")));
    expect(await connect(port).sender.send([result], giveUp.signal)).toEqual([
      { kind: "failed", reason: `The request to http://127.0.0.1:${port} was given up: The gateway ends` },
    ]);
  });
});

test("a connection that ended while it was idle costs nothing", async () => {
  const { port, server } = await receiver(json(200, fine));
  const { send } = connect(port);
  await send(result);
  server.closeAllConnections();
  expect(await send(result)).toMatchObject([{ kind: "delivered" }]);
});

test("the API may stand below a path", async () => {
  const { port, asked } = await receiver(json(200, fine));
  await connect(port, { address: `http://127.0.0.1:${port}/icinga/` }).send(result);
  expect(asked.map(({ path }) => path)).toEqual(["/icinga/v1/actions/process-check-result"]);
});

describe("a target that can't work is not loaded, and its mistake is named", () => {
  const section = "[/settings/icinga/client/targets/test]";
  test.each([
    [
      { username: "", password: "" },
      `The target test has neither a "username" with "password" nor a "certificate": ${section}.`,
    ],
    [{ password: "" }, `The target test has a "username" and no "password": ${section}.`],
    [{ address: "ftp://icinga.example" }, `"address" of ${section} begins with ftp://; Icinga needs https://.`],
    [
      { address: "icinga.example", "certificate key": "/x" },
      `${section} has a "certificate key" and no "certificate".`,
    ],
  ])("%j", (keys, message) => {
    expect(() => connect(5665, keys as Record<string, string>)).toThrow(message);
  });

  test("an authority that is not there", () => {
    expect(() => connect(5665, { address: "icinga.example", ca: "/nowhere/ca.pem" })).toThrow(
      `"ca" of ${section} can't be read: ENOENT: no such file or directory, open '/nowhere/ca.pem'.`,
    );
  });
});

test("the sample of the README brings a result to its Icinga", async () => {
  const readme = readFileSync(new URL("../../src/modules/icinga-client/README.md", import.meta.url), "utf8");
  const sample = runnableBlocks(readme).find((block) => block.how === "relay with these settings")?.text ?? "";
  const { port, asked } = await receiver(permitted(json(200, fine)));
  const settings = sample.replace("https://icinga.example:5665", `http://127.0.0.1:${port}`);
  const { core, isLoaded, modules } = await loadModule(icingaClient, settings);
  expect(isLoaded).toBe(true);
  const payload = passiveResult({ host: "web", service: "load", code: 1, text: "busy|a=1" });
  const { message } = await core.submit("ICINGA", submission([payload]), incoming());
  expect(message.payload.map((answer) => [StatusCode[answer.result?.code ?? -1], answer.result?.message])).toEqual([
    ["STATUS_OK", "200 Successfully processed check result for object 'web!load'."],
  ]);
  expect(asked[0]?.body).toMatchObject({ service: "web!load", exit_status: 1, plugin_output: "busy" });
  await modules.stopAll();
});
