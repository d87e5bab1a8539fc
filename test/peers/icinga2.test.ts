import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { icingaProtocol } from "../../src/modules/icinga-client/protocol.js";
import type { Verdict } from "../../src/relay/relay.js";
import { checkTimeMs, outgoingResult, relaySender } from "../support/relay-target.js";
import { Icinga, icingaName } from "./icinga2.js";
import { icinga2, lackOf, needPeer } from "./peers.js";

let icinga: Icinga | undefined;

beforeAll(async () => {
  const program = icinga2.find();
  if (lackOf(icinga2) === undefined && program !== undefined) icinga = await Icinga.start(program);
});

afterAll(async () => {
  await icinga?.stop();
});

/** The daemon, or the reason why there is none. */
function daemon(context: Parameters<typeof needPeer>[1]): Icinga {
  needPeer(icinga2, context);
  if (icinga === undefined) throw new Error("Icinga 2 was not started");
  return icinga;
}

function target({ port, files }: Icinga, keys: Readonly<Record<string, string>> = {}) {
  const basics = { host: "127.0.0.1", port, ca: files.ca, "server name": icingaName, "check source": "gw.example" };
  const isNamed = "username" in keys || "certificate" in keys;
  const user = { username: "gateway", password: "Grüße: 1" };
  return relaySender(icingaProtocol, isNamed ? { ...basics, ...keys } : { ...basics, ...user, ...keys });
}

async function send(
  { sender }: ReturnType<typeof target>,
  ...batch: ReturnType<typeof outgoingResult>[]
): Promise<readonly Verdict[]> {
  try {
    return await sender.send(batch, new AbortController().signal);
  } finally {
    await sender.close();
  }
}

const rows = Array.from({ length: 60 }, (_, row) => `row ${row}: ${"äöü ".repeat(10)}; a \\ and "quotes"`);
const perfdata = "'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5 load=0.25";

describe("a result arrives as it was sent", () => {
  test("for a service, with all its text, measurements and times", async (context) => {
    const daemonUnderTest = daemon(context);
    const service = "Größe; 100 %";
    const result = outgoingResult("web", service, 2, `Überlauf; 95 % ¦ voll|${perfdata}\n${rows.join("\n")}`, {
      executionMs: { start: checkTimeMs, end: checkTimeMs + 1500 },
    });
    const [line] = result.result.lines;
    if (line !== undefined) line.message = line.message.replace("¦", "|");

    expect(await send(target(daemonUnderTest, { ttl: "2m" }), result)).toEqual([
      { kind: "delivered", text: "200 Successfully processed check result for object 'web!Größe; 100 %'." },
    ]);
    const shown = await daemonUnderTest.attributes("services", `web!${service}`);
    expect(shown?.["state"]).toBe(2);
    expect(shown?.["last_check_result"]).toMatchObject({
      active: false,
      state: 2,
      output: `Überlauf; 95 % | voll\n${rows.join("\n")}`,
      performance_data: ["'size of /'=12.5GB;80;90;0;100", "'Größe'=3;@1:2;~:5", "'load'=0.25"],
      check_source: "gw.example",
      execution_start: checkTimeMs / 1000,
      execution_end: checkTimeMs / 1000 + 1.5,
      ttl: 120,
    });
  });

  test("for a host, which is up or down", async (context) => {
    const daemonUnderTest = daemon(context);
    const result = outgoingResult("web", "", 2, "no answer|rta=1.5s");
    expect(await send(target(daemonUnderTest), result)).toEqual([
      { kind: "delivered", text: "200 Successfully processed check result for object 'web'." },
    ]);
    const shown = await daemonUnderTest.attributes("hosts", "web");
    expect(shown).toMatchObject({
      state: 1,
      last_check_result: {
        output: "no answer",
        performance_data: ["'rta'=1.5s"],
        execution_end: checkTimeMs / 1000,
        ttl: 0,
      },
    });
  });

  test("in order, when many go side by side", async (context) => {
    const daemonUnderTest = daemon(context);
    const batch = Array.from({ length: 60 }, (_, index) =>
      outgoingResult("web", index % 2 === 0 ? "load" : "Größe; 100 %", index % 3, `number ${index}`, {
        timeMs: checkTimeMs + index * 1000,
      }),
    );
    const verdicts = await send(target(daemonUnderTest), ...batch);
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(["delivered"]));
    const shown = await daemonUnderTest.attributes("services", "web!load");
    expect(shown?.["last_check_result"]).toMatchObject({ output: "number 58", state: 1 });
  });
});

