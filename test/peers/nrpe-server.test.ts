import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeAuthority } from "../../src/security/certificates.js";
import { clientPair, longText, startNrpeServer } from "../modules/nrpe-server/nrpe-gateway.js";
import { run, startGateway, temporaryFolder } from "../support/gateway-process.js";
import { checkNrpe, needPeer } from "./peers.js";

/** The versions that check_nrpe can be told to speak; its own is 4. */
const versions = { v4: [], v3: ["-3"], v2: ["-2"] } as const;

/** Has check_nrpe ask. What it printed and its exit code: `0 OK|a=1`. */
async function ask(client: string, port: number, ...words: readonly string[]): Promise<string> {
  const done = await run(client, ["-H", "127.0.0.1", "-p", String(port), ...words]);
  return `${done.code} ${done.stdout}${done.stderr}`.trimEnd();
}

/** Files of a client certificate, as options of check_nrpe. */
async function certificateOptions(folder: string, name: string, issuer?: Awaited<ReturnType<typeof makeAuthority>>) {
  const { certificate, privateKey } = await clientPair(name, issuer);
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
  writeFileSync(cert, certificate);
  writeFileSync(key, privateKey, { mode: 0o600 });
  return ["-C", cert, "-K", key];
}

function certificateFolder(): string {
  const folder = temporaryFolder("check-nrpe");
  onTestFinished(() => folder.remove());
  return folder.path;
}

const numbers = "'time taken'=1.5s;2;3;0;10 'b'=7";
const ok = "0 OK: Größe 漢|'a'=1";

describe.each(Object.entries(versions))("check_nrpe with %s", (version, option) => {
  test.for([
    { how: "without TLS", lines: "use ssl = false", tls: ["-n"] },
    { how: "over TLS", lines: "", tls: [] },
  ])("$how gets states and texts as the checks give them", async ({ lines, tls }, context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer(lines);
    const answers = [];
    for (const words of [
      [],
      ["-c", "check_0"],
      ["-c", "check_1"],
      ["-c", "check_2"],
      ["-c", "check_3"],
      ["-c", "check_ok"],
      ["-c", "check_lines"],
      ["-c", "check_nothing"],
      ["-c", "nope"],
    ]) {
      answers.push(await ask(client, gateway.port, ...tls, ...option, ...words));
    }
    expect(answers).toEqual([
      "0 I (1.2.3) seem to be doing fine...",
      `0 state 0|${numbers}`,
      `1 state 1|${numbers}`,
      `2 state 2|${numbers}`,
      `3 state 3|${numbers}`,
      ok,
      "1 WARNING: two lines|'a'=1 'b'=2\nsecond\nthird",
      "0 No output from check_nothing",
      "3 Unknown command(s): nope",
    ]);
    // Each was asked once: nothing was retried with an older version.
    expect(gateway.asked).toHaveLength(7);
    expect((await gateway.metrics())["unreadable"]).toBe(0);
  });

  test("gets long answers byte for byte, as far as its version carries them", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    const room = version === "v2" ? 1023 : 65_535;
    const texts = { check_1k: "x".repeat(1024), check_60k: "0123456789abcdef".repeat(3750) };
    for (const [name, text] of Object.entries(texts)) {
      expect(await ask(client, gateway.port, ...option, "-c", name)).toBe(`0 ${text.slice(0, room)}`);
    }
    const long = (await ask(client, gateway.port, ...option, "-c", "check_long")).slice(2);
    expect(longText.startsWith(long)).toBe(true);
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(room);
    expect(Buffer.byteLength(long)).toBeGreaterThan(room - 30);
  });

  test("has arguments refused, allowed, or judged by rules", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer(
      "",
      "[/settings/NRPE/server/arguments]\ncheck_args = warning=percent [word...]",
    );
    const answers = [];
    for (const words of [
      ["check_ok", "-a", "x"],
      ["check_args", "-a", "warning=80%", "C:"],
      ["check_args", "-a", "warning=80%", "$(id)"],
    ]) {
      answers.push(await ask(client, gateway.port, ...option, "-c", ...words));
    }
    expect(answers).toEqual([
      "3 Exception processing request: Request contained arguments (not currently allowed, check the allow arguments option).",
      "0 <warning=80%> <C:>",
      '3 Exception processing request: The arguments of check_args are not allowed: argument 2, "$(id)", does not fit word: it has to be a word of letters, digits and _ . : @ + -, that does not begin with -.',
    ]);
    await gateway.reload("allow arguments = true");
    expect([
      await ask(client, gateway.port, ...option, "-c", "check_args", "-a", "one", "two words"),
      await ask(client, gateway.port, ...option, "-c", "check_args", "-a", "a|b"),
    ]).toEqual([
      "0 <one> <two words>",
      "3 Exception processing request: Request command contained illegal metachars (not currently allowed, check the allow nasty characters option).",
    ]);
  });

  test("gives up when its time is over, and the check is told", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    expect(await ask(client, gateway.port, ...option, "-t", "1:WARNING", "-c", "check_slow")).toBe(
      "1 CHECK_NRPE STATE WARNING: Socket timeout after 1 seconds.",
    );
    while (gateway.ended.length === 0) await new Promise(setImmediate);
    expect(gateway.ended).toEqual(["The caller went away."]);
  });
});

