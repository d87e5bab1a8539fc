import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/gateway/system-clock.js";
import { GatewayError } from "../../../src/kernel/errors.js";
import nrpeClient from "../../../src/modules/nrpe-client/index.js";
import { PB, ResultCode } from "../../../src/wire/messages.js";
import { encodeNrpeResponse } from "../../../src/wire/nrpe/packet.js";
import { execution, incoming, poller, query, rows, submission } from "../../support/kernel.js";
import { loadModule } from "../../support/module-harness.js";
import { type AskedQuery, type Behaviour, NrpeAgents } from "../../support/nrpe-agents.js";

/** Agents that say which command was run, and the module with a target for each name. */
async function polled(
  settings: string,
  answer: (query: AskedQuery) => Behaviour | Promise<Behaviour> = ({ text }) => ({
    result: 1,
    text: `ran ${text}|x=1`,
  }),
) {
  const agents = await NrpeAgents.start(answer);
  onTestFinished(() => agents.stop());
  const ini = settings.replaceAll("PORT", String(agents.port));
  const loaded = await loadModule(nrpeClient, ini, { clock: systemClock });
  onTestFinished(() => loaded.modules.stopAll());
  expect(loaded.modules.list()[0]?.failure).toBe("");
  const ask = async (text: string, header?: Parameters<typeof query>[1], call = incoming()) =>
    rows(await loaded.core.query(query([text], header), call));
  return { agents, ask, ...loaded };
}

const plain = `
[/settings/NRPE/client/targets]
web1 = 127.0.0.1:PORT
web2 = 127.0.0.2:PORT
[/settings/NRPE/client/targets/default]
use ssl = false
cache time = 0
`;

describe("a query", () => {
  test("goes to the target that its arguments or its header name, with the arguments of the command", async () => {
    const { agents, ask } = await polled(plain);
    expect(await ask("check_nrpe target=web1 command=check_disk argument=/ warn=80 crit=90")).toEqual([
      "0 check_nrpe WARNING ran check_disk!/!warn=80!crit=90|'x'=1",
    ]);
    expect(await ask("check_load 1 2", { recipientId: "web2" })).toEqual([
      "0 check_load WARNING ran check_load!1!2|'x'=1",
    ]);
    expect(await ask("nrpe_query --target web1 --command a --argument -5 -- --b")).toEqual([
      "0 nrpe_query WARNING ran a!-5!--b|'x'=1",
    ]);
    expect(await ask("check_nrpe", { recipientId: "web1" })).toEqual(["0 check_nrpe WARNING ran _NRPE_CHECK|'x'=1"]);
    expect(agents.asked.map(({ agent }) => agent)).toEqual(["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.1"]);
  });

  test("of several payloads is passed on as it is by nrpe_forward", async () => {
    const { core } = await polled(plain);
    const message = query(["check_a 1", "check_b"], { command: "nrpe_forward", recipientId: "web2" });
    expect(rows(await core.query(message, incoming()))).toEqual([
      "0 check_a WARNING ran check_a!1|'x'=1",
      "0 check_b WARNING ran check_b|'x'=1",
    ]);
  });

  test("that a handler stores runs with what is stored, and callers add arguments and change nothing", async () => {
    const { ask } = await polled(`${plain}
[/settings/NRPE/client/handlers]
check_web_disk = check_nrpe target=web1 command=check_disk argument=/
check_web_load = check_load target=web1
`);
    const call = () => incoming({ principal: poller("queries.execute:check_web_*") });
    expect(await ask("check_web_disk warn=80", undefined, call())).toEqual([
      "0 check_web_disk WARNING ran check_disk!/!warn=80|'x'=1",
    ]);
    expect(await ask("check_web_load", undefined, call())).toEqual(["0 check_web_load WARNING ran check_load|'x'=1"]);
    const [refused = ""] = await ask("check_web_disk command=check_all", undefined, call());
    expect(refused.split("\n")[0]).toBe("0 check_web_disk UNKNOWN command is set already");
    expect(await ask("check_web_disk timeout=1s", undefined, call())).toEqual([
      "0 check_web_disk UNKNOWN Permission denied: poller is not allowed to set timeout of a target: the grant targets.override is missing",
    ]);
  });

  test("needs the grants of its target, and of an address of its own", async () => {
    const { agents, ask } = await polled(plain);
    const call = (...grants: string[]) => incoming({ principal: poller("queries.execute", ...grants) });
    const use = (target: string) => `Permission denied: poller is not allowed to use the target ${target}`;
    expect(await ask("check_nrpe target=web1", undefined, call())).toEqual([`0 check_nrpe UNKNOWN ${use("web1")}`]);
    expect(await ask("check_nrpe", undefined, call())).toEqual([`0 check_nrpe UNKNOWN ${use("default")}`]);
    expect(await ask("check_x", { recipientId: "web1" }, call())).toEqual([`0 check_x UNKNOWN ${use("web1")}`]);
    expect(await ask("check_nrpe target=web1 command=a", undefined, call("targets.use:web1"))).toEqual([
      "0 check_nrpe WARNING ran a|'x'=1",
    ]);
    const elsewhere = `check_nrpe address=127.0.0.3:${agents.port} command=a`;
    expect(await ask(elsewhere, undefined, call("targets.use"))).toEqual([
      "0 check_nrpe UNKNOWN Permission denied: poller is not allowed to set address of a target: the grant targets.override is missing",
    ]);
    expect(await ask(elsewhere, undefined, call("targets.override"))).toEqual(["0 check_nrpe WARNING ran a|'x'=1"]);
    expect(
      await ask("check_nrpe target=web1 certificate=/etc/passwd", undefined, call("targets.use", "targets.override")),
    ).toEqual(["0 check_nrpe UNKNOWN certificate: files can't be named over a network"]);
    expect(agents.asked).toHaveLength(2);
  });

  test("for a target that there is not says which there are", async () => {
    const { ask } = await polled(plain);
    expect(await ask("check_nrpe target=web3")).toEqual([
      `0 check_nrpe UNKNOWN NRPEClient has no target web3 (did you mean "web1"?)`,
    ]);
  });
});

