import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { processedText, writeAnswer } from "../../src/wire/nrdp/answer.js";
import { NrdpForm } from "../../src/wire/nrdp/form.js";
import { parseXmlDocument } from "../../src/wire/nrdp/xml-document.js";
import { freePort } from "../support/free-port.js";
import { run, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { Operator } from "../support/relaying-gateway.js";
import { needPeer, sendNsca } from "./peers.js";

test("what send_nsca sent while the NRDP receiver was down arrives as it was sent, under the sender's names", async (context) => {
  const client = needPeer(sendNsca, context);
  const folder = temporaryFolder("chain");
  onTestFinished(() => folder.remove());
  const [intakePort, receiverPort] = [await freePort(), await freePort()];
  const gateway = await startGateway({
    certificates: false,
    settings: `[/modules]
GRPCServer = enabled
NSCAServer = enabled
NRDPClient = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
use ssl = false
[/settings/NSCA/server]
port = ${intakePort}
bind to = 127.0.0.1
encryption = 14
password = Grüße
inbox = NRDP
[/settings/NRDP/client]
hostname = gateway
[/settings/NRDP/client/targets/central]
address = http://127.0.0.1:${receiverPort}/nrdp/
token = secret
retry delay = 10ms
maximum retry delay = 100ms
`,
  });
  onTestFinished(async () => {
    await gateway.stop();
  });
  const operator = new Operator(gateway);
  onTestFinished(() => operator.close());

  const config = join(folder.path, "send_nsca.cfg");
  writeFileSync(config, "password=Grüße\nencryption_method=14\n");
  const long = Array.from({ length: 60 }, (_, row) => `row ${row}: ${"äöü ".repeat(7)}; C:\\x`);
  const sent = [
    ["hôst-1", "Größe, a", "2", `CRITICAL: 5 % frei; "Fuß"|'/ ü'=95%;80;90;0;100 'b'=1.5s`],
    ["web1.example.org", "1", "PING slow"],
    ["web2", "long", "0", `first|'x'=1\n${long.join("\n")}`],
  ];
  const arguments_ = ["-H", "127.0.0.1", "-p", String(intakePort), "-c", config];
  const said = await run(client, arguments_, { stdin: sent.map((row) => row.join("\t")).join("\x17") });
  expect(said.stdout).toBe("3 data packet(s) sent to host successfully.\n");
  await operator.untilQueues(([queue]) => Number(queue?.waiting) === 3 && queue?.delivery?.lastError !== "");

  const arrived: (string | number)[][] = [];
  const receiver = createServer(async (request, response) => {
    const form = new NrdpForm(new Set(["XMLDATA", "token", "cmd"]));
    form.read(Buffer.concat(await request.toArray()));
    const read = parseXmlDocument(form.bytes("XMLDATA") ?? Buffer.alloc(0));
    if (!("results" in read)) return void response.writeHead(400).end(read.problem);
    arrived.push(...read.results.map((one) => [one.type, one.hostname, one.servicename, one.state, one.output]));
    response.end(writeAnswer({ status: 0, message: "OK", output: processedText(read.results.length) }, "xml"));
  });
  receiver.listen(receiverPort, "127.0.0.1");
  onTestFinished(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  await operator.untilQueues(([queue]) => Number(queue?.waiting) === 0);
  expect(arrived).toEqual([
    ["service", "hôst-1", "Größe, a", 2, sent[0]?.[3]],
    ["host", "web1.example.org", "", 1, "PING slow"],
    ["service", "web2", "long", 0, sent[2]?.[3]],
  ]);
});
