import type { Clock } from "../kernel/clock.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import type { ScriptHostStatus } from "../kernel/modules.js";
import { Channel } from "./channel.js";
import { type HostCommand, HostProcess, type ScriptLane } from "./host-process.js";
import type { HostedScript } from "./hosted-script.js";
import { LineLimit } from "./output-lines.js";
import { type ControlToGateway, protocolVersion, type ToGateway } from "./protocol.js";
import { RestartPolicy } from "./restart-policy.js";
import { ScriptException, type ScriptSession, type SessionPort } from "./script-session.js";
import { within } from "./within.js";

export interface ScriptHostOptions {
  /** Names the host in the status: the module's alias, or alias and script when every script has a host. */
  readonly name: string;
  /** Alias of the module instance; every answer that the host itself gives begins with it. */
  readonly alias: string;
  readonly pluginId: number;
  readonly gatewayVersion: string;
  readonly command: HostCommand;
  readonly clock: Clock;
  readonly log: Logger;
  readonly memoryLimit: number | undefined;
  /** Nothing of what scripts print is left out. */
  readonly allOutput: boolean;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** How long the host may take to end a script before the whole process is replaced. */
const endTimeoutMs = 2_000;

interface Life {
  readonly script: HostedScript;
  readonly session: ScriptSession;
  /** Why the gateway ends it; undefined while it may run. */
  ending: { readonly reason: string; readonly hangs: boolean; readonly cancel: () => void } | undefined;
}

/**
 * A host process and the scripts in it, kept alive: a script that ends or hangs is started again, a process that is lost
 * is replaced, both with back-off, and whoever asks meanwhile learns why there is no result.
 */
export class ScriptHost {
  private readonly scripts: HostedScript[] = [];
  private readonly policy: RestartPolicy;
  private readonly lineLimit: LineLimit;
  private readonly lives = new Map<number, Life>();
  /** Scripts that are being ended and that nobody waits for, with what stops their time limit. */
  private readonly departures = new Map<number, () => void>();
  private process: HostProcess | undefined;
  private state: ScriptHostStatus["state"] = "stopped";
  private restarts = 0;
  private lastFailure = "";
  private nextLife = 1;
  private stopping = false;
  private planned = false;
  private cancelRestart: (() => void) | undefined;

  constructor(private readonly options: ScriptHostOptions) {
    this.policy = new RestartPolicy(options.clock);
    this.lineLimit = new LineLimit(options.clock, (dropped) =>
      options.log.warn(`${options.name}: ${dropped} lines of output were left out`),
    );
  }

  /** Scripts are started in the order in which they are added; to be called before the start. */
  add(script: HostedScript): void {
    this.scripts.push(script);
  }

  /** Starts the process and its scripts; resolves after the first attempt, however it ended. */
  async start(): Promise<void> {
    this.stopping = false;
    await this.launch();
  }

  /**
   * Lets every script shut down, then ends the process and all that it started.
   *
   * @param comeBack the scripts are started again in another host: calls in flight are answered first, and what comes
   * meanwhile waits
   */
  async stop({ comeBack = false } = {}): Promise<void> {
    this.stopping = true;
    this.cancelRestart?.();
    const { options, process: host } = this;
    if (comeBack) {
      const paused = Promise.all(this.scripts.map((script) => script.pause()));
      await within(options.clock, options.stopTimeoutMs, "the calls in flight", paused).catch(() => {});
    }
    const goodbye = Promise.allSettled(
      [...this.lives.values()].reverse().map(async ({ script, session }) => {
        try {
          await session.request({ t: "shutdown" });
        } catch (thrown) {
          if (thrown instanceof ScriptException) this.logException(`shutdown of ${script.config.name}`, thrown);
        }
      }),
    );
    await within(options.clock, options.stopTimeoutMs, "shutdown", goodbye).catch(() =>
      options.log.warn(`${options.name}: not every script was shut down after ${options.stopTimeoutMs} ms`),
    );
    for (const script of this.scripts) {
      const reason = `${options.alias}: ${script.config.name} was ${comeBack ? "reloaded" : "unloaded"}`;
      if (comeBack) script.lost(reason, reason, true);
      else script.dispose(reason);
    }
    await host?.stop(endTimeoutMs);
    this.state = "stopped";
  }

  /** Ends a script that can do nothing any more and starts it again. */
  endHanging(script: HostedScript): void {
    const life = [...this.lives.entries()].find(([, { script: other }]) => other === script);
    if (life !== undefined) this.endLife(life[0], life[1], "it did not react any more", true);
  }

