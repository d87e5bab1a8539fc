import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeNrpeQuery } from "../../src/wire/nrpe/packet.js";
import { checkNrpe, lackOf, nrpeDaemon } from "../../test/peers/peers.js";
import { cpuSeconds } from "../../test/support/process-figures.js";
import type { Pace } from "../compare.js";
import { type BenchServer, startRestFloor } from "../servers.js";
import { median, percentile } from "../statistics.js";
import type { DoorLoad, DoorRound } from "./client.js";
import { type DoorGateway, password, startDoorGateway, text } from "./gateway.js";
import { startNrpeDaemon } from "./nrpe-daemon.js";

/** What one server came to, beside the one that it is compared with. */
export interface DoorRow {
  readonly what: string;
  readonly server: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server for one answer, in microseconds; nothing for one whose processes come and go. */
  readonly cpuMicroseconds?: number;
  /** By the first server of its group, a pair of rounds each; nothing for that one. */
  readonly ratios: readonly number[];
  readonly goal?: number;
}

export interface DoorFigures {
  /** Nothing when Debian's programs are not on this machine, or nobody asked. */
  readonly nrpe: readonly DoorRow[] | undefined;
  readonly rest: readonly DoorRow[] | undefined;
}

/** The two that can be measured each by itself. */
export const doorNames = ["nrpe", "rest"] as const;
export type DoorName = (typeof doorNames)[number];

/** Connections of NRPE and of HTTP at a time. `nrpe` has room for five that wait, and others try again after a second. */
export const widths = { nrpe: 4, rest: 32 } as const;

/** Answers `OK: ` and the text, so its answer has four bytes more. */
const dummy = "/usr/lib/nagios/plugins/check_dummy";

/** Runs of check_nrpe in a round. */
const runs = 100;

/** Servers that do the same work, the one that the others are compared with first. */
interface Group {
  readonly what: string;
  readonly sides: readonly {
    readonly server: string;
    readonly goal?: number;
    /** The process of the server, when it is only one. */
    readonly pid?: number;
    readonly load: Omit<DoorLoad, "width" | "milliseconds">;
  }[];
}

export async function measureDoors(
  { pairs, roundMs, warmUpMs }: Pace,
  wanted: readonly DoorName[],
  profileFolder: string | undefined,
  progress: (text: string) => void,
): Promise<DoorFigures> {
  const gateway = await startDoorGateway(profileFolder);
  const client = fork(fileURLToPath(new URL("./client.ts", import.meta.url)), {
    execArgv: ["--import", "jiti/register"],
  });
  const measure = async (groups: readonly Group[], width: number) => {
    const rows: DoorRow[] = [];
    for (const group of groups) {
      rows.push(...(await measureGroup(client, group, { width, pairs, roundMs, warmUpMs })));
      for (const { server, ratios } of rows.slice(1 - group.sides.length)) {
        progress(`${group.what}, ${server}: ${median(ratios).toFixed(2)} of ${group.sides[0]?.server}`);
      }
    }
    return rows;
  };
  try {
    const lack = lackOf(nrpeDaemon) ?? lackOf(checkNrpe);
    if (lack !== undefined && wanted.includes("nrpe")) progress(`NRPE is not measured: ${lack}`);
    const nrpe =
      wanted.includes("nrpe") && lack === undefined
        ? await withDaemons(gateway, async (daemons) => [
            ...(await measure(nrpeGroups(gateway, daemons), widths.nrpe)),
            ...(await measurePrograms(gateway, daemons, pairs)),
          ])
        : undefined;
    const rest = wanted.includes("rest")
      ? await withRestFloor(gateway, async (floor) => measure(await restGroups(gateway, floor), widths.rest))
      : undefined;
    return { nrpe, rest };
  } finally {
    client.disconnect();
    await gateway.stop();
  }
}

