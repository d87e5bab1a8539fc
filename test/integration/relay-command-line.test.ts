import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startCarbon } from "../modules/graphite-client/carbon.js";
import { packageRoot, type RunOptions, run, startGateway, temporaryFolder } from "../support/gateway-process.js";

const folder = temporaryFolder("relay-cli");
afterAll(() => folder.remove());
const settings = join(folder.path, "nscp.ini");
writeFileSync(settings, "");
const here = ["--settings", settings, "--path-override", `data-path=${folder.path}`];

/** What `nscp graphite` printed, and its exit code. */
async function graphite(args: readonly string[], options: RunOptions = {}): Promise<[number | null, string, string]> {
  const words = [join(packageRoot, "bin", "nscp.js"), "graphite", ...here, ...args];
  const { code, stdout, stderr } = await run(process.execPath, words, options);
  return [code, stdout, stderr];
}

const presumably = "Data presumably sent successfully\n";
const withoutTimes = (received: readonly string[]) => received.map((text) => text.replace(/ \d+$/gm, ""));

describe("nscp graphite", () => {
  it("sends a result and prints what came of it", async () => {
    const carbon = await startCarbon();
    const place = ["--host", "127.0.0.1", "--port", String(carbon.port)];
    const result = ["--command", "disk", "--result", "warning", "--message", "91 %|'/'=91%", "--hostname", "web1"];
    expect(await graphite([...place, ...result])).toEqual([0, presumably, ""]);
    await carbon.ended(1);
    expect(withoutTimes(carbon.received)).toEqual(["nsclient.web1.disk./ 91\nnsclient.web1.disk.status 1\n"]);
  });

  it("takes words without dashes, and keys of the target", async () => {
    const carbon = await startCarbon();
    const words = [
      `address=127.0.0.1:${carbon.port}`,
      "alias=disk",
      "result=0",
      "message=x",
      "status-path=${check_alias}",
    ];
    expect(await graphite(words)).toEqual([0, presumably, ""]);
    await carbon.ended(1);
    expect(withoutTimes(carbon.received)).toEqual(["disk 0\n"]);
  });

  it("sends what stands on standard input, over one connection", async () => {
    const carbon = await startCarbon();
    const stdin = "web1;disk;1;91 %; really|a=1\n\n# two more\nweb2;load;0;fine\nweb3;host_check;0;first\\nsecond";
    const options = ["--batch", "-", "--host-column", "--separator", ";", "--address", `127.0.0.1:${carbon.port}`];
    expect(await graphite(options, { stdin })).toEqual([0, presumably, ""]);
    await carbon.ended(1);
    expect(withoutTimes(carbon.received)).toEqual([
      `nsclient.web1.disk.a 1
nsclient.web1.disk.status 1
nsclient.web2.load.status 0
nsclient.web3.host_check.status 0
`,
    ]);
  });

  it("sends nothing when a line can't be read, and names it", async () => {
    const place = ["--batch", "-", "--host", "127.0.0.1", "--port", "1"];
    expect(await graphite(place, { stdin: "disk|0|fine\nload|0\n" })).toEqual([
      3,
      "",
      "standard input:2: expected command|result|message\n",
    ]);
    expect(await graphite(place, { stdin: "" })).toEqual([3, "", "There is no result in standard input\n"]);
    const [code, stdout] = await graphite(place, { stdin: "disk|0|fine\nload|good|fine\n" });
    expect([code, stdout.split("\n")[0]]).toEqual([3, `result can't be "good": give ok, warning, critical or unknown`]);
  });

  it("exits with 3 when the receiver does not have it", async () => {
    const options = ["--host", "127.0.0.1", "--port", "1", "--retries", "0", "--command", "disk"];
    expect(await graphite(options)).toEqual([3, "default: 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n", ""]);
    const again = ["--host", "127.0.0.1", "--port", "1", "--retries", "1", "--command", "disk"];
    expect(await graphite(again)).toEqual([3, "default: 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n", ""]);
    expect(await graphite(["--command", "disk"])).toEqual([3, "GraphiteClient has no target to submit to\n", ""]);
  });

  it("without words says how it is used, with --help what it takes, and what a misspelt option may have meant", async () => {
    const [code, stdout] = await graphite([]);
    expect([code, stdout.split("\n")[0]]).toEqual([
      3,
      "Usage: nscp graphite --host <host> --command <service> --result <state> --message <text>",
    ]);
    const [helpCode, help] = await graphite(["--help"]);
    expect(helpCode).toBe(1);
    expect(help).toMatch(/--queue[\s\S]*--command[\s\S]*--batch[\s\S]*--dry-run[\s\S]*--status-path/);
    const [unknownCode, unknown] = await graphite(["--comand", "disk"]);
    expect([unknownCode, unknown.split("\n")[0]]).toEqual([3, `Unknown argument: --comand (did you mean "command"?)`]);
  });

  it("shows with --dry-run under which names results would go to the targets of the settings", async () => {
    mkdirSync(join(folder.path, "dry"), { recursive: true });
    const file = join(folder.path, "dry", "nscp.ini");
    writeFileSync(
      file,
      `[/settings/graphite/client]
submit to = one, two
[/settings/graphite/client/targets/one]
address = graphite.example
host domain = strip
[/settings/graphite/client/targets/two]
address = other.example:2004
host case = upper
`,
    );
    const options = ["--settings", file, "--dry-run", "--hostname", "web1.example.org", "--batch", "disk|1|91 %|a=1"];
    expect(await graphite(options)).toEqual([
      0,
      `one (graphite.example:2003): web1.example.org;disk -> web1;disk WARNING 91 %|'a'=1
two (other.example:2004): web1.example.org;disk -> WEB1.EXAMPLE.ORG;disk WARNING 91 %|'a'=1
`,
      "",
    ]);
  });
});