describe("packets", () => {
  test("of version 4 come first, then those of 2, and what works is remembered", async () => {
    const { agents, ask } = await polled(plain, ({ version, text }) => (version === 2 ? { result: 0, text } : "close"));
    expect(await ask("check_nrpe target=web1 command=a")).toEqual(["0 check_nrpe OK a"]);
    expect(await ask("check_nrpe target=web1 command=b")).toEqual(["0 check_nrpe OK b"]);
    expect(agents.asked.map(({ version, text }) => `${version} ${text}`)).toEqual(["4 a", "2 a", "2 b"]);
  });

  test("of another version than was asked for are an answer when there is no other to try", async () => {
    const bytes = encodeNrpeResponse({ result: 3, text: "Exception processing request" }, { version: 2 });
    const { agents, ask } = await polled(`${plain}version = 4\n`, () => ({ bytes }));
    expect(await ask("check_nrpe target=web1 command=a")).toEqual([
      "0 check_nrpe UNKNOWN Exception processing request",
    ]);
    expect(agents.asked).toHaveLength(1);
  });

  test("may be several that make one answer", async () => {
    const parts = ["a".repeat(1023), "b".repeat(1023), "end|x=1"].map((text, index) =>
      encodeNrpeResponse({ result: 2, text }, { version: 2 }, index < 2 ? "more" : "response"),
    );
    const { ask } = await polled(`${plain}version = 2\n`, () => ({ bytes: Buffer.concat(parts) }));
    expect(await ask("check_nrpe target=web1 command=a")).toEqual([
      `0 check_nrpe CRITICAL ${"a".repeat(1023)}${"b".repeat(1023)}end|'x'=1`,
    ]);
  });

  test("that are too long, damaged or none at all say so with host and port", async () => {
    const { agents, ask } = await polled(`${plain}version = 2\nretries = 0\n`, ({ text }) => {
      if (text === "garbage") return { bytes: Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n") };
      const bytes = encodeNrpeResponse({ result: 0, text: "fine" }, { version: 2 });
      bytes[20] = 1;
      return { bytes };
    });
    const place = `127.0.0.1:${agents.port}`;
    expect(await ask("check_nrpe target=web1 command=garbage")).toEqual([
      `0 check_nrpe UNKNOWN ${place} answered with what is no answer of NRPE: a packet has version 21331 and none of 2, 3 and 4`,
    ]);
    expect(await ask("check_nrpe target=web1 command=damaged")).toEqual([
      `0 check_nrpe UNKNOWN ${place} answered with what is no answer of NRPE: a packet has a wrong CRC`,
    ]);
    expect(await ask(`check_nrpe target=web1 command=${"x".repeat(1024)}`)).toEqual([
      `0 check_nrpe UNKNOWN ${place}: the query is too long. A packet of version 2 has room for 1023 bytes and not for 1024.`,
    ]);
  });
});

describe("an agent that does not answer", () => {
  test("is asked again as often as retries say, a command only when it can't have run", async () => {
    const { agents, core, ask } = await polled(`${plain}version = 2\nretries = 2\n`, () => "close");
    const closed = `127.0.0.1:${agents.port} closed the connection without an answer: the agent may want TLS (use ssl = true), not take packets of version 2, arguments or these characters, or not allow this host`;
    expect(await ask("check_nrpe target=web1 command=a")).toEqual([`0 check_nrpe UNKNOWN ${closed}`]);
    expect(agents.asked).toHaveLength(3);
    const { message } = await core.execute(
      "",
      execution([{ command: "exec_nrpe", arguments: ["target=web1", "command=a"] }]),
      incoming(),
    );
    expect(message.payload.map(({ result, message: text }) => [result, text])).toEqual([[ResultCode.UNKNOWN, closed]]);
    expect(agents.asked).toHaveLength(4);
  });

  test("is given up when the time is over, with the time that was set", async () => {
    const { agents, ask } = await polled(`${plain}timeout = 200ms\n`, () => "hang");
    expect(await ask("check_nrpe target=web1 command=a")).toEqual([
      `0 check_nrpe UNKNOWN 127.0.0.1:${agents.port} did not answer within 0.2 s`,
    ]);
    await agents.idle();
  });

  test("is given up when its caller has gone, also as the target of a whole message", async () => {
    const { agents, ask } = await polled(plain, () => "hang");
    const deadline = systemClock.monotonic() + 200;
    const [answer = ""] = await ask("check_a", { recipientId: "web1" }, incoming({ deadline }));
    expect(answer.replace(/[\d.]+ s$/, "n s")).toBe(
      `0 check_a UNKNOWN 127.0.0.1:${agents.port} did not answer within the caller's n s`,
    );
    await agents.idle();
    const rest = incoming();
    const waiting = ask("check_nrpe target=web1 command=a", undefined, rest);
    await agents.until(2);
    rest.abort(new GatewayError("CANCELLED", "The caller has gone."));
    expect(await waiting).toEqual(["0 check_nrpe UNKNOWN check_nrpe was ended: The caller has gone."]);
    await agents.idle();
  });

  test("keeps no others waiting: of 1000 agents 100 hang, and 900 answers are there before the first time-out", async () => {
    const hangs = (agent: string) => agent.startsWith("127.0.9.");
    const { agents, core } = await polled(`${plain}timeout = 60s\n`, ({ agent, text }) =>
      hangs(agent) ? "hang" : { result: 0, text: `${agent} ${text}` },
    );
    const addresses = Array.from(
      { length: 1_000 },
      (_, index) => `127.0.${Math.floor(index / 100)}.${(index % 100) + 1}`,
    );
    const call = incoming();
    const ask = async (address: string) => {
      const one = query([`check_nrpe address=${address}:${agents.port} command=check_load`]);
      return { address, rows: rows(await core.query(one, call)) };
    };
    const hanging = addresses.filter(hangs).map(ask);
    await agents.until(100);
    const prompt = await Promise.all(addresses.filter((address) => !hangs(address)).map(ask));
    expect(prompt.filter(({ address, rows: [row] }) => row !== `0 check_nrpe OK ${address} check_load`)).toEqual([]);
    await agents.idle(100);
    expect([prompt.length, agents.open]).toEqual([900, 100]);
    call.abort(new GatewayError("CANCELLED", "The caller has gone."));
    await Promise.all(hanging);
    await agents.idle();
  });
});

test("an agent has no more connections at a time than it may have, and equal queries become one", async () => {
  const { agents, core, modules } = await polled(
    `${plain.replace("cache time = 0", "cache time = 1m")}max connections = 3\n`,
    async ({ text }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return { result: 0, text };
    },
  );
  const commands = Array.from({ length: 60 }, (_, index) => `check_nrpe target=web1 command=c${index % 20}`);
  const answers = rows(await core.query(query(commands), incoming()));
  expect(answers).toEqual(commands.map((_, index) => `0 check_nrpe OK c${index % 20}`));
  expect([agents.asked.length, agents.most <= 3]).toEqual([20, true]);
  await expect
    .poll(() => modules.list()[0]?.status.detail)
    .toEqual(["2 targets", "0 connections, 0 queries wait, 20 answers kept"]);
});

test("a submission runs the command that is called like its service, and needs the grant of the target", async () => {
  const { core, agents } = await polled(plain, ({ text }) =>
    text === "bad" ? { result: 3, text: "no such command" } : { result: 2, text: `ran ${text}` },
  );
  const submit = async (service: string, call = incoming()) => {
    const { message } = await core.submit("NRPE", submission([{ command: service }], { recipientId: "web1" }), call);
    return message.payload.map(
      ({ result }) => `${PB.Common.Result.StatusCodeType[result?.code ?? 2]} ${result?.message}`,
    );
  };
  expect(await submit("restart_web")).toEqual(["STATUS_OK ran restart_web"]);
  expect(await submit("bad")).toEqual(["STATUS_ERROR no such command"]);
  expect(await submit("restart_web", incoming({ principal: poller("submit") }))).toEqual([
    "STATUS_ERROR Permission denied: poller is not allowed to use the target web1",
  ]);
  expect(agents.asked).toHaveLength(2);
});

test("a target that has all keys of NSClient++ is polled", async () => {
  const { ask } = await polled(`
[/settings/NRPE/client/targets/default]
address = 127.0.0.1:PORT
timeout = 30
retries = 3
insecure = false
payload length = 1024
version = 2
use ssl = false
certificate format = PEM
allowed ciphers = ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH
dh = \${nrpe-dh}/nrpe_dh_2048.pem
verify mode = none
tls version = tlsv1.2+
encoding =
`);
  expect(await ask("check_nrpe command=Größe")).toEqual(["0 check_nrpe WARNING ran Größe|'x'=1"]);
});

test("agents that can be listened in on are named in the log once, also after a reload", async () => {
  const { log, modules, configure } = await polled(`
[/settings/NRPE/client/targets]
old1 = 127.0.0.1
old2 = 127.0.0.2
plain = 127.0.0.3
[/settings/NRPE/client/targets/default]
insecure = true
[/settings/NRPE/client/targets/plain]
use ssl = false
`);
  const warnings = () => log.records.filter((record) => record.startsWith("warn"));
  expect(warnings()).toEqual([
    "warn: [/settings/NRPE/client/targets] is polled without security (insecure = true): old1, old2. Somebody in between can read and change what is sent",
    "warn: [/settings/NRPE/client/targets] is polled without TLS (use ssl = false): plain. Somebody in between can read and change what is sent",
  ]);
  configure("[/settings/NRPE/client/targets/old1]\naddress = 127.0.0.1\ninsecure = true\n");
  expect(await modules.reload("NRPEClient")).toBe(true);
  expect(modules.list()[0]?.status.detail?.[0]).toBe("1 targets");
  expect(warnings()).toHaveLength(2);
});
