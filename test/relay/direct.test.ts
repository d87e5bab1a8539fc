import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { BatchRefused, type SenderEnvironment } from "../../src/relay/relay.js";
import type { RelaySettings } from "../../src/relay/relay-settings.js";
import { RelayTargets } from "../../src/relay/targets.js";
import { openSettings } from "../../src/settings/open.js";
import { PathTokens } from "../../src/settings/paths.js";
import { readSettings } from "../../src/settings/read.js";
import { SettingsRegistry } from "../../src/settings/registry.js";
import type { QueryResponse, SubmitRequestMessage } from "../../src/wire/messages.js";
import { type Header, KeyValue, PB, StatusCode } from "../../src/wire/messages.js";
import { parseNagiosText } from "../../src/wire/nagios-text.js";
import { delivered, type FakeReceiver, fakeRelay, refused } from "../support/fake-relay.js";
import { incoming, poller, query, rows, submission } from "../support/kernel.js";
import { loadModule } from "../support/module-harness.js";

const oneTarget =
  "[/settings/FAKE/client]\nhostname = gw\n[/settings/FAKE/client/targets]\ndefault = mon.example.org\n";

async function load(ini = oneTarget, receiver?: FakeReceiver) {
  const { relay, sent, state } = fakeRelay(receiver);
  const parts = await loadModule(relay, ini);
  const submit = async (message: SubmitRequestMessage, call = incoming()) => {
    const pending = parts.core.submit("FAKE", message, call);
    const settled = { done: false };
    void pending.then(() => (settled.done = true)).catch(() => {});
    while (!settled.done) {
      await new Promise((resolve) => setImmediate(resolve));
      parts.clock.advance(5_000);
    }
    const { message: answer } = await pending;
    return answer.payload.map(({ result }) => {
      const data = result?.data ? ` (${result.data})` : "";
      return `${StatusCode[result?.code ?? -1]} ${result?.message}${data}`;
    });
  };
  return { ...parts, sent, state, submit };
}

const result = (text: string, more: Partial<QueryResponse> = {}): Partial<QueryResponse> => ({
  command: "check_load",
  lines: [parseNagiosText(text)],
  ...more,
});

describe("without a spool results go out while the caller waits", () => {
  test("the receiver's words are the answer", async () => {
    const { submit, sent } = await load();
    const answer = await submit(submission([result("fine|a=1"), result("bad", { alias: "Load", result: 2 })]));
    expect(answer).toEqual(["STATUS_OK thanks", "STATUS_OK thanks"]);
    expect(sent).toEqual(["mon.example.org:5667 gw;check_load OK fine|'a'=1 / gw;Load CRITICAL bad"]);
  });

  test("each result has an answer of its own", async () => {
    const receiver: FakeReceiver = (batch) =>
      batch.map((line) => (line.includes("bad") ? refused("no such host") : delivered()));
    const { submit } = await load(oneTarget, receiver);
    expect(await submit(submission([result("fine"), result("bad"), result("well")]))).toEqual([
      "STATUS_OK thanks",
      "STATUS_ERROR default: no such host",
      "STATUS_OK thanks",
    ]);
  });

  test("what fails is tried again, and nothing else", async () => {
    let calls = 0;
    const receiver: FakeReceiver = (batch) =>
      calls++ === 0 ? [delivered("first")] : batch.map(() => delivered("later"));
    const { submit, sent } = await load(oneTarget, receiver);
    expect(await submit(submission([result("a"), result("b"), result("c")]))).toEqual([
      "STATUS_OK first",
      "STATUS_OK later",
      "STATUS_OK later",
    ]);
    expect(sent.map((line) => line.split(" / ").length)).toEqual([3, 2]);
  });

  test("the retries come to an end", async () => {
    const ini = `${oneTarget}[/settings/FAKE/client/targets/default]\nretries = 2\n`;
    const receiver: FakeReceiver = () => {
      throw new Error("connect ECONNREFUSED");
    };
    const { submit, sent } = await load(ini, receiver);
    expect(await submit(submission([result("a")]))).toEqual(["STATUS_ERROR default: connect ECONNREFUSED"]);
    expect(sent).toHaveLength(3);
  });

  test("a result because of which a whole batch is refused does not stop the others", async () => {
    const receiver: FakeReceiver = (batch) => {
      if (batch.some((line) => line.includes("poison"))) throw new BatchRefused("400 Bad Request");
      return batch.map(() => delivered());
    };
    const { submit } = await load(oneTarget, receiver);
    expect(await submit(submission(["a", "b", "poison", "c", "d"].map((text) => result(text))))).toEqual([
      "STATUS_OK thanks",
      "STATUS_OK thanks",
      "STATUS_ERROR default: 400 Bad Request",
      "STATUS_OK thanks",
      "STATUS_OK thanks",
    ]);
  });

  test("a batch that takes too long is ended", async () => {
    const ini = `${oneTarget}[/settings/FAKE/client/targets/default]\nretries = 0\nbatch timeout = 4s\n`;
    const receiver: FakeReceiver = (_batch, _target, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("socket closed"))));
    const { submit } = await load(ini, receiver);
    expect(await submit(submission([result("a")]))).toEqual(["STATUS_ERROR default: The batch took longer than 4 s"]);
  });
});