it("the guide of relays shows what a dry run prints", async () => {
  const guide = readFileSync(join(packageRoot, "docs", "relays.md"), "utf8");
  const sample = /```ini valid\n([^`]*service name template[^`]*)```/.exec(guide)?.[1] ?? "";
  const [, line = "", printed = ""] = /```\n\$ nscp (nrdp .*--dry-run)\n([^`]*)```/.exec(guide) ?? [];
  const file = join(folder.path, "names.ini");
  writeFileSync(file, sample, { mode: 0o600 });
  const [word = "", ...words] = line.split(" ");
  const command = [join(packageRoot, "bin", "nscp.js"), word, "--settings", file, ...words];
  expect((await run(process.execPath, command)).stdout).toBe(printed);
});

describe("nscp graphite --queue", () => {
  it("says clearly that no gateway runs, and what it can't do", async () => {
    expect(await graphite(["--queue", "--command", "disk", "--result", "0"])).toEqual([
      3,
      "",
      `No gateway runs with these settings: nothing answers on ${join(folder.path, "control.sock")}\n`,
    ]);
    expect(await graphite(["--queue", "--command", "disk", "--host", "graphite.example"])).toEqual([
      3,
      "",
      "--queue hands results to the running gateway: host is the gateway's business, name a --target of its\n",
    ]);
  });

  it("hands results to the gateway that runs, which sends them on", async () => {
    const carbon = await startCarbon();
    const gateway = await startGateway({
      settings: `
[/modules]
GRPCServer = enabled
GraphiteClient = enabled
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
[/settings/graphite/client]
channel = metrics
[/settings/graphite/client/targets/central]
address = 127.0.0.1:${carbon.port}
send metrics = false
`,
    });
    try {
      const words = ["--queue", "--target", "central", "--batch", "disk|1|91 %|a=1", "--hostname", "web1"];
      const { code, stdout, stderr } = await gateway.nscp("graphite", ...words);
      expect([code, stdout, stderr]).toEqual([0, "Submission successful (queued)\n", ""]);
      await carbon.ended(1);
      expect(withoutTimes(carbon.received)).toEqual(["nsclient.web1.disk.a 1\nnsclient.web1.disk.status 1\n"]);
      const refused = await gateway.nscp("graphite", "--queue", "--target", "centrl", "--command", "disk");
      expect([refused.code, refused.stdout]).toEqual([
        3,
        `GraphiteClient has no target centrl (did you mean "central"?)\n`,
      ]);
    } finally {
      await gateway.stop();
    }
  });
});