  /** Runs `main` of a script. Rejects with what it threw. */
  async main(script: HostedScript, args: readonly string[]): Promise<void> {
    const life = [...this.lives.values()].find(({ script: other }) => other === script);
    if (life === undefined) throw new Error(script.trouble);
    await life.session.request({ t: "main", args: [...args] });
  }

  status(): ScriptHostStatus {
    return {
      name: this.options.name,
      state: this.state,
      pid: this.state === "running" || this.state === "starting" ? (this.process?.pid ?? 0) : 0,
      restarts: this.restarts,
      lastFailure: this.lastFailure,
      scripts: this.scripts.map(({ config, trouble }) =>
        trouble === "" ? config.name : `${config.name} (${trouble})`,
      ),
    };
  }

  private async launch(): Promise<void> {
    const { options } = this;
    this.state = "starting";
    this.planned = false;
    let becameReady = () => {};
    let failed = (_reason: Error) => {};
    const ready = new Promise<void>((resolve, reject) => {
      becameReady = resolve;
      failed = reject;
    });
    ready.catch(() => {});
    const host: HostProcess = new HostProcess(options.command, { memoryLimit: options.memoryLimit }, options.clock, {
      onControl: (message, raw) => {
        if (message.t !== "ready") return this.receive(message, raw);
        if (message.protocol === protocolVersion) becameReady();
        else host.kill(`it speaks version ${message.protocol} of the protocol instead of ${protocolVersion}`);
      },
      onLine: (stream, text) => this.print(stream, text),
      onExit: (reason) => {
        failed(new Error(reason));
        this.exited(host, reason);
      },
    });
    this.process = host;
    host.control.send({
      t: "hello",
      protocol: protocolVersion,
      gateway: options.gatewayVersion,
      alias: options.alias,
    });
    try {
      await within(options.clock, options.startTimeoutMs, "The host was not ready", ready);
    } catch (thrown) {
      host.kill(errorText(thrown));
      return;
    }
    const loaded = this.scripts.map((script) => this.load(script, host));
    for (const life of loaded) await this.init(await life);
    if (this.process === host && this.state === "starting") this.state = "running";
  }

  /** Makes room for the script and runs its file. Undefined when that failed, which is in the log then. */
  private async load(script: HostedScript, host: HostProcess): Promise<Life | undefined> {
    const { options } = this;
    const s = this.nextLife++;
    const { name, file, memoryLimit } = script.config;
    const port = this.openPort(s, host);
    host.control.send({
      ...{ t: "start", s, name },
      ...(port.lane === undefined ? {} : { lane: port.lane }),
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(options.allOutput ? { allOutput: true } : {}),
    });
    const life: Life = { script, session: script.begin(port), ending: undefined };
    this.lives.set(s, life);
    options.log.debug(`Adding script: ${name} (${file})`);
    try {
      await within(options.clock, options.startTimeoutMs, `Loading ${file}`, life.session.request({ t: "load", file }));
      return life;
    } catch (thrown) {
      if (!this.lives.has(s)) return undefined;
      const trace = thrown instanceof ScriptException ? thrown.trace : errorText(thrown);
      options.log.error(`Failed to load script: ${file}: ${trace}`);
      const reason = `${options.alias}: ${name} failed to load: ${errorText(thrown)}`;
      this.lives.delete(s);
      script.lost(reason, reason);
      this.endQuietly(s, host, name);
      return undefined;
    }
  }

  private async init(life: Life | undefined): Promise<void> {
    if (life === undefined) return;
    const { options } = this;
    const { name, alias } = life.script.config;
    const ids = { pluginId: options.pluginId, pluginAlias: options.alias, scriptAlias: alias };
    try {
      await within(
        options.clock,
        options.startTimeoutMs,
        `init of ${name}`,
        life.session.request({ t: "init", ...ids }),
      );
    } catch (thrown) {
      // The script stays: what it registered before it threw works.
      if (thrown instanceof ScriptException) this.logException(`init of ${name}`, thrown);
      else options.log.error(`${name}: ${errorText(thrown)}`);
    }
    life.script.settled(life.session);
  }

  /** A channel of the script's own where the host has them, else its share of the control channel. */
  private openPort(s: number, host: HostProcess): SessionPort & { readonly lane?: number } {
    const taken = host.takeLane();
    if (taken === undefined) {
      return {
        send: (message, raw) => host.control.send({ ...message, s }, raw),
        close() {},
      };
    }
    const lane: ScriptLane = new Channel(taken.stream, {
      onMessage: (message: ToGateway, raw) => this.lives.get(s)?.session.receive(message, raw),
      onClose: (reason) => {
        const life = this.lives.get(s);
        if (life === undefined) return;
        const why = reason === undefined ? "" : `it was not understood: ${reason.message}`;
        this.endLife(s, life, why, false);
      },
    });
    return {
      lane: taken.descriptor,
      send: (message, raw) => lane.send(message, raw),
      close: () => lane.destroy(),
    };
  }

