import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nrpeDaemon } from "../../test/peers/peers.js";
import { freePort } from "../../test/support/free-port.js";
import { temporaryFolder } from "../../test/support/gateway-process.js";
import type { BenchServer } from "../servers.js";

export interface DaemonOptions {
  /** Command = the line of a plugin. */
  readonly commands: Readonly<Record<string, string>>;
  /** `plain`, `anonymous` as it is without a certificate, or the files of one for TLS 1.3. */
  readonly tls: "plain" | "anonymous" | { readonly certificate: string; readonly key: string };
}

/** Starts Debian's `nrpe` in the foreground, as the user that it becomes when it was root. */
export async function startNrpeDaemon({ commands, tls }: DaemonOptions): Promise<BenchServer> {
  const folder = temporaryFolder("nrpe");
  const port = await freePort();
  chmodSync(folder.path, 0o755);
  const configuration = join(folder.path, "nrpe.cfg");
  writeFileSync(configuration, [...lines(port, folder.path, tls), ...commandLines(commands)].join("\n"));
  const words = ["-c", configuration, "-f", ...(tls === "plain" ? ["-n"] : [])];
  const child = spawn(nrpeDaemon.find() ?? "", words, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  for (let tries = 0; !(await listens(port)); tries++) {
    if (child.exitCode !== null || tries > 200)
      throw new Error(`nrpe does not listen; it ended with ${child.exitCode}`);
    await sleep(50);
  }
  return {
    pid: child.pid ?? 0,
    port,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      folder.remove();
    },
  };
}

function lines(port: number, folder: string, tls: DaemonOptions["tls"]): string[] {
  const base = [
    "server_address=127.0.0.1",
    `server_port=${port}`,
    `pid_file=${join(folder, "nrpe.pid")}`,
    "nrpe_user=nobody",
    "nrpe_group=nogroup",
    "allowed_hosts=127.0.0.1",
    "debug=0",
  ];
  if (typeof tls === "string") return base;
  // It reads them as the user that it becomes.
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  copyFileSync(tls.certificate, certificate);
  copyFileSync(tls.key, key);
  for (const file of [certificate, key]) chmodSync(file, 0o644);
  return [
    ...base,
    `ssl_cert_file=${certificate}`,
    `ssl_privatekey_file=${key}`,
    "ssl_client_certs=0",
    "ssl_use_adh=0",
    "ssl_version=TLSv1.2+",
  ];
}

function commandLines(commands: DaemonOptions["commands"]): string[] {
  return Object.entries(commands).map(([name, line]) => `command[${name}]=${line}`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