async function measureGroup(
  client: ChildProcess,
  { what, sides }: Group,
  { width, pairs, roundMs, warmUpMs }: Pace & { readonly width: number },
): Promise<DoorRow[]> {
  const measured = [];
  for (const side of sides) {
    const { answer } = await ask(client, { ...side.load, width: 1, milliseconds: 50 });
    await ask(client, { ...side.load, width, milliseconds: warmUpMs });
    measured.push({
      ...side,
      load: { ...side.load, expected: answer },
      rounds: [] as DoorRound[],
      cpu: [] as number[],
    });
  }
  for (let pair = 0; pair < pairs; pair++) {
    for (const { load, pid, rounds, cpu } of measured) {
      const before = pid === undefined ? 0 : cpuSeconds(pid);
      const round = await ask(client, { ...load, width, milliseconds: roundMs });
      rounds.push(round);
      if (pid !== undefined) cpu.push(((cpuSeconds(pid) - before) / round.answers) * 1e6);
    }
  }
  const rates = measured.map(({ rounds }) => rounds.map(({ answers, seconds }) => answers / seconds));
  return measured.map(({ server, goal, rounds, cpu }, index) => ({
    what: index === 0 ? what : "",
    server,
    perSecond: median(rates[index] ?? []),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    ratios: index === 0 ? [] : (rates[index] ?? []).map((rate, pair) => rate / (rates[0]?.[pair] ?? Number.NaN)),
    ...(cpu.length === 0 ? {} : { cpuMicroseconds: median(cpu) }),
    ...(goal === undefined ? {} : { goal }),
  }));
}

async function ask(client: ChildProcess, load: DoorLoad): Promise<DoorRound> {
  client.send(load);
  const [round] = (await once(client, "message")) as [DoorRound | { readonly problem: string }];
  if ("problem" in round) throw new Error(`Port ${load.port}: ${round.problem}`);
  return round;
}

interface Daemons {
  readonly plain: BenchServer;
  readonly certified: BenchServer;
  readonly anonymous: BenchServer;
}

async function withDaemons(
  { certificate, key }: DoorGateway,
  work: (daemons: Daemons) => Promise<DoorRow[]>,
): Promise<DoorRow[]> {
  const started: BenchServer[] = [];
  const start = async (tls: Parameters<typeof startNrpeDaemon>[0]["tls"]) => {
    const daemon = await startNrpeDaemon({
      commands: { check_waiting: `/bin/echo "${text}"`, check_dummy: `${dummy} 0 "${text}"` },
      tls,
    });
    started.push(daemon);
    return daemon;
  };
  try {
    return await work({
      plain: await start("plain"),
      certified: await start({ certificate, key }),
      anonymous: await start("anonymous"),
    });
  } finally {
    for (const daemon of started) await daemon.stop();
  }
}

function nrpeGroups({ ports, pid }: DoorGateway, { plain, certified, anonymous }: Daemons): Group[] {
  const load = (command: string, port: number, isSecured: boolean) => ({
    ...{ port, isSecured, keepsOpen: false },
    request: encodeNrpeQuery(command, { version: 4 }).toString("base64"),
  });
  const sides = (daemon: BenchServer, gatewayPort: number, isSecured: boolean) => [
    { server: "nrpe, /bin/echo", load: load("check_waiting", daemon.port, isSecured) },
    { server: "nrpe, check_dummy", load: load("check_dummy", daemon.port, isSecured) },
    { server: "gateway, built-in check", goal: 1, pid, load: load("check_waiting", gatewayPort, isSecured) },
    { server: "gateway, TypeScript function", goal: 1, pid, load: load("check_bench", gatewayPort, isSecured) },
  ];
  return [
    { what: "plain", sides: sides(plain, ports.plain, false) },
    { what: "TLS 1.3, the same certificate", sides: sides(certified, ports.secured, true) },
    {
      what: "nrpe as it is installed: anonymous TLS 1.2",
      sides: [
        {
          server: "nrpe, /bin/echo",
          load: { ...load("check_waiting", anonymous.port, true), ciphers: "ADH:@SECLEVEL=0" },
        },
        { server: "gateway, TLS 1.3, built-in check", pid, load: load("check_waiting", ports.secured, true) },
      ],
    },
  ];
}

