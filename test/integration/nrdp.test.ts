import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/free-port.js";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

async function start(settings: string, files: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
  const gateway = await startGateway({ settings, files });
  onTestFinished(async () => {
    await gateway.stop();
  });
  return gateway;
}

/** Writes what comes to `inbox` into the log. */
const witness = `import { log, Registry } from "nscp-gateway/script";
export function init(pluginId: number): void {
  Registry.get(pluginId).subscription("inbox", (channel, message) => {
    const rows = message.payload.map(({ source, alias, result, lines }) => {
      const perf = lines.flatMap(({ perf }) => perf.map(({ alias }) => alias)).join(",");
      return [source, alias, result, lines.map(({ message }) => message).join(), perf].join(";");
    });
    log("ARRIVED " + JSON.stringify(rows) + " END");
    return true;
  });
}`;

const port = "port = 0\nbind to = 127.0.0.1";

describe("results of a sender of NRDP", () => {
  test("go through one gateway to the next, with the names of their own hosts", async () => {
    const central = await start(
      `[/modules]
NRDPServer = enabled
NodeScript = enabled
[/settings/NRDP/server]
${port}
[/settings/NRDP/server/tokens]
branch = between gateways
[/settings/node/scripts]
witness = witness.ts
`,
      { "scripts/node/witness.ts": witness },
    );
    const branch = await start(`[/modules]
NRDPServer = enabled
NRDPClient = enabled
[/settings/NRDP/server]
${port}
use ssl = false
inbox = NRDP
[/settings/NRDP/server/tokens]
web1 = of the sender
[/settings/NRDP/client/targets/central]
address = https://localhost:${central.port}/nrdp/
token = between gateways
ca = ${central.certificate("ca.pem")}
`);
    const body =
      "token=of the sender&cmd=submitcheck&xml=<?xml version='1.0'?>\n<checkresults>" +
      "<checkresult type='service'><hostname>web1</hostname><servicename>Größe; a|b</servicename><state>2</state>" +
      "<output><![CDATA[96% \u00fcber %26 dr\u00fcber|a=1 b=2]]></output></checkresult>" +
      "<checkresult><hostname>router</hostname><state>0</state><output>up</output></checkresult></checkresults>";
    const answer = await fetch(`http://127.0.0.1:${branch.port}/nrdp//`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body,
    });
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("2 checks processed")]);
    const [, rows = ""] = await central.waitForLog(/ARRIVED (.*) END/);
    // A text in a log of JSON lines.
    expect(JSON.parse(JSON.parse(`"${rows}"`))).toEqual([
      "web1;Größe; a|b;2;96% über & drüber;a,b",
      "router;host_check;0;up;",
    ]);
  });

  test("are accepted while their receiver is down, and arrive when it is there", async () => {
    const late = await freePort();
    const branch = await start(`[/modules]
NRDPServer = enabled
NRDPClient = enabled
[/settings/NRDP/server]
${port}
use ssl = false
inbox = NRDP
[/settings/NRDP/server/tokens]
web1 = of the sender
[/settings/NRDP/client/targets/central]
address = http://127.0.0.1:${late}/nrdp/
token = between gateways
maximum retry delay = 1s
`);
    const deliver = async (name: string) => {
      const document = `<r><checkresult><hostname>${name}</hostname><state>0</state><output>up</output></checkresult></r>`;
      const body = new URLSearchParams({ token: "of the sender", cmd: "submitcheck", xml: document });
      const answer = await fetch(`http://127.0.0.1:${branch.port}/nrdp/`, { method: "POST", body });
      return [answer.status, /<output>(.*)<\/output>/.exec(await answer.text())?.[1]];
    };
    expect(await deliver("router1")).toEqual([200, "1 checks processed"]);
    expect(await deliver("router2")).toEqual([200, "1 checks processed"]);
    await branch.waitForLog(/results wait, for they can't be delivered: .*ECONNREFUSED/);
    const central = await start(
      `[/modules]
NRDPServer = enabled
NodeScript = enabled
[/settings/NRDP/server]
port = ${late}
bind to = 127.0.0.1
use ssl = false
[/settings/NRDP/server/tokens]
branch = between gateways
[/settings/node/scripts]
witness = witness.ts
`,
      { "scripts/node/witness.ts": witness },
    );
    const arrived = await central.waitForLog(/ARRIVED .*router1.*router2.* END/s);
    expect(arrived[0].match(/router\d;host_check;0;up;/g)).toEqual([
      "router1;host_check;0;up;",
      "router2;host_check;0;up;",
    ]);
  });

  test("can be sent by hand, and the exit code says whether the receiver has them", async () => {
    const central = await start(`[/modules]
NRDPServer = enabled
[/settings/NRDP/server]
${port}
use ssl = false
inbox = log
[/settings/NRDP/server/tokens]
me = of mine
`);
    const target = ["--host", "127.0.0.1", "--port", String(central.port), "--path", "/nrdp/"];
    // The settings of the test can be read by everybody, which is told otherwise.
    const send = (...args: string[]) => central.nscp("nrdp", "--log", "error", ...target, ...args);
    const result = ["--command", "disk", "--result", "2", "--message", "full|used=96%"];
    expect(await send("--token", "of mine", "--hostname", "web1", ...result)).toMatchObject({
      code: 0,
      stdout: "OK\n",
    });
    expect(await central.waitForLog(/disk: full/)).toBeDefined();
    expect(await send("--token", "guess", "--retries", "0", ...result)).toMatchObject({
      code: 3,
      stdout: expect.stringContaining("BAD TOKEN"),
    });
    expect(await send(...result)).toMatchObject({ code: 3, stdout: expect.stringContaining("token: the target") });
  });
});
