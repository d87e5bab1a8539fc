import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { graphiteProtocol } from "../../../src/modules/graphite-client/protocol.js";
import { makeAuthority, makeServerPair } from "../../../src/security/certificates.js";
import { temporaryFolder } from "../../support/gateway-process.js";
import { checkTimeMs, outgoingResult, relaySender } from "../../support/relay-target.js";
import { type CarbonOptions, startCarbon } from "./carbon.js";

const never = new AbortController().signal;

async function graphite(keys: Readonly<Record<string, string>> = {}, options: CarbonOptions = {}) {
  const carbon = await startCarbon(options);
  return { carbon, ...relaySender(graphiteProtocol, { host: "127.0.0.1", port: carbon.port, ...keys }) };
}

/** A result of the service `disk` on `web1`. */
const disk = (text: string, code = 0) => outgoingResult("web1", "disk", code, text);
const seconds = checkTimeMs / 1000;

const presumably = { kind: "delivered", text: "Data presumably sent successfully" };

describe("a batch to Graphite", () => {
  it("is a line for each state and each value, over one connection", async () => {
    const { carbon, sender } = await graphite();
    const batch = [
      disk("91 % full|'/'=91%;90;95 'free'=1.5KB 'x'=U", 1),
      outgoingResult("web2.example.org", "", 0, "up", { timeMs: checkTimeMs + 1999 }),
    ];
    expect(await sender.send(batch, never)).toEqual([presumably, presumably]);
    await carbon.ended(1);
    expect(carbon.received).toEqual([
      `nsclient.web1.disk./ 91 ${seconds}
nsclient.web1.disk.free 1536 ${seconds}
nsclient.web1.disk.status 1 ${seconds}
nsclient.web2.example.org.host_check.status 0 ${seconds + 1}
`,
    ]);
  });

  it("has the paths and parts that the settings ask for", async () => {
    const { carbon, sender } = await graphite({ path: "a.%(check_alias).${perf_alias}", "send status": "false" });
    await sender.send([disk("x|'b c'=1")], never);
    await carbon.ended(1);
    expect(carbon.received).toEqual([`a.disk.b_c 1 ${seconds}\n`]);
  });

  it("of results without anything to send connects nowhere and says so", async () => {
    const { carbon, sender } = await graphite({ "send status": "false" });
    expect(await sender.send([disk("no measurements")], never)).toEqual([
      { kind: "delivered", text: "No performance data to send" },
    ]);
    expect(carbon.received).toEqual([]);
  });

  it("leaves out a value that no receiver takes, and logs it", async () => {
    const { carbon, sender, log } = await graphite({ path: "${perf_alias}" });
    await sender.send([disk(`x|'${"y".repeat(20_000)}'=1 'z'=2`)], never);
    await carbon.ended(1);
    expect(carbon.received).toEqual([`z 2 ${seconds}\nnsclient.web1.disk.status 0 ${seconds}\n`]);
    expect(log.of("warn")).toEqual([`test: Graphite takes no such value, it is left out: ${"y".repeat(200)} = 1`]);
  });

  it("goes through TLS to a receiver whose certificate is trusted, and not to another", async () => {
    const terms = { now: Date.now(), days: 1 };
    const authority = await makeAuthority(terms);
    const pair = await makeServerPair(authority, ["127.0.0.1"], terms);
    const folder = temporaryFolder("graphite");
    onTestFinished(folder.remove);
    const ca = join(folder.path, "ca.pem");
    writeFileSync(ca, authority.certificate);
    const options = { tls: { cert: pair.certificate, key: pair.privateKey } };
    const { carbon, sender } = await graphite({ ssl: "true", ca }, options);
    expect(await sender.send([disk("x")], never)).toEqual([{ ...presumably, text: `${presumably.text} (TLS)` }]);
    await carbon.ended(1);
    expect(carbon.received).toEqual([`nsclient.web1.disk.status 0 ${seconds}\n`]);
    const distrustful = await graphite({ ssl: "true" }, options);
    await expect(distrustful.sender.send([disk("x")], never)).rejects.toThrow(
      `127.0.0.1:${distrustful.carbon.port}: unable to verify the first certificate`,
    );
    const trusting = await graphite({ ssl: "true", "verify mode": "none" }, options);
    expect(await trusting.sender.send([disk("x")], never)).toHaveLength(1);
    expect(trusting.log.of("warn")).toEqual([expect.stringContaining("verify mode = none")]);
  });
});

describe("a batch to a Graphite that is in trouble", () => {
  it("fails when nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.close();
    await once(server, "close");
    const { sender } = relaySender(graphiteProtocol, { host: "127.0.0.1", port });
    await expect(sender.send([disk("x")], never)).rejects.toThrow(`127.0.0.1:${port}: connect ECONNREFUSED`);
  });

  it("fails when the receiver hangs up before it has read", async () => {
    const { sender } = await graphite({}, { serve: (socket) => socket.resetAndDestroy() });
    await expect(sender.send([disk("x")], never)).rejects.toThrow(/ECONNRESET|before everything was written/);
  });

  it("fails when the receiver never closes, after the time-out", async () => {
    let hasRead = () => {};
    const read = new Promise<void>((resolve) => {
      hasRead = resolve;
    });
    const { sender, clock } = await graphite(
      { timeout: "5s" },
      {
        serve(socket) {
          socket.allowHalfOpen = true;
          socket.resume().once("end", hasRead);
        },
      },
    );
    const sent = sender.send([disk("x")], never);
    // Its end arrives over there about when it is known here that all is written.
    const failed = expect(sent).rejects.toThrow(
      /^127.*did not (close the connection|read what was written) within 5 s$/,
    );
    await read;
    clock.advance(5000);
    await failed;
  });

  it("ends with the gateway", async () => {
    const { carbon, sender } = await graphite({}, { serve: (socket) => socket.pause() });
    const controller = new AbortController();
    const sent = sender.send([disk("x")], controller.signal);
    controller.abort(new Error("the gateway ends"));
    await expect(sent).rejects.toThrow(`The connection to 127.0.0.1:${carbon.port} was ended: the gateway ends`);
  });

  it("what it says is read and means nothing", async () => {
    const { sender } = await graphite(
      {},
      {
        serve(socket) {
          socket.write("garbage ".repeat(100_000));
          socket.resume();
        },
      },
    );
    expect(await sender.send([disk("x")], never)).toEqual([presumably]);
  });
});
