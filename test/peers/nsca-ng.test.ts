import { expect, onTestFinished, test } from "vitest";
import { nscaNgProtocol } from "../../src/modules/nsca-ng-client/protocol.js";
import { renderNagiosCommand } from "../../src/wire/nagios-command.js";
import { renderNagiosText } from "../../src/wire/nagios-text.js";
import { checkTimeMs, outgoingResult, relaySender } from "../support/relay-target.js";
import { NscaNg } from "./nsca-ng.js";
import { needPeer, nscaNgServer } from "./peers.js";

const identity = "gateway.example";
const password = "Grüße, 1";
const never = new AbortController().signal;
const delivered = { kind: "delivered", text: "Submission successful" };
const time = checkTimeMs / 1000;

type Options = Partial<Parameters<typeof NscaNg.start>[1]>;

async function server(context: Parameters<typeof needPeer>[1], options: Options = {}): Promise<NscaNg> {
  const started = await NscaNg.start(needPeer(nscaNgServer, context), { identity, password, ...options });
  onTestFinished(() => started.stop());
  return started;
}

function senderTo({ port }: NscaNg, keys: Readonly<Record<string, string>> = {}) {
  return relaySender(nscaNgProtocol, { host: "127.0.0.1", port, password, ...keys });
}

const longOutput = Array.from({ length: 60 }, (_, row) => `row ${row}: ${"äöü ".repeat(10)}; a \\ and "quotes"`);
const perfdata = "'size of /'=12.5GB;80;90;0;100 'Größe'=3;@1:2;~:5 'load'=0.25";

test.for(["1.2", "1.3", "1.2+"])("gets what was sent, byte by byte, over TLS %s", async (version, context) => {
  const nscaNg = await server(context);
  const { sender, log } = senderTo(nscaNg, { "tls version": version });
  const long = outgoingResult("web1", "Größe von C:\\", 2, `Überlauf; 95 %|${perfdata}\n${longOutput.join("\n")}`);
  const pipe = outgoingResult("web1", "", 1, "");
  const [line] = pipe.result.lines;
  if (line !== undefined) line.message = "gone; a | b";
  expect(await sender.send([long, pipe], never)).toEqual([delivered, delivered]);
  const output = renderNagiosText(long.result);
  expect(Buffer.byteLength(output)).toBeGreaterThan(4096);
  const arrived = await nscaNg.commands(2);
  // The server writes a command of more than 4096 bytes to a file first, so that a shorter one can overtake it.
  expect(arrived.sort()).toEqual([
    `[${time}] PROCESS_HOST_CHECK_RESULT;web1;1;gone; a ¦ b`,
    renderNagiosCommand({ time, host: "web1", service: "Größe von C:\\", code: 2, output }),
  ]);
  expect(log.records).toEqual([]);
});

test("gets many results in one session, and those it does not want are refused with its words", async (context) => {
  const nscaNg = await server(context, { grants: ['services = "s[0-9]*[02468]"'] });
  const { sender } = senderTo(nscaNg);
  const batch = Array.from({ length: 50 }, (_, index) => outgoingResult("web1", `s${index}`, 0, "fine"));
  const refused = { kind: "refused", reason: "You're not authorized" };
  expect(await sender.send(batch, never)).toEqual(batch.map((_, index) => (index % 2 === 0 ? delivered : refused)));
  expect(await nscaNg.commands(25)).toEqual(
    batch
      .filter((_, index) => index % 2 === 0)
      .map(({ service }) => `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;${service};0;fine`),
  );
});

test("gets as much of a result as it takes", async (context) => {
  const nscaNg = await server(context);
  const { sender, log } = senderTo(nscaNg);
  expect(await sender.send([outgoingResult("web1", "s", 0, `long\n${"ü".repeat(20_000)}`)], never)).toEqual([
    delivered,
  ]);
  const head = `[${time}] PROCESS_SERVICE_CHECK_RESULT;web1;s;0;long\\n`;
  expect(await nscaNg.commands(1)).toEqual([`${head}${"ü".repeat(Math.floor((16_383 - head.length) / 2))}`]);
  expect(log.of("warn")).toHaveLength(1);
});

test.for([
  ["1.2", {}, "the password is not the server's"],
  ["1.3", {}, "the password is not the server's"],
  ["1.2", { identity: "somebody" }, "it does not know the identity"],
  [
    "1.3",
    { identity: "somebody" },
    "it refuses the handshake; it does not know the identity, or has none of the cipher suites",
  ],
] as const)("refuses over TLS %s who does not know the password: %j", async ([version, keys, reason], context) => {
  const nscaNg = await server(context);
  const { sender } = senderTo(nscaNg, { "tls version": version, password: "wrong", ...keys });
  expect(await sender.send([outgoingResult("web1", "s", 0, "fine")], never)).toEqual([
    { kind: "failed", reason: `No TLS with 127.0.0.1:${nscaNg.port}: ${reason}.` },
  ]);
});
