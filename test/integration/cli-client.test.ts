import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type GatewayProcess,
  packageRoot,
  type RunOptions,
  run,
  startGateway,
  temporaryFolder,
} from "../support/gateway-process.js";

const command = join(packageRoot, "bin", "nscp.js");
const nscp = (args: readonly string[], options: RunOptions = {}) => run(process.execPath, [command, ...args], options);

/** What a command printed on standard output, and its exit code. */
async function answer(args: readonly string[], options: RunOptions = {}): Promise<[number | null, string, string]> {
  const { code, stdout, stderr } = await nscp(args, options);
  return [code, stdout, stderr];
}

const folder = temporaryFolder("client");
const settings = join(folder.path, "nscp.ini");
const here = ["--settings", settings, "--path-override", `data-path=${folder.path}`, "--log", "warning"];

const script = `
import { Registry, status } from "nscp-gateway/script";
export function init(id) {
  const registry = Registry.get(id);
  registry.simpleFunction("check_args", (args) => [status.WARNING, "args: " + JSON.stringify(args), "'n'=" + args.length + ";5;9"], "Shows its arguments");
  registry.simpleFunction("check_long", () => [status.OK, "first\\nsecond", "a=1"], "Two lines");
  registry.simpleCmdline("do_args", (args) => [2, "args: " + JSON.stringify(args)]);
  registry.simpleSubscription("inbox", (channel, source, command, code, message, perf) => {
    return message !== "refused";
  });
}
`;

const sections = `
[/modules]
NodeScript = enabled

[/settings/node/scripts]
sample = sample.js
`;

beforeAll(() => {
  mkdirSync(join(folder.path, "scripts", "node"), { recursive: true });
  writeFileSync(join(folder.path, "scripts", "node", "sample.js"), script);
  writeFileSync(settings, sections);
});
afterAll(() => folder.remove());

