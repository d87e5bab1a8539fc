import { expect, onTestFinished, test } from "vitest";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import { Line, QueryResponse, StatusCode } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";
import { startGateway } from "../support/gateway-process.js";
import { Nagios } from "./nagios.js";
import { NscaNg } from "./nsca-ng.js";
import { nagios4, needPeer, nscaNgServer } from "./peers.js";

const rows = Array.from({ length: 60 }, (_, row) => `row ${row}: ${"äöü ".repeat(10)}; a \\ and "quotes"`);
const perfdata = "'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5 'load'=0.25";

/** A result as a sender submits it. */
function result(service: string): QueryResponse {
  return QueryResponse.create({
    ...{ command: service, alias: service, source: "web1", result: 2 },
    lines: [Line.create({ message: `Überlauf; 95 % | voll\n${rows.join("\n")}`, perf: parsePerfdata(perfdata) })],
  });
}

test("what is submitted to the gateway reaches Nagios, through NSCA-ng and by itself", async (context) => {
  const nagios = await Nagios.start(needPeer(nagios4, context), ["through nsca-ng", "from file"]);
  onTestFinished(() => nagios.stop());
  const nscaNg = await NscaNg.start(needPeer(nscaNgServer, context), {
    ...{ identity: "gateway", password: "Grüße; 1", commandFile: nagios.commandFile },
  });
  onTestFinished(() => nscaNg.stop());
  const gateway = await startGateway({
    clients: ["sender"],
    settings: `[/modules]
GRPCServer = enabled
NSCANgClient = enabled
NagiosClient = enabled

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security]
default certificate role = submitter

[/settings/NSCA-NG/client/targets/default]
address = 127.0.0.1:${nscaNg.port}
identity = gateway
password = Grüße; 1

[/settings/nagios/client/targets/default]
check result path = ${nagios.checkResultPath}
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

  for (const [channel, service] of [
    ["NSCA-NG", "through nsca-ng"],
    ["NAGIOS", "from file"],
  ] as const) {
    const { payload } = await client.submit({ channel, payload: [result(service)] });
    expect(payload.map((answer) => StatusCode[answer.result?.code ?? -1])).toEqual(["STATUS_OK"]);
    expect(await nagios.stateWith(service, (state) => state.output !== "")).toEqual({
      state: 2,
      output: "Überlauf: 95 % ¦ voll",
      longOutput: rows.join("\n"),
      perfdata,
      lastCheck: expect.any(Number),
    });
  }
});
