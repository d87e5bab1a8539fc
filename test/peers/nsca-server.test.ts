import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NscaResult } from "../../src/wire/nsca/packet.js";
import { startNscaServer } from "../modules/nsca-server/nsca-gateway.js";
import { run, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { needPeer, sendNsca } from "./peers.js";

/** Every method that Debian's send_nsca can be told. */
const methods = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 15, 16, 20, 23, 26];
/** Longer than any key but that of RC2. */
const password = "Grüße. The quick brown fox jumps over the lazy dog.";
const separator = "\x17";

interface Sending {
  readonly method: number;
  /** Packets with an output of 512 bytes, as up to NSCA 2.7. */
  readonly isLegacy: boolean;
  readonly results: readonly NscaResult[];
  readonly secret?: string;
}

/** Has send_nsca send results over one connection, and answers what it says. */
async function send(client: string, port: number, { method, isLegacy, results, secret = password }: Sending) {
  const folder = temporaryFolder("send-nsca");
  onTestFinished(() => folder.remove());
  const config = join(folder.path, "send_nsca.cfg");
  writeFileSync(config, `password=${secret}\nencryption_method=${method}\n`);
  const records = results.map(({ host, service, code, output }) =>
    [host, ...(service === "" ? [] : [service]), code, output].join("\t"),
  );
  const to = ["-H", "127.0.0.1", "-p", String(port), "-c", config];
  const done = await run(client, [...to, ...(isLegacy ? ["--legacy-2-7-mode"] : [])], {
    stdin: records.join(separator),
  });
  return `${done.code} ${done.stdout.trim()}${done.stderr.trim()}`;
}

/** What is sent with each method, with names that say with which. */
function resultsOf(method: number, size: number): NscaResult[] {
  // The client takes no record that is much longer than its packets.
  const long = "ä".repeat(size / 2 + 50);
  return [
    {
      host: `hôst-${method}`,
      service: `Größe, ${size}`,
      code: 2,
      output: `CRITICAL: 5 % frei; "Fuß"|'/ ü'=95%;80;90;0;100 b=1.5s`,
    },
    { host: `host-${method}-${size}`, service: "", code: 1, output: "PING slow" },
    { host: `host-${method}`, service: "several lines", code: 0, output: "first\nsecond; third\\n\nlast|x=1" },
    { host: `host-${method}`, service: "cut by the sender", code: 3, output: long },
  ];
}

/** How these arrive: the sender cuts at its last byte, which may be within a character. */
function rowsOf(method: number, size: number): string[] {
  const fitting = Math.floor((size - 1) / 2);
  return [
    `hôst-${method};Größe, ${size};2;CRITICAL: 5 % frei; "Fuß"|'/ ü'=95%;80;90;0;100 'b'=1.5s`,
    `host-${method}-${size};;1;PING slow`,
    `host-${method};several lines;0;first|'x'=1\nsecond; third\\n\nlast`,
    `host-${method};cut by the sender;3;${"ä".repeat(fitting)}`,
  ];
}

describe("send_nsca", () => {
  test("delivers with every method and both sizes, several results on a connection", async (context) => {
    const client = needPeer(sendNsca, context);
    const arrived = await Promise.all(
      methods.map(async (method) => {
        const gateway = await startNscaServer(`password = ${password}\nencryption = ${method}`);
        const said = await Promise.all(
          [512, 4096].map((size) =>
            send(client, gateway.port, { method, isLegacy: size === 512, results: resultsOf(method, size) }),
          ),
        );
        // The client ends before the gateway has read all of it.
        return { method, said, rows: (await gateway.results(8)).toSorted() };
      }),
    );
    for (const { method, said, rows } of arrived) {
      expect(said, `method ${method}`).toEqual(Array(2).fill("0 4 data packet(s) sent to host successfully."));
      expect(rows, `method ${method}`).toEqual([512, 4096].flatMap((size) => rowsOf(method, size)).toSorted());
    }
  });

  test("delivers many results over one connection, in their order", async (context) => {
    const client = needPeer(sendNsca, context);
    const gateway = await startNscaServer(`password = ${password}\nencryption = 14`);
    const results = Array.from({ length: 400 }, (_, index) => ({
      host: "h",
      service: `s${index}`,
      code: 0,
      output: "ok",
    }));
    await send(client, gateway.port, { method: 14, isLegacy: false, results });
    expect(await gateway.results(400)).toEqual(results.map(({ service }) => `h;${service};0;ok`));
    expect(gateway.submissions.length).toBeLessThan(400);
  });

  test("delivers nothing with another password or another method", async (context) => {
    const client = needPeer(sendNsca, context);
    const gateway = await startNscaServer(`password = ${password}\nencryption = 3`);
    const results = [{ host: "h", service: "s", code: 0, output: "ok" }];
    await send(client, gateway.port, { method: 3, isLegacy: false, results, secret: "other" });
    await send(client, gateway.port, { method: 14, isLegacy: true, results });
    await expect.poll(async () => (await gateway.metrics())["unreadable"]).toBe(2);
    expect(gateway.submissions).toEqual([]);
  });

  test("delivers to a gateway that was started as users start it", async (context) => {
    const client = needPeer(sendNsca, context);
    const gateway = await startGateway({
      certificates: false,
      settings: `
[/modules]
NSCAServer = enabled
[/settings/NSCA/server]
port = 0
bind to = 127.0.0.1
password = ${password}
inbox = log
`,
    });
    try {
      const port = Number(/port (\d+) \(encryption rijndael128, without TLS\)/.exec(gateway.log)?.[1]);
      const results = [{ host: "h", service: "disk", code: 1, output: "90 % belegt: Größe|a=1" }];
      expect(await send(client, port, { method: 14, isLegacy: false, results })).toBe(
        "0 1 data packet(s) sent to host successfully.",
      );
      await gateway.waitForLog(/disk: 90 % belegt: Größe"/);
    } finally {
      await gateway.stop();
    }
  });
});