/** Whole runs of check_nrpe, one behind the other, as many as the fork of the poller allows. */
async function measurePrograms(
  { ports }: DoorGateway,
  { plain, certified }: Daemons,
  pairs: number,
): Promise<DoorRow[]> {
  const rows: DoorRow[] = [];
  for (const [what, words, daemonPort, gatewayPort] of [
    ["runs of check_nrpe, plain", ["-n"], plain.port, ports.plain],
    ["runs of check_nrpe, TLS 1.3", [], certified.port, ports.secured],
  ] as const) {
    const sides = [
      { server: "nrpe, /bin/echo", port: daemonPort, rounds: [] as number[][] },
      { server: "gateway, built-in check", port: gatewayPort, rounds: [] as number[][] },
    ];
    for (let pair = 0; pair < Math.ceil(pairs / 3); pair++) {
      for (const { port, rounds } of sides) rounds.push(await runPrograms(words, port));
    }
    const rates = sides.map(({ rounds }) =>
      rounds.map((times) => runs / (times.reduce((sum, time) => sum + time, 0) / 1000)),
    );
    rows.push(
      ...sides.map(({ server, rounds }, index) => ({
        what: index === 0 ? what : "",
        server,
        perSecond: median(rates[index] ?? []),
        p50Ms: median(rounds.map((times) => percentile(times, 0.5))),
        p99Ms: median(rounds.map((times) => percentile(times, 0.99))),
        ratios: index === 0 ? [] : (rates[index] ?? []).map((rate, pair) => rate / (rates[0]?.[pair] ?? Number.NaN)),
      })),
    );
  }
  return rows;
}

/** Milliseconds of each run. */
async function runPrograms(words: readonly string[], port: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    const child = spawn(
      checkNrpe.find() ?? "",
      [...words, "-H", "127.0.0.1", "-p", String(port), "-c", "check_waiting"],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`check_nrpe ended with ${code}`);
    times.push(performance.now() - began);
  }
  return times;
}

/** Routes with the name of a check in them. */
const restRoutes = ["/api/v2/queries/:name/commands/execute", "/query/:name"] as const;

/** A check of a module, and one of the same behind an alias with arguments, which is two checks to the gateway. */
const restChecks = { own: "check_ok", alias: "check_waiting" } as const;

function restPath(route: string, check: string = restChecks.own): string {
  return route.replace(":name", check);
}

async function withRestFloor(
  { ports }: DoorGateway,
  work: (floor: BenchServer) => Promise<DoorRow[]>,
): Promise<DoorRow[]> {
  const answers: Record<string, unknown> = {};
  for (const route of restRoutes) {
    const path = restPath(route);
    const answer = await fetch(`http://127.0.0.1:${ports.web}${path}`, { headers: { password } });
    if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
    answers[route] = await answer.json();
  }
  const floor = await startRestFloor(answers);
  try {
    return await work(floor);
  } finally {
    await floor.stop();
  }
}

async function restGroups({ ports, pid }: DoorGateway, floor: BenchServer): Promise<Group[]> {
  const login = await fetch(`http://127.0.0.1:${ports.web}/api/v2/login`, { headers: { password } });
  const { key } = (await login.json()) as { key: string };
  const load = (path: string, port: number, credentials: string) => ({
    ...{ port, isSecured: false, keepsOpen: true },
    request: Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${credentials}\r\n\r\n`).toString(
      "base64",
    ),
  });
  const token = `Authorization: Bearer ${key}`;
  return restRoutes.map((route) => {
    const path = restPath(route);
    return {
      what: route.replace(":name", "<q>"),
      sides: [
        { server: "bare fastify", pid: floor.pid, load: load(path, floor.port, token) },
        { server: "gateway, token", goal: 0.6, pid, load: load(path, ports.web, token) },
        { server: "gateway, password", goal: 0.6, pid, load: load(path, ports.web, `Password: ${password}`) },
        { server: "gateway, token, an alias", pid, load: load(restPath(route, restChecks.alias), ports.web, token) },
      ],
    };
  });
}
