import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot, run } from "../support/gateway-process.js";

const nscp = (...args: string[]) => run(process.execPath, [join(packageRoot, "bin", "nscp.js"), ...args]);

const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
const versionLine = `nscp-gateway, Version: ${version}, Platform: ${process.platform}-${process.arch}\n`;

const usage = `Usage: nscp <context> [options] [arguments]

Contexts:
  client        Run checks and commands and submit results, here or at a gateway somewhere else
  settings      Read, write and check the settings
  config        config check: say what is wrong with the settings, with file and line
  service       Run the gateway
  test          Run the gateway with a shell for trying things out
  status        Show how the running gateway is
  reload        Make the running gateway read its settings again
  queue         Look at what waits for receivers, try it again, drop or export it
  nrpe          Ask NRPE agents, also as check_nrpe; switch the NRPE server on
  py, python    Add, list and run scripts in Python
  node          Add, list and run scripts in TypeScript and JavaScript
  ext, ext-scr  ext --command NAME: run a command of a script, as client does
  unit          Run the tests of a script
  certs         Make certificates
  token         Make and list tokens for pollers
  web           Set the web server up, with its users and roles
  nsca          Submit results to NSCA
  nsca-ng       Submit results to NSCA-ng
  nrdp          Submit results to Nagios over HTTP (NRDP)
  icinga        Submit results to Icinga 2
  nagios        Submit results to Nagios on this machine
  graphite      Submit results to Graphite
  help          Show the options of all contexts
`;

const extUsage = "Usage: nscp ext --command NAME [arguments]\n";

const options = `Options:
  --help     show this
  --version  show the version
`;

describe("nscp", () => {
  it.each<[string[], number, string, string]>([
    [[], 1, usage, ""],
    [["--version"], 0, versionLine, ""],
    [["--help"], 1, `${options}\n${usage}`, ""],
    [["servce"], 1, usage, 'Invalid module specified: servce (did you mean "service"?)\n'],
    [["--debug", "settings"], 1, "", 'First option should be the "context": nscp <context>\n'],
    [["settings", "--version"], 1, versionLine, ""],
    [
      ["service", "--install"],
      0,
      '--install is unsupported on this system: let its service manager run "nscp service --run"\n',
      "",
    ],
    [["ext"], 3, extUsage, ""],
    [["ext", "--help"], 1, extUsage, ""],
    [
      ["ext-scr", "list"],
      3,
      extUsage,
      "There is no module CheckExternalScripts whose scripts could be managed; nscp py and nscp node manage those of the gateway.\n",
    ],
    [["client", "--exec", "a"], 1, "No module was specified...\n", ""],
    [["config", "chek"], 1, "", "Unknown action: chek\nUsage: nscp config check [options]\n"],
    [["config", "chek", "--no-stderr"], 1, "", ""],
    [["reload", "--nonsense"], 1, "", "error: unknown option '--nonsense'\n"],
    [
      ["test", "--log", "loud"],
      3,
      "",
      "Not a log level: loud (there are critical, error, warning, info, debug, trace, console, oneline, no-std-err)\n",
    ],
    [["client", "--query", "a", "--define", "nonsense"], 3, "", "Failed to parse: nonsense (write PATH:KEY=VALUE)\n"],
  ])("%j exits with %i", async (args, code, stdout, stderr) => {
    expect(await nscp(...args)).toEqual({ code, signal: null, stdout, stderr });
  });

  it.each(["client", "settings", "service", "test", "status", "reload", "unit"])(
    "shows the options of %s and exits with 1",
    async (context) => {
      const { code, stdout, stderr } = await nscp(context, "--help");
      expect([code, stdout.split(" [options]")[0], stderr]).toEqual([1, `Usage: nscp ${context}`, ""]);
      expect((await nscp("help", context)).stdout).toBe(stdout);
    },
  );

  it("shows the options of everything, then the contexts", async () => {
    const { code, stdout, stderr } = await nscp("help");
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout.endsWith(usage)).toBe(true);
    for (const option of ["--query <name>", "--validate", "--run", "--json"]) expect(stdout).toContain(option);
  });

  it("goes on when nobody reads what it writes", async () => {
    const { code, stderr } = await run("sh", [
      "-c",
      `{ "${process.execPath}" "${join(packageRoot, "bin", "nscp.js")}" help; echo "exit $?" >&2; } | true`,
    ]);
    expect([code, stderr]).toEqual([0, "exit 1\n"]);
  });
});
