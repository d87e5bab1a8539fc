import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/gateway/system-clock.js";
import { connectGateway } from "../../src/modules/grpc-client/gateway-client.js";
import nrpeClient from "../../src/modules/nrpe-client/index.js";
import { createCertificates } from "../../src/security/certificate-files.js";
import { packageRoot, run, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { incoming, query, rows } from "../support/kernel.js";
import { loadModule } from "../support/module-harness.js";
import { NrpeDaemon } from "./nrpe-daemon.js";
import { checkNrpe, needPeer, nrpeDaemon } from "./peers.js";

const commands = {
  ok: `/bin/echo "fine, 5 % used|'/ x'=5%;80;90;0;100"`,
  lines: `/usr/bin/printf 'first|a=1\\nsecond\\nthird|b=2\\n'`,
  warning: "/bin/echo warning; exit 1",
  critical: "/bin/echo critical; exit 2",
  bad: "/bin/echo bad; exit 77",
  empty: "/bin/true",
  slow: "/bin/sleep 20",
  big: "/usr/bin/head -c 60000 /dev/zero | /usr/bin/tr '\\0' x",
};

const folder = temporaryFolder("nrpe-client");
afterAll(() => folder.remove());
const file = (name: string) => join(folder.path, name);
beforeAll(async () => {
  await createCertificates({ folder: folder.path, clients: ["poller"], now: Date.now() });
});

const servesCertificate = () => ({
  ssl_cert_file: file("certificate.pem"),
  ssl_privatekey_file: file("certificate_key.pem"),
  ssl_cacert_file: file("ca.pem"),
});

/** Our program under the name of theirs. */
function ours(): string {
  const link = file("check_nrpe");
  if (!existsSync(link)) symlinkSync(join(packageRoot, "bin", "nscp.js"), link);
  return link;
}

type Context = Parameters<typeof needPeer>[1];

async function daemonFor(context: Context, setup: Partial<Parameters<typeof NrpeDaemon.start>[1]> = {}) {
  const daemon = await NrpeDaemon.start(needPeer(nrpeDaemon, context), { commands, ...setup });
  onTestFinished(() => daemon.stop());
  return daemon;
}

/** Asks the daemon with these keys of the target; what came back is `STATE text`. */
async function asking({ port }: NrpeDaemon, keys: Readonly<Record<string, string | number>>) {
  const lines = Object.entries({ address: `127.0.0.1:${port}`, "cache time": 0, ...keys });
  const ini = `[/settings/NRPE/client/targets/web1]\n${lines.map(([key, value]) => `${key} = ${value}\n`).join("")}`;
  const { core, modules } = await loadModule(nrpeClient, ini, { clock: systemClock });
  expect(modules.list()[0]?.failure).toBe("");
  onTestFinished(() => modules.stopAll());
  const ask = async (...words: readonly string[]) =>
    rows(await core.query(query(words, { recipientId: "web1" }), incoming())).map((row) => row.replace(/^0 \S* /, ""));
  return ask;
}

const answers = [
  "OK fine, 5 % used|'/ x'=5%;80;90;0;100",
  "OK first|'a'=1 'b'=2\nsecond\nthird",
  "WARNING warning",
  "CRITICAL critical",
  "UNKNOWN bad",
  "UNKNOWN NRPE: Unable to read output",
  "UNKNOWN NRPE: Command 'nothing' not defined",
];
const asked = ["ok", "lines", "warning", "critical", "bad", "empty", "nothing"];

describe("our client reads what NRPE's daemon answers", () => {
  test.for([
    ["packets of version 4 and 2, found out, over anonymous TLS", {}, { insecure: "true" }],
    ["packets of version 4 over anonymous TLS", {}, { insecure: "true", version: 4 }],
    ["packets of version 2 over anonymous TLS", {}, { insecure: "true", version: 2 }],
    ["in plain", { useSsl: false }, { "use ssl": "false" }],
    ["in plain with version 2", { useSsl: false }, { "use ssl": "false", version: 2 }],
  ] as const)("%s", async ([, setup, keys], context) => {
    const ask = await asking(await daemonFor(context, setup), keys);
    expect(await ask(...asked)).toEqual(answers);
  });

  test("over TLS with a certificate, which is verified", async (context) => {
    const daemon = await daemonFor(context, { settings: servesCertificate() });
    const ask = await asking(daemon, { ca: file("ca.pem") });
    expect(await ask(...asked)).toEqual(answers);
    const stranger = await asking(daemon, { ca: file("ca.pem"), "server name": "another.example" });
    expect(await stranger("ok")).toEqual([
      expect.stringMatching(
        /^UNKNOWN 127\.0\.0\.1:\d+ shows a certificate for another host: .* \(server name, or verify mode = ca\)$/,
      ),
    ]);
    const chainOnly = { ca: file("ca.pem"), "server name": "another.example", "verify mode": "ca" };
    expect(await (await asking(daemon, chainOnly))("ok")).toEqual(answers.slice(0, 1));
    const others = temporaryFolder("other-ca");
    onTestFinished(others.remove);
    await createCertificates({ folder: others.path, clients: [], now: Date.now() });
    expect(await (await asking(daemon, { ca: join(others.path, "ca.pem") }))("ok")).toEqual([
      `UNKNOWN 127.0.0.1:${daemon.port} shows a certificate that can't be verified: self-signed certificate in certificate chain (ca, or insecure = true for agents without one that can)`,
    ]);
  });

  test("over TLS with a certificate of ours, and not without one", async (context) => {
    const daemon = await daemonFor(context, { settings: { ...servesCertificate(), ssl_client_certs: 2 } });
    const own = { certificate: file("poller.pem"), "certificate key": file("poller-key.pem") };
    expect(await (await asking(daemon, { ca: file("ca.pem"), ...own }))("ok")).toEqual(answers.slice(0, 1));
    expect(await (await asking(daemon, { ca: file("ca.pem"), retries: 0 }))("ok")).toEqual([
      expect.stringMatching(
        /^UNKNOWN 127\.0\.0\.1:\d+ refused TLS: .*certificate required \(certificate, certificate key\)$/,
      ),
    ]);
  });

  test("and without insecure no agent that shows no certificate", async (context) => {
    const daemon = await daemonFor(context);
    expect(await (await asking(daemon, { ca: file("ca.pem") }))("ok")).toEqual([
      expect.stringMatching(
        /^UNKNOWN 127\.0\.0\.1:\d+ refused TLS: .*\(insecure = true for agents without a certificate, and for old ones\)$/,
      ),
    ]);
  });

  test("packets of version 3 and arguments are refused, and the answer says what may be the reason", async (context) => {
    const daemon = await daemonFor(context);
    const closed = (versions: string) =>
      `UNKNOWN 127.0.0.1:${daemon.port} closed the connection without an answer: the agent may not take packets of ${versions}, arguments or these characters, or not allow this host`;
    const third = await asking(daemon, { insecure: "true", version: 3, retries: 0 });
    expect(await third("ok")).toEqual([closed("version 3")]);
    const fourth = await asking(daemon, { insecure: "true", retries: 0 });
    expect(await fourth("ok with arguments")).toEqual([closed("versions 4 and 2")]);
  });

  test("60 kB over version 4, the beginning over version 2, and nothing when the time is over", async (context) => {
    const daemon = await daemonFor(context);
    const ask = await asking(daemon, { insecure: "true" });
    expect(await ask("big")).toEqual([`OK ${"x".repeat(60_000)}`]);
    const second = await asking(daemon, { insecure: "true", version: 2 });
    expect(await second("big")).toEqual([`OK ${"x".repeat(1023)}`]);
    const hasty = await asking(daemon, { insecure: "true", timeout: "1s" });
    expect(await hasty("slow")).toEqual([`UNKNOWN 127.0.0.1:${daemon.port} did not answer within 1 s`]);
  });
});

describe("nscp nrpe stands in for check_nrpe: the same words give the same output and exit code", () => {
  const table = [
    "",
    "-c ok",
    "-c lines",
    "-c warning",
    "-c critical",
    "-c bad",
    "-c empty",
    "-c nothing",
    "-c ok -a some -t 5",
    "-c ok words that are left out",
    "-cok",
    "--command=ok",
    "--comm ok -u",
    "-2 -c ok",
    "-3 -c ok",
    "-2 -P 4096 -c ok",
    "-P x -c ok",
    "-c big",
    "-2 -c big",
    "-d 0 -c ok",
    "-d 1 -c ok",
    "-d 2 -c ok",
    "-L AECDH@SECLEVEL=0 -c ok",
    "-L ADH -c ok",
    "-L nonsense -c ok",
    "-S TLSv1.1 -c ok",
    "-S TLSv1.2 -c ok",
    "-S TLSv1.2+ -c ok",
    "-S SSLv3 -c ok",
    "-4 -c ok",
    "-6 -c ok",
    "-s 31 -D -c ok",
    "-b 127.0.0.1 -c ok",
    "-b 192.0.2.1 -c ok",
    "-t 1 -c slow",
    "-t 1:WARNING -c slow",
    "-t 1:unknown -c slow",
    "-t 1:0 -c slow",
    "-t 1: -c slow",
    "-t 1x -c slow",
    "-t 1 -u -c slow",
    "-t 1:OK -u -c slow",
    "-u -t 1:OK -c slow",
    "-t 5:nonsense -c ok",
    "-t 0 -c ok",
    "-t -1 -c ok",
    "-t x -c ok",
    "-H localhost -c ok",
    "-H nowhere.invalid -c ok",
    "-p 1 -c ok",
    "-p 1 -u -c ok",
    "-p 1 -t 5:WARNING -c ok",
    "-p 1 -E -c ok",
  ];

  /** What both print, line by line of the table: first what is expected. */
  async function both(context: Context, daemon: NrpeDaemon, lines: readonly string[]) {
    const theirs = needPeer(checkNrpe, context);
    const expected = [];
    const actual = [];
    for (const line of lines) {
      const words = ["-H", "127.0.0.1", "-p", String(daemon.port), ...line.split(" ").filter((word) => word !== "")];
      const [one, other] = await Promise.all([run(theirs, words), run(ours(), words)]);
      expected.push({ line, ...one });
      actual.push({ line, ...other });
    }
    return { expected, actual };
  }

  test("for each of them", { timeout: 240_000 }, async (context) => {
    const { expected, actual } = await both(context, await daemonFor(context), table);
    expect(actual).toEqual(expected);
  });

  test("without TLS", { timeout: 60_000 }, async (context) => {
    const daemon = await daemonFor(context, { useSsl: false });
    const { expected, actual } = await both(context, daemon, ["-n -c ok", "-n -2 -c ok", "-n -3 -c ok", "-n -c big"]);
    expect(actual).toEqual(expected);
  });

  test("with certificates on both sides", { timeout: 60_000 }, async (context) => {
    const daemon = await daemonFor(context, { settings: { ...servesCertificate(), ssl_client_certs: 2 } });
    const own = `-C ${file("poller.pem")} -K ${file("poller-key.pem")}`;
    const lines = [`${own} -c ok`, `${own} -A ${file("ca.pem")} -c ok`, `${own} -2 -S TLSv1.2 -c ok`];
    const { expected, actual } = await both(context, daemon, lines);
    expect(actual).toEqual(expected);
  });

  test("wrong words give the same first lines and exit code, and our own help", async (context) => {
    const theirs = needPeer(checkNrpe, context);
    const lines = [
      "",
      "-H",
      "-H x -2 -3",
      "-H x -C y",
      "-H x -S foo",
      "-H x -d 7",
      "-H x -p 0",
      "-H x -q",
      "-H x --bogus",
      "-c x",
      "-h",
      "-V",
    ];
    for (const line of lines) {
      const words = line.split(" ").filter((word) => word !== "");
      const [expected, actual] = [await run(theirs, words), await run(ours(), words)];
      expect([line, actual.code]).toEqual([line, expected.code]);
    }
  });
});

test("nscp nrpe --host runs a query, prints what the agent says and exits with its state", async (context) => {
  const daemon = await daemonFor(context);
  const nscp = (...words: readonly string[]) =>
    run(join(packageRoot, "bin", "nscp.js"), [
      "nrpe",
      "--settings",
      "dummy",
      "--host",
      "127.0.0.1",
      "--port",
      String(daemon.port),
      ...words,
    ]);
  expect(await nscp("--insecure", "--command", "critical")).toEqual({
    code: 2,
    signal: null,
    stdout: "critical\n",
    stderr: "",
  });
  expect(await nscp("--insecure")).toEqual({ code: 0, signal: null, stdout: "NRPE v4.1.0\n", stderr: "" });
  expect(await nscp("--insecure", "--batch", "ok", "--batch", "warning")).toEqual({
    ...{ code: 1, signal: null, stderr: "" },
    stdout: "fine, 5 % used|'/ x'=5%;80;90;0;100\nwarning\n",
  });
});

test("one message over gRPC asks the daemon many times, with the answers in order", {
  timeout: 60_000,
}, async (context) => {
  const daemon = await daemonFor(context);
  const gateway = await startGateway({
    settings: `[/modules]
GRPCServer = enabled
NRPEClient = enabled
[/settings/GRPC/server]
port = 0
[/settings/NRPE/client/targets/web1]
address = 127.0.0.1:${daemon.port}
insecure = true
cache time = 0
`,
  });
  onTestFinished(() => gateway.stop().then(() => {}));
  const client = connectGateway({ socketPath: join(gateway.folder, "var", "control.sock"), timeoutMs: 30_000 });
  onTestFinished(() => client.close());
  const words = Array.from({ length: 200 }, (_, index) => ["ok", "warning", "critical", "bad"][index % 4] ?? "");
  const answer = await client.query(query(words, { recipientId: "web1" }));
  const expected = {
    ok: "OK fine, 5 % used|'/ x'=5%;80;90;0;100",
    warning: "WARNING warning",
    critical: "CRITICAL critical",
    bad: "UNKNOWN bad",
  };
  expect(rows(answer)).toEqual(words.map((word) => `0 ${word} ${expected[word as keyof typeof expected]}`));
});
