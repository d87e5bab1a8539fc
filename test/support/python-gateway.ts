/** A whole gateway in this process with Python scripts in it, as `nscp service --run` has them. Runs what was built. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Gateway } from "../../dist/gateway/gateway.js";
import type { Call } from "../../dist/kernel/call.js";
import { localPrincipal } from "../../dist/kernel/principal.js";
import { createLogService } from "../../dist/telemetry/log.js";
import {
  Event,
  EventMessage,
  ExecuteRequest,
  ExecuteRequestMessage,
  Line,
  QueryRequest,
  QueryRequestMessage,
  QueryResponse,
  SubmitRequestMessage,
} from "../../dist/wire/messages.js";
import { simpleResult } from "../../dist/wire/nagios-text.js";
import { parsePerfdata } from "../../dist/wire/perfdata.js";
import { temporaryFolder } from "./gateway-process.js";

export interface PythonGatewayOptions {
  /** The settings besides `[/modules] PythonScript`, which is enabled unless they have a section `[/modules]`. */
  readonly settings?: string;
  /** Scripts by the name of their file in `scripts/python`; all of them are in the settings, without their ending. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** Other files beside the settings by their relative path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A passive result, with the parts that matter to a test. */
export interface PassiveResult {
  readonly command: string;
  readonly message: string;
  readonly code?: number;
  readonly perf?: string;
  readonly source?: string;
}

export class PythonGateway {
  /** The log as the console shows it, at the level debug. */
  readonly log: string[] = [];

  private look = () => {};

  private constructor(
    private readonly ownFolder: ReturnType<typeof temporaryFolder>,
    private running: Gateway | undefined,
  ) {}

  static async start({ settings = "", scripts = {}, files = {} }: PythonGatewayOptions): Promise<PythonGateway> {
    const folder = temporaryFolder("python-gateway");
    const started = new PythonGateway(folder, undefined);
    for (const [name, text] of Object.entries(files)) started.write(name, text);
    for (const [name, text] of Object.entries(scripts)) started.write(join("scripts", "python", name), text);
    const names = Object.keys(scripts).map((name) => `${name.replace(/\.py$/, "")} = ${name}\n`);
    const modules = settings.includes("[/modules]") ? "" : "[/modules]\nPythonScript = enabled\n";
    const section = names.length === 0 ? "" : `[/settings/python/scripts]\n${names.join("")}`;
    started.write("nscp.ini", `${modules}${section}${settings}`);
    try {
      started.running = await started.boot();
    } catch (thrown) {
      folder.remove();
      throw thrown;
    }
    return started;
  }

  get folder(): string {
    return this.ownFolder.path;
  }

  get gateway(): Gateway {
    if (this.running === undefined) throw new Error("The gateway was stopped.");
    return this.running;
  }

  /** The settings file as it is now. */
  get settings(): string {
    return readFileSync(join(this.folder, "nscp.ini"), "utf8");
  }

  write(name: string, text: string): void {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  call(): Call {
    return this.gateway.call({ principal: localPrincipal, frontEnd: "test" });
  }

  /** Runs a check: `[state, message, performance data]`. */
  async query(command: string, ...args: string[]): Promise<[number, string, string]> {
    const message = QueryRequestMessage.create({ payload: [QueryRequest.create({ command, arguments: args })] });
    const [answer] = (await this.gateway.core.query(message, this.call())).payload;
    if (answer === undefined) throw new Error(`${command} has no answer.`);
    const { message: text, perf } = simpleResult(answer);
    return [answer.result, text, perf];
  }

  /** Runs a command: `[code, message]` of each answer. */
  async execute(command: string, ...args: string[]): Promise<[number, string][]> {
    const payload = [ExecuteRequest.create({ command, arguments: args })];
    const { message } = await this.gateway.core.execute("", ExecuteRequestMessage.create({ payload }), this.call());
    return message.payload.map((answer) => [answer.result, answer.message]);
  }

  /** Submits results in one message: code and text of each answer. */
  async submit(channel: string, ...results: PassiveResult[]): Promise<[number | undefined, string | undefined][]> {
    const payload = results.map(({ command, message, code = 0, perf = "", source = "" }) => {
      const lines = [Line.create({ message, perf: parsePerfdata(perf) })];
      return QueryResponse.create({ ...{ command, source, lines }, result: code });
    });
    const outcome = await this.gateway.core.submit(
      channel,
      SubmitRequestMessage.create({ channel, payload }),
      this.call(),
    );
    return outcome.message.payload.map(({ result }) => [result?.code, result?.message]);
  }

  /** Lets events of these names happen, all in one message. */
  async emit(data: Readonly<Record<string, string>>, ...events: string[]): Promise<void> {
    const pairs = Object.entries(data).map(([key, value]) => ({ key, value }));
    const payload = events.map((event) => Event.fromObject({ event, data: pairs }));
    await this.gateway.core.emit(EventMessage.create({ payload }), this.call());
  }

  /** Lines of the log that scripts wrote with `log`, without the sender. */
  said(level = "L"): string[] {
    return this.log.flatMap((line) => new RegExp(`^${level} +python (.*)$`, "s").exec(line)?.[1] ?? []);
  }

  /** Resolves when scripts have written so many lines with `log`. */
  waitForLines(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.look = () => {
        if (this.said().length >= count) resolve();
      };
      this.look();
    });
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
    this.ownFolder.remove();
  }

  private boot(): Promise<Gateway> {
    const log = createLogService({
      ...{ form: "console", level: "debug", oneLine: true },
      fixed: ["level", "file"],
      write: (line) => {
        this.log.push(line.trimEnd());
        this.look();
      },
    });
    return Gateway.boot({
      ...{ log, settings: join(this.folder, "nscp.ini"), defines: [] },
      pathOverrides: new Map([["data-path", join(this.folder, "var")]]),
    });
  }
}