describe("what Icinga does not take", () => {
  test("for an object that it does not know is refused, and is asked about once", async (context) => {
    const connection = target(daemon(context));
    const first = outgoingResult("web", "nobody", 0, "fine");
    expect(await send(connection, first, outgoingResult("web", "load", 0, "fine"), first)).toEqual([
      { kind: "refused", reason: "404 No objects found. (Service web!nobody)" },
      { kind: "delivered", text: "200 Successfully processed check result for object 'web!load'." },
      { kind: "refused", reason: "404 No objects found. (Service web!nobody) (answered 0 s ago)" },
    ]);
  });

  test("for an object whose passive checks are switched off is refused in Icinga's words", async (context) => {
    expect(await send(target(daemon(context)), outgoingResult("web", "closed", 0, "fine"))).toEqual([
      { kind: "refused", reason: "403 Passive checks are disabled for object 'web!closed'." },
    ]);
  });

  test("waits when the password is wrong", async (context) => {
    const connection = target(daemon(context), { username: "gateway", password: "Grüße: 2" });
    expect(await send(connection, outgoingResult("web", "load", 0, "fine"))).toEqual([
      { kind: "failed", reason: "401 Unauthorized. Please check your user credentials." },
    ]);
  });

  test("waits when the user lacks the permission, which is no reason to bury it", async (context) => {
    const connection = target(daemon(context), { username: "reader", password: "secret" });
    expect(await send(connection, outgoingResult("web", "load", 0, "fine"))).toEqual([
      { kind: "failed", reason: "The API user reader has no permission actions/process-check-result" },
    ]);
  });

  test("waits when the certificate is not Icinga's", async (context) => {
    const daemonUnderTest = daemon(context);
    const result = outgoingResult("web", "load", 0, "fine");
    const [verdict] = await send(target(daemonUnderTest, { "server name": "another.example" }), result);
    expect(verdict).toEqual({
      kind: "failed",
      reason: `Cannot talk to https://127.0.0.1:${daemonUnderTest.port}: Hostname/IP does not match certificate's altnames: Host: another.example. is not in the cert's altnames: DNS:${icingaName}`,
    });
    const careless = target(daemonUnderTest, { "server name": "another.example", "verify mode": "none" });
    expect(careless.log.of("warn")).toEqual([
      "[/settings/icinga/client/targets/test] takes any certificate of its receiver (verify mode = none): somebody in between can read and change what is sent",
    ]);
    expect(await send(careless, result)).toMatchObject([{ kind: "delivered" }]);
  });
});

test("a client certificate takes the place of a password", async (context) => {
  const daemonUnderTest = daemon(context);
  const { certificate, key } = daemonUnderTest.files;
  const connection = target(daemonUnderTest, { certificate, "certificate key": key });
  expect(await send(connection, outgoingResult("web", "load", 1, "certified"))).toMatchObject([{ kind: "delivered" }]);
});

test("hosts and services that are unknown are created on request, also when many come at once", async (context) => {
  const daemonUnderTest = daemon(context);
  const services = ["disk /", "Größe", "load"];
  const batch = services.map((service) => outgoingResult("new host", service, 1, `about ${service}`));
  const verdicts = await send(
    target(daemonUnderTest, { "ensure objects": "true" }),
    ...batch,
    outgoingResult("new host", "", 0, "up"),
  );
  expect(verdicts).toEqual([
    ...services.map((service) => ({
      kind: "delivered",
      text: `200 Successfully processed check result for object 'new host!${service}'.`,
    })),
    { kind: "delivered", text: "200 Successfully processed check result for object 'new host'." },
  ]);
  expect(await daemonUnderTest.attributes("hosts", "new host")).toMatchObject({
    address: "new host",
    templates: ["new host", "generic-host"],
  });
  expect(await daemonUnderTest.attributes("services", "new host!Größe")).toMatchObject({
    check_command: "passive",
    templates: ["Größe", "generic-service"],
    last_check_result: { output: "about Größe" },
  });
});

test("an object that can't be created is refused with what Icinga says of it", async (context) => {
  const connection = target(daemon(context), { "ensure objects": "true", "host template": "no-such-template" });
  const [verdict] = await send(connection, outgoingResult("other host", "load", 0, "fine"));
  expect(verdict?.kind).toBe("refused");
  expect(verdict?.kind === "refused" && verdict.reason).toMatch(
    /^Host other host can't be created: 500 .*unknown template: 'no-such-template'/,
  );
});