describe("the host that a result is about", () => {
  const sender = (header: Partial<Header>) => submission([result("x", { alias: "a" })], header);
  test.each([
    { name: "nobody said", message: submission([result("x", { alias: "a" })]), host: "gw" },
    {
      name: "the payload",
      message: submission([result("x", { alias: "a", source: "web" })], { senderId: "s" }),
      host: "web",
    },
    { name: "the sender's id", message: sender({ senderId: "s" }), host: "s" },
    {
      name: "the entry of the sender",
      message: sender({ senderId: "s", hosts: [PB.Common.Host.create({ id: "s", host: "real" })] }),
      host: "real",
    },
  ])("$name", async ({ message, host }) => {
    const { submit, sent } = await load();
    await submit(message);
    expect(sent).toEqual([`mon.example.org:5667 ${host};a OK x`]);
  });
});

const threeTargets = `[/settings/FAKE/client]
hostname = gw
[/settings/FAKE/client/targets]
far = far.example.org:99
near = near.example.org
[/settings/FAKE/client/targets/default]
port = 7
password = secret
[/settings/FAKE/client/targets/v6]
address = [2001:db8::1]:8
host case = upper
`;

describe("targets", () => {
  const send = async (ini: string, header?: Partial<Header>, call = incoming()) => {
    const { submit, sent } = await load(ini);
    const answers = await submit(submission([result("x")], header), call);
    return [...sent.map((line) => line.replace(/;.*/, "")).sort(), ...answers];
  };

  test.each<{ name: string; header?: Partial<Header>; more?: string; expected: string[] }>([
    {
      name: "all of them when there is no default",
      expected: ["2001:db8::1:8 GW", "far.example.org:99 gw", "near.example.org:7 gw", "STATUS_OK thanks"],
    },
    {
      name: "those that the settings name",
      more: "[/settings/FAKE/client]\nsubmit to = near, V6\n",
      expected: ["2001:db8::1:8 GW", "near.example.org:7 gw", "STATUS_OK thanks"],
    },
    {
      name: "the default when it has an address",
      more: "[/settings/FAKE/client/targets/default]\naddress = d\n",
      expected: ["d:7 gw", "STATUS_OK thanks"],
    },
    {
      name: "the one that is named",
      header: { recipientId: "FAR" },
      expected: ["far.example.org:99 gw", "STATUS_OK thanks"],
    },
    {
      name: "several that are named, each once",
      header: { destinationId: "near,far, near" },
      expected: ["far.example.org:99 gw", "near.example.org:7 gw", "STATUS_OK thanks"],
    },
    {
      name: "one that there is not",
      header: { recipientId: "fra" },
      expected: ['STATUS_ERROR FakeClient has no target fra (did you mean "far"?)'],
    },
  ])("$name", async ({ header, more = "", expected }) => {
    expect(await send(threeTargets + more, header)).toEqual(expected);
  });

  test("an address from the header is used without the secrets of the settings", async () => {
    const seen: string[] = [];
    const { submit } = await load(threeTargets, (batch, { settings, host, port }) => {
      seen.push(`${host}:${port} ${settings.cipher} "${settings.password}"`);
      return batch.map(() => delivered());
    });
    const host = (metadata: Record<string, string>) =>
      PB.Common.Host.create({
        ...{ id: "near", address: "elsewhere:1" },
        metadata: Object.entries(metadata).map(([key, value]) => KeyValue.create({ key, value })),
      });
    const to = (metadata: Record<string, string>) =>
      submission([result("x")], { recipientId: "near", hosts: [host(metadata)] });
    expect(await submit(to({}))).toEqual(["STATUS_OK thanks"]);
    expect(await submit(to({ cipher: "des", password: "own" }))).toEqual(["STATUS_OK thanks"]);
    expect(await submit(to({ ciper: "des" }))).toEqual([
      'STATUS_ERROR Unknown option of a target: ciper (did you mean "cipher"?)',
    ]);
    expect(await submit(to({ "name-table": "/etc/shadow" }))).toEqual([
      "STATUS_ERROR name-table: files can't be named over a network",
    ]);
    expect(await submit(to({}), incoming({ principal: poller("submit:*") }))).toEqual(["STATUS_OK thanks"]);
    expect(seen).toEqual(['elsewhere:1 xor ""', 'elsewhere:1 des "own"', 'near.example.org:7 xor "secret"']);
  });

  test("a relay without any target says so", async () => {
    expect(await send("")).toEqual(["STATUS_ERROR FakeClient has no target to submit to"]);
  });

  test.each([
    { key: "cipher = rot13", message: "[/settings/FAKE/client/targets/x] cipher: there is no cipher rot13 for x" },
    {
      key: "address = a b",
      message: '[/settings/FAKE/client/targets/x] address: "a b" is neither host, host:port nor a URL',
    },
    {
      key: "host = other",
      message: "[/settings/FAKE/client/targets/x] host: it is other, and the address says h; give one of them",
    },
    { key: "failover = x", message: "[/settings/FAKE/client/targets/x] failover: x can't take over from itself" },
    {
      key: "failover = nope",
      message: "[/settings/FAKE/client/targets/x] failover: FakeClient has no target nope (there are x)",
    },
    {
      key: "host domain = add",
      message: "[/settings/FAKE/client/targets/x] domain: host domain = add needs the domain to add",
    },
  ])("a target with $key keeps the module from loading", async ({ key, message }) => {
    const { relay } = fakeRelay();
    const ini = `[/settings/FAKE/client/targets]\nx = h\n[/settings/FAKE/client/targets/x]\n${key}\n`;
    const { isLoaded, log } = await loadModule(relay, ini);
    expect(isLoaded).toBe(false);
    expect(log.of("error")).toEqual([`Failed to load module: FakeClient (fake-client): error: ${message}`]);
  });
});

