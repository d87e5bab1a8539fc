import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/gateway/system-clock.js";
import { nagiosProtocol } from "../../src/modules/nagios-client/protocol.js";
import { nscaNgProtocol } from "../../src/modules/nsca-ng-client/protocol.js";
import type { OutgoingResult, Sender } from "../../src/relay/relay.js";
import { fitNagiosText } from "../../src/wire/fit-nagios-text.js";
import { Line, QueryResponse } from "../../src/wire/messages.js";
import { parsePerfdata } from "../../src/wire/perfdata.js";
import { RecordingLog } from "../support/recording-log.js";
import { outgoingResult, relayTarget } from "../support/relay-target.js";
import { Nagios, type NagiosState } from "./nagios.js";
import { NscaNg } from "./nsca-ng.js";
import { lackOf, nagios4, needPeer, nscaNgServer } from "./peers.js";

const services = ["Größe von C:\\", "pipe", "through nsca-ng", "empty"];
const never = new AbortController().signal;

let nagios: Nagios | undefined;

beforeAll(async () => {
  const program = nagios4.find();
  if (lackOf(nagios4) === undefined && program !== undefined) nagios = await Nagios.start(program, services);
});

afterAll(async () => {
  await nagios?.stop();
});

/** The daemon, or the reason why there is none. */
function daemon(context: Parameters<typeof needPeer>[1]): Nagios {
  needPeer(nagios4, context);
  if (nagios === undefined) throw new Error("Nagios was not started");
  return nagios;
}

const environment = { log: new RecordingLog(), clock: systemClock, hostname: "gateway.example", version: "1.2.3" };

function senderBy(keys: Readonly<Record<string, string>>): Sender {
  return nagiosProtocol.connect(relayTarget(nagiosProtocol, keys), environment);
}

/** What Nagios knows once it has taken a result of this time. */
function stateAt(daemonUnderTest: Nagios, service: string, timeMs: number): Promise<NagiosState | undefined> {
  return daemonUnderTest.stateWith(service, ({ lastCheck }) => lastCheck === Math.floor(timeMs / 1000));
}

const rows = Array.from({ length: 60 }, (_, row) => `row ${row}: ${"äöü ".repeat(10)}; a \\ and "quotes"`);

/** A result with everything that can go wrong in it, whose check ended a while ago. */
function richResult(service: string): OutgoingResult {
  const result = QueryResponse.create({
    command: service,
    result: 2,
    lines: [
      Line.create({
        message: "Überlauf; 95 % | voll auf C:\\new",
        perf: parsePerfdata("'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5"),
      }),
      Line.create({ message: rows.join("\n"), perf: parsePerfdata("load=0.25 'C:\\'=5%") }),
    ],
  });
  const timeMs = Math.floor(Date.now() / 1000) * 1000 - 90_000;
  return { ...outgoingResult("web1", service, 2, ""), result, timeMs };
}

// Nagios has `;` between the fields of its own lines, so in the first line of output it keeps a `:` instead. Performance data
// of both places it puts together.
const stored = { state: 2, output: "Überlauf: 95 % ¦ voll auf C:\\new" };
const summaryPerfdata = "'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5";

test("a file of check results gives Nagios all of a result", async (context) => {
  const daemonUnderTest = daemon(context);
  const result = richResult("Größe von C:\\");
  const host = outgoingResult("web1", "", 2, "no answer|rta=1.5s", { timeMs: result.timeMs });
  const sender = senderBy({ "check result path": daemonUnderTest.checkResultPath });
  const executionMs = { start: result.timeMs - 1500, end: result.timeMs };
  const delivered = { kind: "delivered", text: "Written to the check result path" };
  expect(await sender.send([{ ...result, executionMs }, host], never)).toEqual([delivered, delivered]);
  const lastCheck = result.timeMs / 1000;
  expect(await stateAt(daemonUnderTest, "", host.timeMs)).toEqual({
    ...{ state: 1, output: "no answer", longOutput: "", perfdata: "'rta'=1.5s" },
    lastCheck,
  });
  expect(await stateAt(daemonUnderTest, result.service, executionMs.start)).toEqual({
    ...stored,
    longOutput: rows.join("\n"),
    perfdata: `${summaryPerfdata} 'load'=0.25 'C:\\'=5%`,
    lastCheck: Math.floor(executionMs.start / 1000),
  });
});

test("a line of the command file gives Nagios as much as fits into 4096 bytes", async (context) => {
  const daemonUnderTest = daemon(context);
  const result = richResult("pipe");
  const sender = senderBy({ "command file": daemonUnderTest.commandFile });
  expect(await sender.send([result], never)).toEqual([{ kind: "delivered", text: "Written to the command file" }]);
  const lastCheck = result.timeMs / 1000;
  const head = `[${lastCheck}] PROCESS_SERVICE_CHECK_RESULT;web1;pipe;2;`;
  const summary = `Überlauf; 95 % ¦ voll auf C:\\new|${summaryPerfdata}`;
  const room = 4096 - head.length - 1;
  const [, longOutput = ""] = fitNagiosText(`${summary}\n${rows.join("\n")}`, room, { escaped: true }).split(/\n(.*)/s);
  expect(Buffer.byteLength(longOutput)).toBeGreaterThan(3500);
  expect(await stateAt(daemonUnderTest, "pipe", result.timeMs)).toEqual({
    ...stored,
    ...{ longOutput, perfdata: summaryPerfdata, lastCheck },
  });
});

test("an empty result, and one of a state that is none, have words of Nagios", async (context) => {
  const daemonUnderTest = daemon(context);
  const timeMs = Math.floor(Date.now() / 1000) * 1000 - 60_000;
  const sender = senderBy({ "check result path": daemonUnderTest.checkResultPath });
  await sender.send([outgoingResult("web1", "empty", 7, "", { timeMs })], never);
  expect(await stateAt(daemonUnderTest, "empty", timeMs)).toEqual({
    ...{ state: 3, output: "(No output returned from plugin)", longOutput: "", perfdata: "", lastCheck: timeMs / 1000 },
  });
});

test("NSCA-ng's server gives Nagios all of a result", async (context) => {
  const daemonUnderTest = daemon(context);
  const identity = "gateway.example";
  const nscaNg = await NscaNg.start(needPeer(nscaNgServer, context), {
    ...{ identity, password: "secret", commandFile: daemonUnderTest.commandFile },
  });
  onTestFinished(() => nscaNg.stop());
  const target = relayTarget(nscaNgProtocol, { host: "127.0.0.1", port: nscaNg.port, password: "secret" });
  const result = richResult("through nsca-ng");
  expect(await nscaNgProtocol.connect(target, environment).send([result], never)).toEqual([
    { kind: "delivered", text: "Submission successful" },
  ]);
  expect(await stateAt(daemonUnderTest, result.service, result.timeMs)).toEqual({
    ...stored,
    longOutput: rows.join("\n"),
    perfdata: `${summaryPerfdata} 'load'=0.25 'C:\\'=5%`,
    lastCheck: result.timeMs / 1000,
  });
});
