import { startGateway } from "../test/support/gateway-process.js";
import { Poller } from "./load.js";
import { benchScript, pythonBenchScript, requestOf } from "./scenarios.js";
import { median } from "./statistics.js";

/** How long a gateway takes to its first answer, by what it has to load. */
export interface ColdStart {
  readonly title: string;
  /** Milliseconds from the start of the process to the first answer. */
  readonly milliseconds: number;
}

interface Kind {
  readonly title: string;
  readonly settings: string;
  readonly files: Readonly<Record<string, string>>;
  readonly command: string;
}

/** Starts gateways that differ in their modules by turns. The medians; the first line is the floor of the others. */
export async function measureColdStarts(rounds: number): Promise<ColdStart[]> {
  const kinds: readonly Kind[] = [
    { title: "built-in checks", settings: "", files: {}, command: "check_ok" },
    {
      title: "one TypeScript script",
      settings: "NodeScript = enabled\n[/settings/node/scripts]\nbench = bench.ts",
      files: { "scripts/node/bench.ts": benchScript },
      command: "check_bench",
    },
    {
      title: "one Python script",
      settings: "PythonScript = enabled\n[/settings/python/scripts]\nbench = bench.py",
      files: { "scripts/python/bench.py": pythonBenchScript },
      command: "check_pybench",
    },
  ];
  const times = kinds.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { settings, files, command }] of kinds.entries()) {
      const started = performance.now();
      const gateway = await startGateway({
        settings: [coldStartSettings, settings].join("\n"),
        files,
        certificates: false,
      });
      const poller = await Poller.open(gateway.port, undefined);
      await poller.ask(requestOf(command, 1, ""));
      times[index]?.push(performance.now() - started);
      poller.close();
      await gateway.stop();
    }
  }
  return kinds.map(({ title }, index) => ({ title, milliseconds: median(times[index] ?? []) }));
}

const coldStartSettings = `
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
allowed hosts = 127.0.0.1
use ssl = false
verify mode = none

[/settings/security]
anonymous role = bench

[/settings/security/roles]
bench = queries.execute

[/modules]
CheckHelpers = enabled
GRPCServer = enabled`;
