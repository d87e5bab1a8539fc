import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type GatewayProcess, startGateway } from "../support/gateway-process.js";

const settings = `[/modules]
CheckHelpers = enabled
GRPCServer = enabled

[/settings/check helpers/alias]
which = check_ok message=before

[/settings/GRPC/server]
port = 0
bind to = 127.0.0.1

[/settings/security/certificates]
CN:client = full
`;

const after = settings.replace("message=before", "message=after");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(text = settings): Promise<GatewayProcess> {
  const gateway = await startGateway({ settings: text });
  cleanups.push(() => gateway.stop("SIGKILL"));
  return gateway;
}

/** A port that another program has. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  cleanups.push(() => other.close());
  return (other.address() as AddressInfo).port;
}

/** Reloads with these settings, and says what `nscp reload` wrote and exited with. */
async function reloadWith(gateway: GatewayProcess, text: string) {
  writeFileSync(join(gateway.folder, "nscp.ini"), text);
  const { code, stdout, stderr } = await gateway.nscp("reload");
  return { code, stdout, stderr: stderr.replaceAll(gateway.folder, "") };
}

/** What the gateway answers on the port that it has had from the start. */
async function which(gateway: GatewayProcess): Promise<string> {
  const address = ["--address", `localhost:${gateway.port}`, "--ca", gateway.certificate("ca.pem")];
  const identity = ["--cert", gateway.certificate("client.pem"), "--key", gateway.certificate("client-key.pem")];
  const { stdout, stderr } = await gateway.nscp("client", ...address, ...identity, "--query", "which");
  return stdout + stderr;
}

const staying = "Nothing was reloaded; what runs stays as it is\n";

describe("a reload that a part of the gateway can refuse", () => {
  it("changes nothing when the port is taken, also for those that had taken the new settings", async () => {
    const gateway = await start();
    const port = await takenPort();
    expect(await reloadWith(gateway, after.replace("port = 0", `port = ${port}`))).toEqual({
      code: 3,
      stdout: "",
      stderr: `GRPCServer (grpc): Cannot listen on 127.0.0.1:${port}: another program listens there already.\n${staying}`,
    });
    expect(await which(gateway)).toBe("before\n");
    expect((await gateway.nscp("status")).code).toBe(0);
    expect(await reloadWith(gateway, after)).toEqual({ code: 0, stdout: "Reloaded\n", stderr: "" });
    expect(await which(gateway)).toBe("after\n");
  });

  it("changes nothing when a certificate is missing", async () => {
    const gateway = await start();
    const wrong = after.replace("port = 0", "port = 0\ncertificate = ${certificate-path}/other.pem");
    const { code, stderr } = await reloadWith(gateway, wrong);
    expect([code, stderr.split("\n").slice(-2).join("\n")]).toEqual([3, staying]);
    expect(stderr).toContain("/var/security/other.pem");
    expect(await which(gateway)).toBe("before\n");
  });

  it("changes nothing when the port for the metrics is taken", async () => {
    const gateway = await start();
    const port = await takenPort();
    const metrics = (value: number) => `${after}\n[/settings/metrics]\nport = ${value}\n`;
    for (const _attempt of ["first", "second"]) {
      const { code, stderr } = await reloadWith(gateway, metrics(port));
      expect(code).toBe(3);
      expect(stderr).toContain(`[/settings/metrics] can't listen on 127.0.0.1:${port}`);
    }
    expect(await which(gateway)).toBe("before\n");
    expect(await reloadWith(gateway, metrics(0))).toMatchObject({ code: 0, stdout: "Reloaded\n" });
    const [, address] = await gateway.waitForLog(/Metrics on (http:[^"]*)\/metrics/);
    const refused = await reloadWith(gateway, metrics(port));
    expect(refused.code).toBe(3);
    expect(await (await fetch(`${address}/health/ready`)).text()).toBe("ready\n");
  });

  it("loads no new module and takes none away when a new one can't run", async () => {
    const gateway = await start();
    const port = await takenPort();
    const second = `${after}\n[/settings/GRPC/second]\nport = ${port}\nbind to = 127.0.0.1\ncontrol socket = none\n`;
    const modules = "NodeScript = enabled\nsecond = GRPCServer\nGRPCServer = enabled";
    const { code, stderr } = await reloadWith(
      gateway,
      second.replace("CheckHelpers = enabled\nGRPCServer = enabled", modules),
    );
    expect([code, stderr]).toEqual([
      3,
      `GRPCServer (second): Cannot listen on 127.0.0.1:${port}: another program listens there already.\n${staying}`,
    ]);
    const { module } = JSON.parse((await gateway.nscp("status", "--json")).stdout);
    expect(module.map(({ alias }: { alias: string }) => alias)).toEqual(["check helpers", "grpc"]);
    expect(await which(gateway)).toBe("before\n");
  });

  it("moves a front end to another alias with the same port", async () => {
    const gateway = await start();
    const renamed = after
      .replace("GRPCServer = enabled", "door = GRPCServer")
      .replace("[/settings/GRPC/server]", "[/settings/GRPC/door]")
      .replace("port = 0", `port = ${gateway.port}`);
    writeFileSync(join(gateway.folder, "nscp.ini"), renamed);
    process.kill(gateway.pid, "SIGHUP");
    await gateway.waitForLog(/"message":"Reloaded"/);
    expect(await which(gateway)).toBe("after\n");
  });

  it("moves a front end to another address with the same port, and back when it can't be there", async () => {
    const gateway = await start();
    const at = (address: string) =>
      after.replace("port = 0\nbind to = 127.0.0.1", `port = ${gateway.port}\nbind to = ${address}`);
    expect(await reloadWith(gateway, at("192.0.2.1"))).toEqual({
      code: 3,
      stdout: "",
      stderr: `GRPCServer (grpc): Cannot listen on 192.0.2.1:${gateway.port}: this machine does not have the address.\n${staying}`,
    });
    expect(await which(gateway)).toBe("before\n");
    expect(await reloadWith(gateway, at(""))).toEqual({ code: 0, stdout: "Reloaded\n", stderr: "" });
    expect(await which(gateway)).toBe("after\n");
  });
});

describe("a configuration with errors that the gateway was started with", () => {
  const lacking = (text: string) => text.replace("[/modules]", "[/modules]\nCheckEventLog = enabled");

  it("is no reason to refuse what else is new", async () => {
    const gateway = await start(lacking(settings));
    expect(await which(gateway)).toBe("before\n");
    expect(await reloadWith(gateway, lacking(after))).toEqual({
      code: 1,
      stdout: "Reloaded\n",
      stderr: "There is no module CheckEventLog\n",
    });
    expect(await which(gateway)).toBe("after\n");
  });

  it("is one when an error is new", async () => {
    const gateway = await start(lacking(settings));
    const { code, stderr } = await reloadWith(gateway, lacking(after).replace("CheckHelpers = ", "CheckHelper = "));
    expect([code, stderr.split("\n")[0]]).toEqual([
      3,
      '/nscp.ini:3: error: [/modules] CheckHelper: there is no module CheckHelper (did you mean "CheckHelpers"?)',
    ]);
    expect(await which(gateway)).toBe("before\n");
  });
});