describe("check_nrpe", () => {
  test("with a payload of another size gets an answer of that size", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    const answers = [];
    for (const size of ["2048", "4096"]) {
      answers.push(await ask(client, gateway.port, "-2", "-P", size, "-c", "check_1k"));
    }
    expect(answers).toEqual(Array(2).fill(`0 ${"x".repeat(1024)}`));
  });

  test("gets no part of a longer answer by version 2 where extended responses are on", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("extended response = true");
    expect(await ask(client, gateway.port, "-2", "-c", "check_1k")).toContain(
      "3 CHECK_NRPE: Invalid packet type received",
    );
    expect(await ask(client, gateway.port, "-c", "check_1k")).toBe(`0 ${"x".repeat(1024)}`);
  });

  test.for(["TLSv1.2", "TLSv1.2+", "TLSv1+"])("with -S %s connects", async (floor, context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    expect(await ask(client, gateway.port, "-S", floor, "-c", "check_ok")).toBe(ok);
  });

  test("cannot connect with less than TLS 1.2, anonymously, or plainly to a port with TLS", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    const answers = [];
    for (const words of [["-S", "TLSv1"], ["-S", "TLSv1.1"], ["-S", "TLSv1.2", "-d", "2"], ["-n"]]) {
      answers.push(await ask(client, gateway.port, ...words, "-c", "check_ok"));
    }
    const failed = expect.stringMatching(/^2 .*Could not complete SSL handshake with 127\.0\.0\.1/);
    expect(answers).toEqual([failed, failed, failed, expect.stringMatching(/^3 /)]);
    expect(gateway.asked).toEqual([]);
  });

  test("of the time of NRPE 2 connects where legacy anonymous TLS names its host", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("legacy anonymous tls = true\nlegacy allowed hosts = 127.0.0.1");
    const answers = [];
    for (const words of [
      ["-2", "-S", "TLSv1", "-d", "2"],
      ["-2", "-S", "TLSv1.2", "-d", "2"],
      ["-d", "2"],
      ["-d", "0"],
      [],
    ]) {
      answers.push(await ask(client, gateway.port, ...words, "-c", "check_ok"));
    }
    expect(answers).toEqual(Array(5).fill(ok));
    const insecure = await startNrpeServer("insecure = true\ncertificate = ${certificate-path}/none.pem");
    expect(await ask(client, insecure.port, "-S", "TLSv1", "-d", "2", "-c", "check_ok")).toBe(ok);
    expect(await ask(client, insecure.port, "-c", "check_ok")).toBe(ok);
  });

  test("verifies the server's certificate when it is told to", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("");
    expect(await ask(client, gateway.port, "-A", join(gateway.folder, "ca.pem"), "-c", "check_ok")).toBe(ok);
  });

  test("is told why its certificate is not good enough", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("verify mode = peer-cert");
    const folder = certificateFolder();
    const known = await certificateOptions(folder, "poller1");
    const unknown = await certificateOptions(folder, "poller2");
    const untrusted = await certificateOptions(folder, "poller3", await makeAuthority({ now: Date.now(), days: 2 }));
    for (const tls of [[], ["-S", "TLSv1.2"]]) {
      const answers = [];
      for (const words of [known, unknown, untrusted, []]) {
        answers.push(await ask(client, gateway.port, ...tls, ...words, "-c", "check_ok"));
      }
      expect(answers).toEqual([
        ok,
        "3 Permission denied: CN=poller2 is not allowed to run queries.",
        "3 Permission denied: the client certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "3 Permission denied: a client certificate is required",
      ]);
    }
  });

  test("is told when a command takes too long", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startNrpeServer("timeout = 200ms");
    expect(await ask(client, gateway.port, "-c", "check_slow")).toBe("3 check_slow timed out after 0.2 s");
  });

  test("polls a gateway that was started as users start it", async (context) => {
    const client = needPeer(checkNrpe, context);
    const gateway = await startGateway({
      settings: `
[/modules]
NRPEServer = enabled
CheckHelpers = enabled
[/settings/NRPE/server]
port = 0
bind to = 127.0.0.1
[/settings/NRPE/server/arguments]
check_always_warning = text...
`,
    });
    try {
      const port = Number(/port (\d+) \(TLS\)/.exec(gateway.log)?.[1]);
      expect(await ask(client, port)).toMatch(/^0 I \(.+\) seem to be doing fine\.\.\.$/);
      expect(await ask(client, port, "-c", "check_always_warning", "-a", "check_ok")).toMatch(/^1 /);
      expect(await ask(client, port, "-c", "check_always_critical", "-a", "check_ok")).toMatch(
        /^3 Exception processing request/,
      );
    } finally {
      await gateway.stop();
    }
  });
});