describe("nscp client on this machine", () => {
  it("runs checks for a user who may not read who may come in", async () => {
    // A folder can't be read as a file by anybody, root included.
    const closed = join(folder.path, "closed.ini");
    writeFileSync(closed, `${sections}\n[/settings/security]\ntoken file = ${folder.path}\n`);
    const there = ["--settings", closed, "--path-override", `data-path=${folder.path}`, "--log", "warning"];
    expect(await answer(["client", ...there, "--query", "check_args", "a"])).toEqual([
      1,
      `args: ["a"]|'n'=1;5;9\n`,
      "",
    ]);
    expect(await answer(["service", "--run", ...there])).toEqual([
      4,
      expect.stringContaining("The token file can't be read"),
      expect.stringContaining("The token file can't be read"),
    ]);
  });

  it("prints message and performance data, and exits with the state", async () => {
    expect(await answer(["client", ...here, "--query", "check_args", "a", "--b", "c d"])).toEqual([
      1,
      `args: ["a","--b","c d"]|'n'=3;5;9\n`,
      "",
    ]);
  });

  it("gives a check its arguments in order, whatever they look like", async () => {
    const args = [
      "-q",
      "Check_Args",
      "a",
      "--argument",
      "k=v=w",
      "-a",
      "flag",
      "--raw-argument",
      "r=s",
      "--unknown",
      "--",
      "--debug",
    ];
    expect(await answer(["client", ...here, ...args])).toEqual([
      1,
      `args: ["a","--unknown","--debug","--k","v=w","--flag","r","s"]|'n'=8;5;9\n`,
      "",
    ]);
  });

  it("prints further lines as long output", async () => {
    expect(await answer(["client", ...here, "--query", "check_long"])).toEqual([0, "first|'a'=1\nsecond\n", ""]);
  });

  it("says which check nobody has", async () => {
    expect(await answer(["client", ...here, "--query", "check_nothing"])).toEqual([
      3,
      "No handler for command: check_nothing\n",
      "",
    ]);
  });

  it("runs a command of whoever has it, or of the named module", async () => {
    expect(await answer(["client", ...here, "--command", "do_args", "x"])).toEqual([2, 'args: ["x"]\n', ""]);
    expect(await answer(["client", ...here, "--module", "NodeScript", "--exec", "do_args", "x"])).toEqual([
      2,
      'args: ["x"]\n',
      "",
    ]);
    expect(await answer(["client", ...here, "--module", "node", "do_args", "x"])).toEqual([2, 'args: ["x"]\n', ""]);
    expect(await answer(["client", ...here, "--command", "do_nothing"])).toEqual([
      1,
      "Command not found: do_nothing\n",
      "",
    ]);
  });

  it("says that a module is not there", async () => {
    expect(await answer(["client", ...here, "--module", "NodeScrip", "--query", "a"])).toEqual([
      3,
      "E       core Failed to load module: NodeScrip: there is no such module\n",
      'There is no module NodeScrip (did you mean "NodeScript"?)\n',
    ]);
  });

  it("runs a batch in one call, a line for each, and exits with the worst state", async () => {
    const stdin = '# two checks\ncheck_long\n\ncheck_args "a b" c\\ d\n';
    expect(await answer(["client", ...here, "--batch", "-"], { stdin })).toEqual([
      1,
      `first|'a'=1 second\nargs: ["a b","c d"]|'n'=2;5;9\n`,
      "",
    ]);
    const file = join(folder.path, "batch");
    writeFileSync(file, `${stdin}check_nothing\n`);
    expect((await answer(["client", ...here, "--batch", file]))[0]).toBe(3);
  });

  it("takes a batch as other systems save it, and says when there is nothing in it", async () => {
    const stdin = "\ufeffcheck_long\r\ncheck_args a\r\n";
    expect(await answer(["client", ...here, "--batch", "-"], { stdin })).toEqual([
      1,
      `first|'a'=1 second\nargs: ["a"]|'n'=1;5;9\n`,
      "",
    ]);
    expect(await answer(["client", ...here, "--batch", "-"], { stdin: "# nothing\n" })).toEqual([
      3,
      "",
      "There is no check in standard input\n",
    ]);
  });

  it("names the line of a batch that it does not understand", async () => {
    expect(await answer(["client", ...here, "--batch", "-"], { stdin: 'check_long\ncheck_args "a\n' })).toEqual([
      3,
      "",
      'standard input:2: a " is not closed: check_args "a\n',
    ]);
  });

  it("submits a result, or a file of them", async () => {
    const submit = ["client", ...here, "--submit", "--channel", "inbox"];
    expect(await answer([...submit, "--command", "svc", "--result", "critical", "--message", "down"])).toEqual([
      0,
      "Submission successful\n",
      "",
    ]);
    expect((await answer([...submit, "--command", "svc", "--result", "0", "--message", "refused"]))[0]).toBe(3);
    const stdin = "web1\tdisk\t1\tfull|'/'=91%;90;95\nweb2\t0\talive\n";
    expect(await answer([...submit, "--batch", "-"], { stdin })).toEqual([
      0,
      "Submission successful\nSubmission successful\n",
      "",
    ]);
    expect(await answer([...submit, "--command", "svc", "--result", "bad"])).toEqual([
      3,
      "",
      "Not a state: bad (there are 0 to 3, OK, WARNING, CRITICAL, UNKNOWN)\n",
    ]);
  });

  it("exits with 4 when the settings can't be read", async () => {
    writeFileSync(join(folder.path, "circle.ini"), "[/includes]\nme = circle.ini\n");
    const [code, stdout] = await answer(["client", "--settings", join(folder.path, "circle.ini"), "--query", "a"]);
    expect([code, stdout]).toEqual([4, ""]);
  });
});