describe("submit_fake_it", () => {
  const toFar = `${threeTargets}[/settings/FAKE/client]\nsubmit to = far\n[/settings/FAKE/client/handlers]
bad = submit_fake_it result=2 target=near
full = load --result 0 --message "all is well" --host elsewhere
`;
  const run = async (command: string, args: string[], call = incoming({ remote: false })) => {
    const { core, sent } = await load(toFar);
    const message = query([{ command, arguments: args }]);
    const text = rows(await core.query(message, call)).map((row) => row.split(" ").slice(2).join(" "));
    return [...sent, ...text];
  };

  test.each([
    {
      args: ["command=load", "result=2", "message=bad|a=1", "target=near"],
      expected: ["near.example.org:7 gw;load CRITICAL bad|'a'=1", "OK thanks"],
    },
    {
      args: ["--alias", "load", "--result", "warning", "--message=so so", "--host", "h", "--source-host", "me"],
      expected: ["h:7 me;load WARNING so so", "OK thanks"],
    },
    {
      args: ["--command", "host_check", "--result", "0", "--address", "h:9", "--use-tls", "--target", "far"],
      expected: ["h:9 gw; OK ", "OK thanks"],
    },
    {
      args: ["--batch", "a|0|fine", "--batch", "b|crit|x|p=2", "--port", "12", "--hostname", "me"],
      expected: ["far.example.org:12 me;a OK fine / me;b CRITICAL x|'p'=2", "OK thanks"],
    },
    { args: ["command=a", "password=x"], expected: ["far.example.org:99 gw;a UNKNOWN ", "OK thanks"] },
    { args: ["target=v6", "command=a", "dry-run"], expected: ["OK v6 (2001:db8::1:8): gw;a -> GW;a UNKNOWN "] },
    { args: ["target=no", "command=a"], expected: ["UNKNOWN FakeClient has no target no (there are far, near, v6)"] },
    {
      args: ["command=a", "host=h", "cipher=rot13"],
      expected: ["UNKNOWN default: cipher: there is no cipher rot13 for default"],
    },
  ])("$args", async ({ args, expected }) => {
    expect(await run("submit_fake_it", args)).toEqual(expected);
  });

  test.each([
    { args: ["result=0"], problem: "command is missing: the service, or host_check for the host itself" },
    { args: ["command=a", "result=bad"], problem: `result can't be "bad": give ok, warning, critical or unknown` },
    { args: ["command=a", "--mesage", "x"], problem: 'Unknown argument: --mesage (did you mean "message"?)' },
    { args: ["command=a", "--message"], problem: "message needs a value" },
    { args: ["batch=a|0"], problem: `batch can't be "a¦0": write command¦result¦message` },
  ])("$args is answered with the usage", async ({ args, problem }) => {
    const [answer = ""] = await run("submit_fake_it", args);
    expect(answer.split("\n").slice(0, 3)).toEqual([
      `UNKNOWN ${problem}`,
      "Submits passive results with FakeClient (submit_fake_it)",
      "Usage: submit_fake_it --command SERVICE --result STATE --message TEXT",
    ]);
  });

  test("help lists what there is", async () => {
    const [answer = ""] = await run("fake_it_submit", ["help"]);
    expect(answer.match(/--[a-z-]+(?= - )/g)).toEqual(
      ["command", "result", "message", "batch", "separator", "target", "hostname", "host-column", "dry-run"]
        .concat(["address", "host", "port", "timeout", "retries", "cipher", "password", "key-file", "use-tls"])
        .map((name) => `--${name}`),
    );
  });

  test("commands with stored arguments, which the caller's take the places of", async () => {
    expect(await run("bad", ["command=load"])).toEqual(["near.example.org:7 gw;load CRITICAL ", "OK thanks"]);
    expect(await run("full", ["--message", "not all"])).toEqual(["elsewhere:7 gw;load OK not all", "OK thanks"]);
  });

  test("who comes over a network needs a grant to name an address, and never has the secrets for it", async () => {
    const call = incoming({ principal: poller("queries.*") });
    expect(await run("submit_fake_it", ["command=a", "host=evil"], call)).toEqual([
      "UNKNOWN poller is not allowed to set host of a target: the grant targets.override is missing",
    ]);
    expect(await run("full", [], call)).toEqual(["elsewhere:7 gw;load OK all is well", "OK thanks"]);
    const granted = incoming({ principal: poller("queries.*", "targets.override") });
    expect(await run("submit_fake_it", ["command=a", "host=other", "key-file=/etc/shadow"], granted)).toEqual([
      "UNKNOWN key file: files can't be named over a network",
    ]);
  });

  test("a stored command that can't be read keeps the module from loading", async () => {
    const { relay } = fakeRelay();
    const ini = "[/settings/FAKE/client/handlers]\nx = submit_fake_it reslt=2\n";
    const { isLoaded, log } = await loadModule(relay, ini);
    expect(isLoaded).toBe(false);
    expect(log.of("error")).toEqual([
      'Failed to load module: FakeClient (fake-client): [/settings/FAKE/client/handlers] x: Unknown argument: reslt=2 (did you mean "result"?)',
    ]);
  });
});

