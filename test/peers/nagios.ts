import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { temporaryFolder } from "../support/gateway-process.js";

/** What Nagios knows of a service or a host. */
export interface NagiosState {
  readonly state: number;
  readonly output: string;
  readonly longOutput: string;
  readonly perfdata: string;
  /** In seconds since 1970. */
  readonly lastCheck: number;
}

/** Nagios Core with a host and some services that take passive results only, in a temporary folder. */
export class Nagios {
  private written = "";

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: ReturnType<typeof temporaryFolder>,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes: Buffer) => {
        this.written += bytes.toString();
      });
    }
  }

  /**
   * @param program the daemon's executable
   * @param services of the host `web1`
   */
  static async start(program: string, services: readonly string[]): Promise<Nagios> {
    const folder = temporaryFolder("nagios");
    const own = (name: string) => join(folder.path, name);
    for (const name of ["results", "log", "rw"]) mkdirSync(own(name));
    writeFileSync(own("objects.cfg"), [...basics, ...services.map(serviceObject)].join("\n"));
    writeFileSync(own("nagios.cfg"), mainConfiguration(own));
    const nagios = new Nagios(spawn(program, [own("nagios.cfg")], { stdio: ["ignore", "pipe", "pipe"] }), folder);
    await nagios.until(/launched command file worker/);
    return nagios;
  }

  get checkResultPath(): string {
    return join(this.folder.path, "results");
  }

  get commandFile(): string {
    return join(this.folder.path, "rw", "nagios.cmd");
  }

  /** What it knows of a service of `web1`, or of the host itself; as it wrote it down last. */
  stateOf(service: string): NagiosState | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.folder.path, "status.dat"), "utf8");
    } catch {
      return undefined;
    }
    const kind = service === "" ? "hoststatus" : "servicestatus";
    for (const [, name, body = ""] of text.matchAll(/^(\w+) \{\n(.*?)^\t\}/gms)) {
      const fields = new Map(body.split("\n").map((line) => split(line.trimStart())));
      if (name !== kind || (service !== "" && fields.get("service_description") !== service)) continue;
      return {
        state: Number(fields.get("current_state")),
        output: fields.get("plugin_output") ?? "",
        longOutput: unescaped(fields.get("long_plugin_output") ?? ""),
        perfdata: fields.get("performance_data") ?? "",
        lastCheck: Number(fields.get("last_check")),
      };
    }
    return undefined;
  }

  /** The same, once it fulfils the condition; Nagios says nothing when it has taken a result. */
  async stateWith(service: string, condition: (state: NagiosState) => boolean): Promise<NagiosState | undefined> {
    const isThere = () => {
      const state = this.stateOf(service);
      return state !== undefined && condition(state);
    };
    await vi.waitUntil(isThere, { timeout: 30_000, interval: 50 });
    return this.stateOf(service);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGTERM");
    await ended;
    this.folder.remove();
  }

  private async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.written)) {
      if (this.child.exitCode !== null) throw new Error(`Nagios ended:\n${this.written}`);
      await new Promise((resolve) => this.child.stdout?.once("data", resolve));
    }
  }
}

const passive = ["active_checks_enabled 0", "passive_checks_enabled 1", "max_check_attempts 1", "contacts nobody"];

/** Nagios joins a line that ends with a backslash to the next one, and takes two for one. */
function serviceObject(name: string): string {
  const description = name.endsWith("\\") ? `${name}\\` : name;
  return object("service", "host_name web1", `service_description ${description}`, "check_command none", ...passive);
}

function object(kind: string, ...lines: string[]): string {
  return [`define ${kind} {`, ...lines.map((line) => `  ${line}`), "}\n"].join("\n");
}

const basics = [
  object("command", "command_name none", "command_line /bin/true"),
  object("timeperiod", "timeperiod_name always", "alias always"),
  object(
    "contact",
    ...["contact_name nobody", "host_notifications_enabled 0", "service_notifications_enabled 0"],
    ...["host_notification_period always", "service_notification_period always"],
    ...["host_notification_commands none", "service_notification_commands none"],
  ),
  object("host", "host_name web1", "address 127.0.0.1", "check_command none", ...passive),
];

function mainConfiguration(own: (name: string) => string): string {
  const settings: Record<string, string | number> = {
    ...{ log_file: own("log/nagios.log"), cfg_file: own("objects.cfg"), status_file: own("status.dat") },
    ...{ object_cache_file: own("objects.cache"), precached_object_file: own("objects.precache") },
    ...{ state_retention_file: own("retention.dat"), lock_file: own("nagios.pid"), temp_file: own("nagios.tmp") },
    ...{ temp_path: own("."), check_result_path: own("results"), command_file: own("rw/nagios.cmd") },
    ...{ query_socket: own("rw/nagios.qh"), nagios_user: userInfo().username },
    nagios_group: execFileSync("id", ["-gn"], { encoding: "utf8" }).trim(),
    ...{ check_external_commands: 1, check_result_reaper_frequency: 1, status_update_interval: 1 },
    ...{ enable_notifications: 0, check_for_updates: 0, use_syslog: 0 },
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n")}\n`;
}

function split(line: string): [key: string, value: string] {
  const equals = line.indexOf("=");
  return [line.slice(0, equals), line.slice(equals + 1)];
}

function unescaped(text: string): string {
  return text.replace(/\\([\\n])/g, (_whole, character: string) => (character === "n" ? "\n" : character));
}
