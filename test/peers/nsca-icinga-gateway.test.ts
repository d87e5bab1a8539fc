import { expect, onTestFinished, test, vi } from "vitest";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import { Line, QueryResponse, StatusCode } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";
import { startGateway } from "../support/gateway-process.js";
import { Icinga, icingaName } from "./icinga2.js";
import { NscaDaemon } from "./nsca-daemon.js";
import { icinga2, needPeer, nscaDaemon } from "./peers.js";

const rows = Array.from({ length: 38 }, (_, row) => `row ${row}: ${"äöü ".repeat(10)}; a \\ and "quotes"`).join("\n");
const perfdata = "'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5 'load'=0.25";

/** A result as a sender submits it. */
function result(service: string): QueryResponse {
  return QueryResponse.create({
    ...{ command: service, alias: service, source: "web", result: 2 },
    lines: [Line.create({ message: `Überlauf; 95 % | voll\n${rows}`, perf: parsePerfdata(perfdata) })],
  });
}

test("what is submitted to the gateway reaches NSCA's daemon and Icinga 2", async (context) => {
  const nsca = await NscaDaemon.start(needPeer(nscaDaemon, context), 14, "Grüße; 1");
  onTestFinished(() => nsca.stop());
  const icinga = await Icinga.start(needPeer(icinga2, context));
  onTestFinished(() => icinga.stop());
  const gateway = await startGateway({
    clients: ["sender"],
    settings: `[/modules]
GRPCServer = enabled
NSCAClient = enabled
IcingaClient = enabled

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security]
default certificate role = submitter

[/settings/NSCA/client]
channel = PASSIVE

[/settings/NSCA/client/targets/default]
address = 127.0.0.1:${nsca.port}
password = Grüße; 1

[/settings/icinga/client]
channel = PASSIVE

[/settings/icinga/client/targets/default]
address = https://127.0.0.1:${icinga.port}
username = sender
password = secret
ca = ${icinga.files.ca}
server name = ${icingaName}
`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const client = connectGateway({
    address: `localhost:${gateway.port}`,
    ca: gateway.certificate("ca.pem"),
    certificate: gateway.certificate("sender.pem"),
    certificateKey: gateway.certificate("sender-key.pem"),
    timeoutMs: 30_000,
  });
  onTestFinished(() => client.close());

  const { payload } = await client.submit({ channel: "PASSIVE", payload: [result("load"), result("nobody knows it")] });
  expect(payload.map((answer) => StatusCode[answer.result?.code ?? -1])).toEqual(["STATUS_OK", "STATUS_OK"]);
  await vi.waitUntil(() => nsca.arrived.length === 2, { timeout: 30_000 });
  const output = `Überlauf; 95 % ¦ voll|${perfdata}\n${rows}`;
  expect(nsca.arrived).toEqual(
    ["load", "nobody knows it"].map((service) => ({ host: "web", service, code: 2, output })),
  );
  const shown = () => icinga.attributes("services", "web!load");
  await vi.waitUntil(async () => (await shown())?.["state"] === 2, { timeout: 30_000 });
  expect((await shown())?.["last_check_result"]).toMatchObject({
    output: `Überlauf; 95 % | voll\n${rows}`,
    performance_data: perfdata.match(/'[^']+'=\S+/g),
  });
  await vi.waitUntil(async () => (await deadLetters()).includes("No objects found"), { timeout: 30_000 });
  expect(await deadLetters()).toContain("404 No objects found. (Service web!nobody knows it)");

  async function deadLetters(): Promise<string> {
    const shownQueue = await gateway.nscp("queue", "show", "icinga-client/default", "--dead");
    return shownQueue.stdout;
  }
});