describe("the place of what keeps a target from working", () => {
  const folder = mkdtempSync(join(tmpdir(), "targets-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    {
      name: "its section",
      line: 4,
      ini: "[/settings/FAKE/client/targets]\nx = h\n[/settings/FAKE/client/targets/x]\ncipher = rot13\n",
    },
    { name: "a line", line: 3, ini: "[/settings/FAKE/client/targets]\ny = h\nx = a b\n" },
    {
      name: "a template",
      line: 3,
      ini: "[/settings/FAKE/client/targets/t]\nis template = true\ncipher = rot13\n[/settings/FAKE/client/targets/x]\nparent = t\naddress = h\n",
    },
    {
      name: "the default",
      line: 2,
      ini: "[/settings/FAKE/client/targets/default]\ncipher = rot13\n[/settings/FAKE/client/targets]\nx = h\n",
    },
    { name: "where it stands if the key is nowhere", line: 1, ini: "[/settings/FAKE/client/targets/x]\nport = 5\n" },
    { name: "submit to", line: 2, ini: "[/settings/FAKE/client]\nsubmit to = no\n" },
  ])("$name", ({ line, ini }) => {
    const file = join(folder, "nscp.ini");
    writeFileSync(file, ini);
    const { relay } = fakeRelay();
    const paths = new PathTokens({ packageRoot: "/nowhere", dataPath: "/nowhere" });
    const store = openSettings({ context: file, paths, registry: new SettingsRegistry(), workingFolder: folder });
    const settings = readSettings(relay.settings, store, "client") as unknown as RelaySettings;
    const targets = () => {
      const made = new RelayTargets(relay.protocol, settings, store, "/settings/FAKE/client");
      for (const target of made.all) made.connect(target, {} as SenderEnvironment);
    };
    expect(targets).toThrow(new RegExp(`^${file}:${line}: error: `));
  });
});
