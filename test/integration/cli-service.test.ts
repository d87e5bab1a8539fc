import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type GatewayProcess, packageRoot, run, startGateway, temporaryFolder } from "../support/gateway-process.js";

const settings = `[/modules]
NodeScript = enabled
GRPCServer = enabled

[/settings/node/scripts]
sample = sample.js

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1
`;

/** A check that answers, and one that never does. */
const files = {
  "scripts/node/sample.js": `
import { Registry, status } from "nscp-gateway/script";
export function init(id) {
  const registry = Registry.get(id);
  registry.simpleFunction("check_one", () => [status.OK, "one", ""]);
  registry.simpleFunction("check_never", () => new Promise(() => {}));
}
`,
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(more: { settings?: string; arguments?: string[] } = {}): Promise<GatewayProcess> {
  const gateway = await startGateway({ settings, files, ...more });
  cleanups.push(() => gateway.stop("SIGKILL"));
  return gateway;
}

/** The records of the log, without what differs from run to run. */
function records(gateway: GatewayProcess): { level: string; sender: string; message: string }[] {
  return gateway.log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { level: string; sender: string; message: string });
}

describe("nscp service --run", () => {
  it("logs objects of JSON, says that it is ready, and ends with 0 after SIGTERM", async () => {
    const gateway = await start({ arguments: ["--name", "poller", "--pid", "gateway.pid"] });
    const pidFile = join(gateway.folder, "gateway.pid");
    expect(readFileSync(pidFile, "utf8")).toBe(`${gateway.pid}\n`);
    const ready = records(gateway).find(({ message }) => message.endsWith("is ready"));
    expect(ready).toMatchObject({ level: "info", sender: "core", pid: gateway.pid });
    expect(ready?.message).toMatch(/^poller \d+\.\d+\.\d+ is ready$/);
    process.kill(gateway.pid, "SIGTERM");
    expect(await gateway.exited).toEqual({ code: 0, signal: null });
    expect(
      records(gateway)
        .slice(-2)
        .map(({ message }) => message),
    ).toEqual(["Ending after SIGTERM", "Ended"]);
    expect(gateway.log.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
    expect(existsSync(pidFile)).toBe(false);
  });

  it("logs lines for people when asked to", async () => {
    const gateway = await start({ arguments: ["--log", "console"] });
    expect(gateway.log).toMatch(/^L {7}core nscp-gateway \d+\.\d+\.\d+ is ready$/m);
  });

  it("is shown by nscp status, and no longer when it has ended", async () => {
    const gateway = await start();
    const { code, stdout, stderr } = await gateway.nscp("status");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`process   ${gateway.pid}\n`);
    expect(stdout).toMatch(
      /\nNodeScript \(node\): running\n( {2}.*\n)* {2}host .*: running, process \d+, 0 restarts\n {4}scripts: sample\n/,
    );
    const json = JSON.parse((await gateway.nscp("status", "--json")).stdout);
    expect(json).toMatchObject({ pid: gateway.pid, serving: true });
    expect(json.module.map(({ name }: { name: string }) => name)).toEqual(["GRPCServer", "NodeScript"]);
    process.kill(gateway.pid, "SIGTERM");
    await gateway.exited;
    expect(await gateway.nscp("status")).toEqual({
      code: 3,
      signal: null,
      stdout: "",
      stderr: `No gateway runs with these settings: nothing answers on ${join(gateway.folder, "var", "control.sock")}\n`,
    });
  });

  it("takes changed settings when told to, by command and by SIGHUP", async () => {
    const gateway = await start();
    const file = join(gateway.folder, "nscp.ini");
    writeFileSync(file, `${settings}\n[/settings/log]\nlevel = debug\n`);
    expect(await gateway.nscp("reload")).toMatchObject({ code: 0, stdout: "Reloaded\n", stderr: "" });
    process.kill(gateway.pid, "SIGHUP");
    await gateway.waitForLog(/"message":"Reloaded"/);
    expect(await gateway.nscp("reload", "node")).toMatchObject({ code: 0, stdout: "Reloaded node\n", stderr: "" });
  });

  it("keeps what runs when the new settings are wrong, and says where they are", async () => {
    const gateway = await start();
    const file = join(gateway.folder, "nscp.ini");
    writeFileSync(file, settings.replace("port = 0", "port = many"));
    const reload = await gateway.nscp("reload");
    expect([reload.code, reload.stdout]).toEqual([3, ""]);
    expect(reload.stderr.split("\n").slice(1)).toEqual(["Nothing was reloaded; what runs stays as it is", ""]);
    expect(reload.stderr.startsWith(`${file}:9: error: [/settings/GRPC/server] port: `)).toBe(true);
    process.kill(gateway.pid, "SIGHUP");
    await gateway.waitForLog(/the running one stays/);
    const client = ["--address", `localhost:${gateway.port}`, "--ca", gateway.certificate("ca.pem")];
    const { code } = await gateway.nscp("client", ...client, "--query", "check_one");
    expect(code).toBe(3);
    expect((await gateway.nscp("status")).code).toBe(0);
  });

  it("says which module can't be reloaded", async () => {
    const gateway = await start();
    expect(await gateway.nscp("reload", "nothing")).toMatchObject({
      code: 3,
      stdout: "",
      stderr: "No module is loaded as nothing\nNothing was reloaded; what runs stays as it is\n",
    });
  });

  it("ends at once at the second signal", async () => {
    const gateway = await start({
      settings: `${settings}drain = 30s\n\n[/settings/security/certificates]\nCN:client = full\n`,
      arguments: ["--pid", "gateway.pid"],
    });
    const args = ["--ca", gateway.certificate("ca.pem"), "--cert", gateway.certificate("client.pem")];
    const waiting = gateway.nscp(
      "client",
      ...["--address", `localhost:${gateway.port}`, ...args, "--key", gateway.certificate("client-key.pem")],
      ...["--query", "check_never"],
    );
    const isAsked = async () => (await gateway.nscp("status")).stdout.includes("1 connection");
    while (!(await isAsked()));
    process.kill(gateway.pid, "SIGINT");
    await gateway.waitForLog(/Ending after SIGINT/);
    process.kill(gateway.pid, "SIGTERM");
    expect(await gateway.exited).toEqual({ code: 143, signal: null });
    expect(existsSync(join(gateway.folder, "gateway.pid"))).toBe(false);
    expect((await waiting).code).toBe(3);
  });

  it("serves its metrics and its health when a port is set", async () => {
    const gateway = await start({ settings: `${settings}\n[/settings/metrics]\nport = 0\n` });
    const [, address] = await gateway.waitForLog(/Metrics on (http:[^"]*)\/metrics/);
    expect((await gateway.nscp("client", "--query", "check_one")).code).toBe(0);
    const text = await (await fetch(`${address}/metrics`)).text();
    expect(text).toContain('\nnscp_module_up{module="GRPCServer",alias="grpc"} 1\n');
    expect(text).toMatch(/\nnscp_script_host_restarts_total\{alias="node",host="[^"]+"\} 0\n/);
    expect(await (await fetch(`${address}/health/ready`)).text()).toBe("ready\n");
  });

  it("writes its log to a file, and to a new one after SIGHUP", async () => {
    const log = "[/settings/log]\nfile name = ${log-path}/nscp.log\ndate format = %Y\n";
    const gateway = await start({ settings: `${settings}\n${log}` });
    const file = join(gateway.folder, "var", "nscp.log");
    renameSync(file, `${file}.old`);
    process.kill(gateway.pid, "SIGHUP");
    await gateway.waitForLog(/"message":"Reloaded"/);
    process.kill(gateway.pid, "SIGTERM");
    await gateway.exited;
    expect(readFileSync(`${file}.old`, "utf8")).toMatch(/^\d{4}: info: core: nscp-gateway \S+ is ready$/m);
    expect(readFileSync(file, "utf8")).toMatch(/^\d{4}: info: core: Reloaded\n(.*\n)*\d{4}: info: core: Ended\n$/);
  });

  it("exits with 4 and the reason when it can't start", async () => {
    const folder = temporaryFolder("service");
    cleanups.push(() => folder.remove());
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    cleanups.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const file = join(folder.path, "nscp.ini");
    writeFileSync(file, settings.replace("port = 0", `port = ${port}\nuse ssl = false`));
    const args = ["service", "--run", "--settings", file, "--path-override", `data-path=${folder.path}`];
    const failed = await run(process.execPath, [join(packageRoot, "bin", "nscp.js"), ...args], { cwd: folder.path });
    expect(failed.code).toBe(4);
    expect(failed.stderr).toContain(`127.0.0.1:${port}`);
    expect(failed.stderr.split("\n").length).toBe(2);
  });

  it("goes on when nobody reads its log any more", async () => {
    const folder = temporaryFolder("service");
    cleanups.push(() => folder.remove());
    const file = join(folder.path, "nscp.ini");
    writeFileSync(file, `${settings}use ssl = false\n`);
    const store = ["--settings", file, "--path-override", `data-path=${folder.path}`];
    const child: ChildProcess = spawn(
      process.execPath,
      [join(packageRoot, "bin", "nscp.js"), "service", "--run", ...store, "--log", "debug"],
      { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    await new Promise<void>((resolve) => {
      child.stdout?.on("data", (chunk) => {
        if (String(chunk).includes("is ready")) resolve();
      });
    });
    child.stdout?.destroy();
    const nscp = (...args: string[]) => run(process.execPath, [join(packageRoot, "bin", "nscp.js"), ...args, ...store]);
    for (const _ of [1, 2]) expect((await nscp("reload", "node")).code).toBe(0);
    expect((await nscp("status")).code).toBe(0);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});