describe("nscp client at a gateway somewhere else", () => {
  let gateway: GatewayProcess;
  const config = join(folder.path, "config");
  const remote = (...args: string[]) =>
    answer(["client", ...args], { env: { ...process.env, XDG_CONFIG_HOME: config } });

  beforeAll(async () => {
    gateway = await startGateway({
      settings: `${sections.replace("[/modules]", "[/modules]\nGRPCServer = enabled")}
[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
[/settings/security/certificates]
CN:client = full
`,
      files: { "scripts/node/sample.js": script },
    });
    mkdirSync(join(config, "nscp-gateway"), { recursive: true });
    writeFileSync(
      join(config, "nscp-gateway", "client.ini"),
      `[monitored.example.org]
address = localhost:${gateway.port}
ca = ${gateway.certificate("ca.pem")}
cert = ${gateway.certificate("client.pem")}
key = ${gateway.certificate("client-key.pem")}
timeout = 20
[misspelt]
address = localhost
certificat = x
`,
    );
  });
  afterAll(() => gateway?.stop());

  const tls = () => [
    ...["--address", `localhost:${gateway.port}`],
    ...["--ca", gateway.certificate("ca.pem")],
    ...["--cert", gateway.certificate("client.pem")],
    ...["--key", gateway.certificate("client-key.pem")],
  ];

  it("prints the same text and exits with the same code as on the machine itself", async () => {
    expect(await remote(...tls(), "--query", "check_args", "a")).toEqual([1, `args: ["a"]|'n'=1;5;9\n`, ""]);
    expect(await remote(...tls(), "--command", "do_args", "a")).toEqual([2, 'args: ["a"]\n', ""]);
    expect(await remote(...tls(), "--query", "check_nothing")).toEqual([3, "Unknown command(s): check_nothing\n", ""]);
    expect(
      await remote(...tls(), "--submit", "--channel", "inbox", "--command", "svc", "--result", "OK", "--message", "up"),
    ).toEqual([0, "Submission successful\n", ""]);
  });

  it("finds the gateway by its name in client.ini", async () => {
    expect(await remote("--target", "monitored.example.org", "--query", "check_long")).toEqual([
      0,
      "first|'a'=1\nsecond\n",
      "",
    ]);
    expect((await remote("--target", "misspelt", "--query", "a")).slice(0, 2)).toEqual([
      3,
      `${config}/nscp-gateway/client.ini, [misspelt]: there is no key certificat (did you mean "certificate"?)\n`,
    ]);
  });

  it("finds the gateway by its name in the settings", async () => {
    const file = join(folder.path, "targets.ini");
    writeFileSync(
      file,
      `[/settings/GRPC/client/targets/default]
ca = ${gateway.certificate("ca.pem")}
certificate = ${gateway.certificate("client.pem")}
certificate key = ${gateway.certificate("client-key.pem")}
[/settings/GRPC/client/targets/mine]
address = localhost:${gateway.port}
`,
    );
    expect(await remote("--settings", file, "--target", "mine", "--query", "check_long")).toEqual([
      0,
      "first|'a'=1\nsecond\n",
      "",
    ]);
    expect(await remote("--settings", file, "--target", "nobody", "--query", "a")).toEqual([
      3,
      `There is no target nobody; looked into ${config}/nscp-gateway/client.ini, /etc/nscp-gateway/client.ini, [/settings/GRPC/client/targets]\n`,
      "",
    ]);
  });

  it("says in one line why it got no answer, and exits with 3", async () => {
    expect(await remote("--address", "127.0.0.1:1", "--query", "a")).toEqual([
      3,
      "Cannot reach 127.0.0.1:1: connection refused.\n",
      "",
    ]);
    expect(await remote("--address", "127.0.0.1:1", "--ca", "/nowhere", "--query", "a")).toEqual([
      3,
      "Cannot read the authorities (ca): ENOENT: no such file or directory, open '/nowhere'\n",
      "",
    ]);
    const [code, text] = await remote("--address", `localhost:${gateway.port}`, "--query", "a");
    expect([code, text.split("\n").length]).toEqual([3, 2]);
  });

  it("does not wait longer than it was told", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    expect(await remote("--address", `127.0.0.1:${port}`, "--timeout", "500ms", "--query", "a")).toEqual([
      3,
      `Cannot reach 127.0.0.1:${port} within 0.5 s.\n`,
      "",
    ]);
    silent.close();
  });
});