  private receive(message: Exclude<ControlToGateway | ToGateway, { t: "ready" }>, raw: Uint8Array | undefined): void {
    if (message.t === "gone") this.gone(message.s, String(message.reason));
    else if (message.s !== undefined) this.lives.get(message.s)?.session.receive(message, raw);
  }

  /** @param reason empty: the host knows it */
  private endLife(s: number, life: Life, reason: string, hangs: boolean): void {
    if (life.ending !== undefined) return;
    const { process: host } = this;
    const cancel = this.options.clock.after(endTimeoutMs, () =>
      host?.kill(`${life.script.config.name} could not be ended: ${reason || "it lost its connection"}`),
    );
    life.ending = { reason, hangs, cancel };
    host?.control.send({ t: "end", s });
  }

  /** Ends what is left of a script that nobody waits for. */
  private endQuietly(s: number, host: HostProcess, name: string): void {
    const cancel = this.options.clock.after(endTimeoutMs, () => host.kill(`${name} could not be ended`));
    this.departures.set(s, cancel);
    host.control.send({ t: "end", s });
  }

  private gone(s: number, told: string): void {
    this.departures.get(s)?.();
    this.departures.delete(s);
    const life = this.lives.get(s);
    if (life === undefined) return;
    this.lives.delete(s);
    life.ending?.cancel();
    if (this.stopping) return;
    const { options } = this;
    const { script } = life;
    const { name } = script.config;
    const reason = life.ending?.reason || told;
    const hangs = life.ending?.hangs ?? false;
    const delay = hangs ? script.hangs.afterHang() : script.crashes.afterCrash();
    const ended = `${options.alias}: ${name} was ended: ${reason}`;
    this.lastFailure = `${name}: ${reason}`;
    this.restarts++;
    if (delay === undefined) {
      options.log.error(`${name} was ended for the third time in 5 minutes and is given up: ${reason}`);
      script.lost(ended, `${options.alias}: ${name} was given up: ${reason}`);
      return;
    }
    options.log.error(`${name} was ended and is restarted: ${reason}`);
    script.lost(ended, `${options.alias}: ${name} is restarting: ${reason}`, delay === 0);
    const host = this.process;
    options.clock.after(delay, () => void this.revive(script, host));
  }

  private async revive(script: HostedScript, host: HostProcess | undefined): Promise<void> {
    if (this.stopping || host === undefined || host !== this.process || script.isUp) return;
    if (this.options.command.lanes > 0 && host.lanesLeft === 0) {
      this.planned = true;
      host.kill("its descriptors are used up");
      return;
    }
    await this.init(await this.load(script, host));
  }

  private exited(host: HostProcess, reason: string): void {
    if (this.process !== host) return;
    this.process = undefined;
    const { options } = this;
    for (const { ending } of this.lives.values()) ending?.cancel();
    for (const cancel of this.departures.values()) cancel();
    this.lives.clear();
    this.departures.clear();
    this.lineLimit.flush();
    if (this.stopping) return;
    this.lastFailure = reason;
    const delay = this.planned ? 0 : this.policy.afterCrash();
    const lost = `${options.alias}: script host was lost: ${reason}`;
    if (delay === undefined) {
      this.state = "given up";
      options.log.error(
        `${options.name}: the script host was lost for the third time in 5 minutes and is given up: ${reason}`,
      );
      for (const script of this.scripts) script.lost(lost, `${options.alias}: script host was given up: ${reason}`);
      return;
    }
    this.state = "backing off";
    options.log.error(`${options.name}: the script host was lost and is restarted in ${delay} ms: ${reason}`);
    for (const script of this.scripts) script.lost(lost, `${options.alias}: script host is restarting: ${reason}`);
    this.restarts++;
    this.cancelRestart = options.clock.after(delay, () => void this.launch());
  }

  private print(stream: "stdout" | "stderr", text: string): void {
    const { log, name } = this.options;
    const [only, ...others] = this.scripts;
    if (only !== undefined && others.length === 0) only.print(stream, text);
    else if (this.lineLimit.admit()) log[stream === "stderr" ? "error" : "info"](`${name}: ${text}`);
  }

  private logException(what: string, exception: ScriptException): void {
    this.options.log.error(`Exception in ${what}: ${exception.trace}`);
  }
}
