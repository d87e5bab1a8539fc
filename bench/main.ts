/**
 * `npm run bench`: every figure of the gateway beside that of a bare grpc-js server which does the same work on the wire,
 * from the same run. See docs/benchmarks.md for what came out.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { memoryByProcess } from "../test/support/process-figures.js";
import { measureColdStarts } from "./cold-start.js";
import { type Comparison, compare, type Pace } from "./compare.js";
import { type DoorName, doorNames, measureDoors } from "./doors/doors.js";
import { doorsHeading, renderDoors } from "./doors/report.js";
import { Poller } from "./load.js";
import { measureRelay, renderRelay } from "./relay/relay.js";
import { renderReport, type Section } from "./report.js";
import { type Scenario, scenarios } from "./scenarios.js";
import { startBenchGateway, startFloor } from "./servers.js";

const usage = `Usage: npm run bench -- [options]

  --quick         fewer and shorter rounds
  --no-start      without the cold starts
  --relay WHICH   on, off, or only: taking, keeping and delivering passive results (on)
  --only NAMES    just these, with commas between them; may be repeated: ${[...scenarios.map(({ name }) => name), ...doorNames].join(", ")}
  --tls WHICH     on, off or both (both)
  --json          all figures as JSON
  --write FILE    write the report into this file, too; of only ${doorNames.join(" and ")}, just their part of it
  --profile DIR   leave processor profiles of the gateway in this folder
  --help          this text
`;

/** What stands above the figures in the document. */
const introduction = `# Benchmarks

What \`npm run bench -- --write docs/benchmarks.md\` printed. Every figure stands beside its floor from the same run: a bare
grpc-js server with the same options that decodes the same requests and encodes answers of the same size. The poller sends
ready bytes over one connection and compares answers without decoding them, so that the server is what limits.

- **of floor** is calls per second by those of the floor, the median over pairs of rounds, with the lowest and the highest.
- **by cpu** is the same by processor time of the server with its script host, which a busy machine disturbs less.
- **alone** is with one call in flight, otherwise it is 64; with 100 payloads it is 2 calls, because a script host takes 256
  checks at a time.

Of passive results: a result counts as accepted when the gateway has flushed it to disk and answered; their floor is the same
bare server, which keeps nothing.
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    "no-start": { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    tls: { type: "string", default: "both" },
    relay: { type: "string", default: "on" },
    json: { type: "boolean", default: false },
    write: { type: "string" },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const { polls, doors } = choose(values.only.flatMap((names) => names.split(",")));
  const settings = { both: [true, false], on: [true], off: [false] }[values.tls];
  if (settings === undefined) throw new Error(`--tls is on, off or both, not ${values.tls}`);
  const pace: Pace = values.quick
    ? { pairs: 5, roundMs: 400, warmUpMs: 800 }
    : { pairs: 15, roundMs: 700, warmUpMs: 1500 };
  if (!["on", "off", "only"].includes(values.relay)) throw new Error(`--relay is on, off or only, not ${values.relay}`);
  if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
  const isRelayOnly = values.relay === "only";
  const withPolls = !isRelayOnly && polls.length > 0;
  const sections: Section[] = [];
  for (const tls of withPolls ? settings : []) sections.push(await runSection(tls, polls, pace));
  const coldStarts = values["no-start"] || !withPolls ? [] : await measureColdStarts(values.quick ? 3 : 9);
  const withDoors = !isRelayOnly && doors.length > 0;
  const doorFigures = withDoors ? await measureDoors(pace, doors, values.profile, progress) : undefined;
  const isDoorsOnly = withDoors && !withPolls;
  const withRelay = values.relay !== "off" && !isDoorsOnly;
  const relay = withRelay ? await measureRelay(pace, values.quick, progress) : undefined;
  const doorReport = doorFigures === undefined ? "" : renderDoors(doorFigures);
  const parts = [
    ...(isDoorsOnly ? [] : [renderReport(sections, coldStarts, pace)]),
    ...(doorFigures === undefined ? [] : [doorReport]),
    ...(relay === undefined ? [] : [renderRelay(relay)]),
  ];
  const report = parts.join("\n");
  const figures = { sections, coldStarts, doors: doorFigures, relay };
  process.stdout.write(values.json ? `${JSON.stringify(figures, withoutRequest, 2)}\n` : `\n${report}`);
  if (values.write === undefined) return;
  const isPart = isDoorsOnly && existsSync(values.write);
  const text = isPart
    ? withPart(readFileSync(values.write, "utf8"), doorsHeading, doorReport)
    : `${introduction}\n${report}`;
  writeFileSync(values.write, text);
}

/** What is to be measured: everything unless there are names. */
function choose(names: readonly string[]): { polls: readonly Scenario[]; doors: readonly DoorName[] } {
  if (names.length === 0) return { polls: scenarios, doors: doorNames };
  const doors = doorNames.filter((name) => names.includes(name));
  const polls = names
    .filter((name) => !doors.some((door) => door === name))
    .map((name) => {
      const scenario = scenarios.find((one) => one.name === name);
      if (scenario === undefined) throw new Error(`There is no scenario ${name}.\n${usage}`);
      return scenario;
    });
  return { polls, doors };
}

/** The document with this part of it anew: up to the next heading of its level, or behind everything else. */
function withPart(document: string, heading: string, part: string): string {
  const start = document.indexOf(`${heading}\n`);
  if (start < 0) return `${document.trimEnd()}\n\n${part}`;
  const end = document.indexOf("\n## ", start + heading.length);
  return document.slice(0, start) + part + (end < 0 ? "" : document.slice(end));
}

async function runSection(tls: boolean, chosen: readonly Scenario[], pace: Pace): Promise<Section> {
  const gateway = await startBenchGateway(tls, values.profile);
  const { certificates } = gateway;
  const before = memoryByProcess(gateway.pid);
  try {
    const floor = await startFloor(await answersOf(gateway.port, chosen), certificates);
    try {
      const comparisons: Comparison[] = [];
      for (const scenario of chosen) {
        const comparison = await compare(scenario, floor, gateway, certificates, pace);
        comparisons.push(comparison);
        progress(`${tls ? "TLS" : "no TLS"}, ${scenario.title}: ${comparison.ratio.toFixed(2)} of the floor`);
      }
      return { tls, comparisons, memory: { before, after: memoryByProcess(gateway.pid) } };
    } finally {
      await floor.stop();
    }
  } finally {
    await gateway.stop();
  }

  /** The floor answers with what the gateway would: the first payload of a command stands for all. */
  async function answersOf(port: number, asked: readonly Scenario[]): Promise<Map<string, Buffer>> {
    const poller = await Poller.open(port, certificates);
    const answers = new Map<string, Buffer>();
    for (const { request, command } of asked) answers.set(command, await poller.ask(request));
    poller.close();
    return answers;
  }
}

/** The figures come at the end and on standard output; what happens meanwhile is for whoever waits. */
function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function withoutRequest(key: string, value: unknown): unknown {
  return key === "request" ? undefined : value;
}
