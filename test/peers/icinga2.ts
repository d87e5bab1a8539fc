import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { run, temporaryFolder } from "../support/gateway-process.js";

/** The name that the daemon's certificate is for. */
export const icingaName = "icinga.example";

const configuration = `
include <itl>
const NodeName = "${icingaName}"
const ZoneName = NodeName
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = 0
}
object IcingaApplication "app" { enable_notifications = false }
object CheckerComponent "checker" { }
object ApiUser "gateway" {
  password = "Grüße: 1"
  permissions = [ "*" ]
}
object ApiUser "sender" {
  password = "secret"
  permissions = [ "Actions/process-*" ]
}
object ApiUser "reader" {
  password = "secret"
  permissions = [ "objects/query/*" ]
}
object ApiUser "certified" {
  client_cn = "gateway.example"
  permissions = [ "actions/process-check-result" ]
}
template Host "generic-host" {
  check_command = "passive"
  enable_active_checks = false
  max_check_attempts = 1
}
template Service "generic-service" { max_check_attempts = 1 }
template Service "quiet-service" {
  import "generic-service"
  check_command = "passive"
  enable_active_checks = false
}
object Host "web" { import "generic-host" }
object Service "load" {
  import "quiet-service"
  host_name = "web"
}
object Service "Größe; 100 %" {
  import "quiet-service"
  host_name = "web"
}
object Service "closed" {
  import "quiet-service"
  host_name = "web"
  enable_passive_checks = false
}
`;

/** Icinga 2's daemon with its API on a free port of the loopback interface, in a temporary folder. */
export class Icinga {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    readonly port: number,
  ) {}

  /** @param program the daemon's executable */
  static async start(program: string): Promise<Icinga> {
    const folder = temporaryFolder("icinga2");
    try {
      return await startIn(folder);
    } catch (thrown) {
      folder.remove();
      throw thrown;
    }

    async function startIn(place: typeof folder): Promise<Icinga> {
      const env = {
        ...process.env,
        ICINGA2_USER: userInfo().username,
        ICINGA2_GROUP: execFileSync("id", ["-gn"], { encoding: "utf8" }).trim(),
      };
      const own = (name: string) => join(place.path, name);
      for (const name of ["data/certs", "log", "cache", "spool", "run"]) mkdirSync(own(name), { recursive: true });
      writeFileSync(own("icinga2.conf"), configuration);
      const defines = [
        ...["-D", `DataDir=${own("data")}`, "-D", `LogDir=${own("log")}`, "-D", `CacheDir=${own("cache")}`],
        ...["-D", `SpoolDir=${own("spool")}`, "-D", `InitRunDir=${own("run")}`],
      ];
      const pki = async (...words: string[]) => {
        const done = await run(program, ["pki", ...words, ...defines], { env });
        if (done.code !== 0) throw new Error(`icinga2 pki ${words.join(" ")}: ${done.stdout}${done.stderr}`);
      };
      await pki("new-ca");
      copyFileSync(own("data/ca/ca.crt"), own("data/certs/ca.crt"));
      for (const name of [icingaName, "gateway.example"]) {
        const file = own(`data/certs/${name}`);
        await pki("new-cert", "--cn", name, "--key", `${file}.key`, "--csr", `${file}.csr`);
        await pki("sign-csr", "--csr", `${file}.csr`, "--cert", `${file}.crt`);
      }
      const words = ["daemon", "-c", own("icinga2.conf"), ...defines];
      const child = spawn(program, words, { env, stdio: ["ignore", "pipe", "pipe"] });
      return new Icinga(child, place, await listeningPort(child));
    }
  }

  /** The files of its authority and of a client's certificate. */
  get files(): { readonly ca: string; readonly certificate: string; readonly key: string } {
    const own = (name: string) => join(this.folder.path, "data", "certs", name);
    return { ca: own("ca.crt"), certificate: own("gateway.example.crt"), key: own("gateway.example.key") };
  }

  /** An object as its API shows it; undefined when there is none. */
  async attributes(kind: "hosts" | "services", name: string): Promise<Record<string, unknown> | undefined> {
    const connect = { ca: readFileSync(this.files.ca), servername: icingaName };
    const dispatcher = new Agent({ connect });
    try {
      const { statusCode, body } = await request(
        `https://127.0.0.1:${this.port}/v1/objects/${kind}/${encodeURIComponent(name)}`,
        {
          dispatcher,
          headers: {
            accept: "application/json",
            authorization: `Basic ${Buffer.from("reader:secret").toString("base64")}`,
          },
        },
      );
      const { results } = (await body.json()) as { results?: { attrs: Record<string, unknown> }[] };
      return statusCode === 200 ? results?.[0]?.attrs : undefined;
    } finally {
      await dispatcher.close();
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGTERM");
    await ended;
    this.folder.remove();
  }
}

/** Where the daemon listens, by what it writes. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let written = "";
    const look = (text: string) => {
      written += text;
      const port = /Started new listener on '\[127\.0\.0\.1\]:(\d+)'/.exec(written)?.[1];
      if (port !== undefined && /Activated all objects/.test(written)) resolve(Number(port));
    };
    child.stdout?.setEncoding("utf8").on("data", look);
    child.stderr?.setEncoding("utf8").on("data", look);
    child.once("error", reject);
    child.once("close", () => reject(new Error(`icinga2 ended before it listened:\n${written}`)));
  });
}
