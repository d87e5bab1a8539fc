import { spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot, run, temporaryFolder } from "../support/gateway-process.js";

const folder = temporaryFolder("shell");
const settings = join(folder.path, "nscp.ini");
const words = [
  ...[join(packageRoot, "bin", "nscp.js"), "test", "--settings", settings],
  ...["--path-override", `data-path=${folder.path}`],
];

beforeAll(() =>
  writeFileSync(
    settings,
    `[/modules]
CheckHelpers = enabled

[/settings/default]
password = hidden

[/settings/check helpers/alias]
greet = check_ok "message=hello $ARG1$"
`,
  ),
);
afterAll(() => folder.remove());

const first = "L        cli Type help for what can be typed here, exit to end.\n";

/** What the shell says to these lines, without the log. */
async function shell(...lines: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(process.execPath, [...words, "--log", "error"], {
    stdin: lines.join("\n"),
  });
  expect([code, stderr, stdout.slice(0, first.length)]).toEqual([0, "", first]);
  return stdout.slice(first.length).split("\n").slice(0, -1);
}

describe("nscp test", () => {
  it("runs the lines that are piped into it, in order, and ends with them", async () => {
    expect(await shell("check_warning", 'check_critical "message=a b"', "greet you", "no_such_check")).toEqual([
      "L        cli WARNING: No message",
      "L        cli CRITICAL: a b",
      "L        cli OK: hello you",
      "L        cli UNKNOWN: Unknown command(s): no_such_check",
    ]);
  });

  it("ends at exit", async () => {
    expect(await shell("exit", "check_ok")).toEqual([]);
  });

  it("takes only whole words for its commands", async () => {
    expect(await shell("loadavg", "settingsx", '"open')).toEqual([
      "L        cli UNKNOWN: Unknown command(s): loadavg",
      "L        cli UNKNOWN: Unknown command(s): settingsx",
      'L        cli a " is not closed: "open',
    ]);
  });

  it("shows settings without secrets", async () => {
    expect(await shell("settings")).toEqual([
      "L        cli /modules/CheckHelpers=enabled",
      'L        cli /settings/check helpers/alias/greet=check_ok "message=hello $ARG1$"',
      "L        cli /settings/default/password=***",
    ]);
  });

  it("loads, lists, describes and unloads modules", async () => {
    const lines = await shell(
      "load NoSuch",
      "load GRPCClient",
      "plugins",
      "unload GRPCClient",
      "unload GRPCClient",
      "desc check_ok",
    );
    expect(lines.filter((line) => !line.startsWith("E"))).toEqual([
      "L        cli Failed to load module: NoSuch",
      "L        cli GRPCClient loaded successfully...",
      ...lines.filter((line) => /^L {8}cli \[[X ]\] /.test(line)),
      "L        cli GRPCClient unloaded successfully...",
      "L        cli Failed to unload module: GRPCClient",
      ...lines.filter((line) => /^L {8}cli (check_ok:| {2})/.test(line)),
    ]);
    expect(lines.filter((line) => line.startsWith("L        cli [X]")).map((line) => line.split(" - ")[0])).toEqual([
      "L        cli [X] CheckHelpers (check helpers)",
      "L        cli [X] GRPCClient (grpc-client)",
    ]);
  });

  it("switches modules on and off in the settings", async () => {
    const copy = readFileSync(settings, "utf8");
    expect(await shell("enable grpcclient", "disable CheckHelpers", "enable nothing")).toEqual([
      `L        cli GRPCClient is enabled in ini://${settings}`,
      `L        cli CheckHelpers is disabled in ini://${settings}`,
      "L        cli Failed to enable module: there is no nothing",
    ]);
    expect(readFileSync(settings, "utf8")).toMatch(/CheckHelpers = disabled\n[^[]*GRPCClient = enabled\n/);
    writeFileSync(settings, copy);
  });

  it("runs until a signal when it was started without any input, and logs at debug", async () => {
    const nothing = openSync("/dev/null", "r");
    const child = spawn(process.execPath, words, { stdio: [nothing, "pipe", "inherit"] });
    let output = "";
    await new Promise<void>((resolve) => {
      child.stdout?.on("data", (chunk) => {
        output += chunk;
        if (output.includes("Type help")) resolve();
      });
    });
    expect(output).toContain("D       core CheckHelpers loaded as check helpers\n");
    child.kill("SIGTERM");
    expect(await new Promise((resolve) => child.once("exit", (code) => resolve(code)))).toBe(0);
  });
});
