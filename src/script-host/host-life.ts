import type { Clock } from "../kernel/clock.js";
import { errorText } from "../kernel/errors.js";
import type { Logger } from "../kernel/log.js";
import { Channel } from "./channel.js";
import { type HostCommand, HostProcess, type ScriptLane } from "./host-process.js";
import type { HostedScript } from "./hosted-script.js";
import { type ControlToGateway, protocolVersion, type ToGateway } from "./protocol.js";
import {
  type Activity,
  ScriptException,
  type ScriptSession,
  ScriptUnavailable,
  type SessionPort,
} from "./script-session.js";
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
  /** A script is read when the one before it is through its `init`; otherwise all are read at the same time. */
  readonly inTurn: boolean;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** How long the host may take to end a script before the whole process is replaced. */
export const endTimeoutMs = 2_000;

/** Why the gateway ended a process itself. */
export interface Culprit {
  readonly script: HostedScript;
  /** `hangs`: it may come back after a while. `crashes`: it ended its own connection. `neverLoads`: its file has no end. */
  readonly fault: "hangs" | "crashes" | "neverLoads";
}

export interface ProcessEnd {
  readonly reason: string;
  /** What ran when it ended, by script; those that only waited for the gateway count when nobody else ran. */
  readonly running: ReadonlyMap<HostedScript, readonly string[]>;
  readonly culprit: Culprit | undefined;
}

export interface HostLifeEvents {
  onLine(stream: "stdout" | "stderr", text: string): void;
  /** A script ended, or was ended because it `hangs`; the process goes on. */
  onGone(script: HostedScript, reason: string, hangs: boolean): void;
  /** Once, when the process is gone, with all that was in it. */
  onExit(end: ProcessEnd): void;
}

interface Life {
  readonly script: HostedScript;
  readonly session: ScriptSession;
  /** Why the gateway ends it; undefined while it may run. */
  ending: { readonly reason: string; readonly hangs: boolean; readonly cancel: () => void } | undefined;
}

/** One process and the scripts that live in it, each from its load to its end. */
export class HostLife {
  /** Resolves when the process is ready for scripts, rejects when it ends before. */
  readonly ready: Promise<void>;
  private readonly process: HostProcess;
  private readonly lives = new Map<number, Life>();
  /** Scripts that are being ended and that nobody waits for, with what stops their time limit. */
  private readonly departures = new Map<number, () => void>();
  private nextLife = 1;
  private tellsWhere = false;
  private culprit: Culprit | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(
    public options: ScriptHostOptions,
    private readonly events: HostLifeEvents,
  ) {
    let becameReady = () => {};
    let failed = (_reason: Error) => {};
    this.ready = new Promise<void>((resolve, reject) => {
      becameReady = resolve;
      failed = reject;
    });
    this.ready.catch(() => {});
    const { command, memoryLimit, clock, gatewayVersion, alias, log, name } = options;
    this.process = new HostProcess(command, { memoryLimit }, clock, {
      onControl: (message, raw) => {
        if (message.t !== "ready") return this.receive(message, raw);
        this.tellsWhere = message.where === true;
        if (message.protocol === protocolVersion) becameReady();
        else this.kill(`it speaks version ${message.protocol} of the protocol instead of ${protocolVersion}`);
      },
      onLine: (stream, text) => events.onLine(stream, text),
      onStack: (text) => log.debug(`${name}: ${text}`),
      onExit: (reason, place) => {
        failed(new Error(reason));
        this.exited(reason, place?.file);
      },
    });
    this.process.control.send({ t: "hello", protocol: protocolVersion, gateway: gatewayVersion, alias });
  }

  get pid(): number {
    return this.process.pid;
  }

  /** A host with lanes has one for another script. */
  get hasRoom(): boolean {
    return this.options.command.lanes === 0 || this.process.lanesLeft > 0;
  }

  kill(why: string): void {
    this.process.kill(why);
  }

  /** Lets the process end by itself. */
  stop(): Promise<void> {
    return this.process.stop(endTimeoutMs);
  }

  /** Makes room for the script and runs its file. Undefined when that failed, which is in the log then. */
  async load(script: HostedScript): Promise<Life | undefined> {
    const { options, process: host } = this;
    const s = this.nextLife++;
    const { name, file, memoryLimit } = script.config;
    const port = this.openPort(s);
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
      await this.inTime(life.session, `Loading ${file}`, { t: "load", file });
      return life;
    } catch (thrown) {
      // Whoever ended the script's life has told why.
      if (!this.lives.has(s) || thrown instanceof ScriptUnavailable) return undefined;
      const trace = thrown instanceof ScriptException ? thrown.trace : errorText(thrown);
      options.log.error(`Failed to load script: ${file}: ${trace}`);
      const reason = `${options.alias}: ${name} failed to load: ${errorText(thrown)}`;
      this.lives.delete(s);
      script.lost(reason, reason);
      this.endQuietly(s, script);
      return undefined;
    }
  }

  async init(life: Life | undefined): Promise<void> {
    if (life === undefined) return;
    const { options } = this;
    const { name, alias: scriptAlias, pluginAlias } = life.script.config;
    const ids = { pluginId: options.pluginId, pluginAlias, scriptAlias };
    try {
      await this.inTime(life.session, `init of ${name}`, { t: "init", ...ids });
      life.script.settled(life.session);
    } catch (thrown) {
      // The script stays: what it registered before it threw works.
      if (thrown instanceof ScriptException) this.logException(`init of ${name}`, thrown);
      else options.log.error(`${name}: ${errorText(thrown)}`);
      life.script.settled(life.session, `init failed: ${errorText(thrown)}`);
    }
  }

  /** Runs `main` of a script. Rejects with what it threw. */
  async main(script: HostedScript, args: readonly string[]): Promise<void> {
    const found = this.lifeOf(script);
    if (found === undefined) throw new Error(script.trouble);
    await found.life.session.request({ t: "main", args: [...args] });
  }

  /** Calls `shutdown` of every script, the last first. */
  async shutDown(): Promise<void> {
    const { clock, log, name, stopTimeoutMs } = this.options;
    const goodbye = Promise.allSettled(
      [...this.lives.values()].reverse().map(async ({ script, session }) => {
        try {
          await session.request({ t: "shutdown" });
        } catch (thrown) {
          if (thrown instanceof ScriptException) this.logException(`shutdown of ${script.config.name}`, thrown);
        }
      }),
    );
    await within(clock, stopTimeoutMs, "shutdown", goodbye).catch(() =>
      log.warn(`${name}: not every script was shut down after ${stopTimeoutMs} ms`),
    );
  }

  /** Ends all scripts and keeps the process. False when that was not possible: then the process is gone too. */
  async empty(): Promise<boolean> {
    const { clock, log, name } = this.options;
    const left = new Map([...this.lives].map(([s, { script }]) => [s, script.config.name]));
    for (const [s, { ending }] of this.lives) {
      this.departures.set(s, ending?.cancel ?? (() => {}));
      if (ending === undefined) this.process.control.send({ t: "end", s });
    }
    this.lives.clear();
    const empty = new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
    if (this.departures.size === 0) return true;
    try {
      await within(clock, endTimeoutMs, "", empty);
      return true;
    } catch {
      const names = [...this.departures.keys()].map((s) => left.get(s) ?? "a script").join(", ");
      log.warn(`${name}: ${names} could not be ended: the process is replaced`);
      this.kill(`${names} could not be ended`);
      await this.stop();
      return false;
    }
  }

  /** Ends a script that can do nothing any more. */
  endHanging(script: HostedScript, reason: string): void {
    const found = this.lifeOf(script);
    if (found !== undefined) this.endLife(found.s, found.life, reason, true);
  }

  /** Ends the process, because nothing in it reacts. */
  endStuck(script: HostedScript, reason: string): void {
    this.culprit ??= { script, fault: "hangs" };
    const busy = [...this.running().keys()].filter((one) => one !== script);
    this.process.killStuck(
      reason,
      [script, ...busy].map(({ config }) => config.file),
    );
  }

  private lifeOf(script: HostedScript): { s: number; life: Life } | undefined {
    for (const [s, life] of this.lives) if (life.script === script) return { s, life };
    return undefined;
  }

  /** Asks the script to do something that has a time limit. */
  private async inTime(
    session: ScriptSession,
    what: string,
    message: { t: "load"; file: string } | { t: "init"; pluginId: number; pluginAlias: string; scriptAlias: string },
  ): Promise<void> {
    const { clock, startTimeoutMs } = this.options;
    const asked = session.request(message);
    try {
      await within(clock, startTimeoutMs, what, asked);
    } catch (thrown) {
      if (thrown instanceof ScriptException || thrown instanceof ScriptUnavailable) throw thrown;
      const place = await within(clock, placeMs, "", session.whereIs(message.t)).catch(() => undefined);
      throw place === undefined ? thrown : new Error(`${errorText(thrown)}: it is at ${place}`);
    }
  }

  /** A channel of the script's own where the host has them, else its share of the control channel. */
  private openPort(s: number): SessionPort & { readonly lane?: number } {
    const { process: host, tellsWhere } = this;
    const taken = host.takeLane();
    if (taken === undefined) {
      return { tellsWhere, s, send: (message, raw) => host.control.send(message, raw), close() {} };
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
      ...{ tellsWhere, s: undefined, lane: taken.descriptor },
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
    const { script } = life;
    const cancel = this.options.clock.after(endTimeoutMs, () => {
      this.culprit ??= { script, fault: hangs ? "hangs" : "crashes" };
      this.kill(`${script.config.name} could not be ended: ${reason || "it lost its connection"}`);
    });
    life.ending = { reason, hangs, cancel };
    this.process.control.send({ t: "end", s });
  }

  /** Ends what is left of a script that nobody waits for. */
  private endQuietly(s: number, script: HostedScript): void {
    const cancel = this.options.clock.after(endTimeoutMs, () => {
      this.culprit ??= { script, fault: "neverLoads" };
      this.kill(`${script.config.name} could not be ended`);
    });
    this.departures.set(s, cancel);
    this.process.control.send({ t: "end", s });
  }

  private gone(s: number, told: string): void {
    this.departures.get(s)?.();
    if (this.departures.delete(s) && this.departures.size === 0) this.whenEmpty?.();
    const life = this.lives.get(s);
    if (life === undefined) return;
    this.lives.delete(s);
    life.ending?.cancel();
    this.events.onGone(life.script, life.ending?.reason || told, life.ending?.hangs ?? false);
  }

  private exited(reason: string, file: string | undefined): void {
    const running = this.running(file);
    for (const { ending } of this.lives.values()) ending?.cancel();
    for (const cancel of this.departures.values()) cancel();
    this.lives.clear();
    this.departures.clear();
    let { culprit } = this;
    const [found] = running.keys();
    // The stacks of a process that was stuck know better than who happened to wait.
    if (culprit?.fault === "hangs" && file !== undefined && found?.config.file === file) {
      culprit = { script: found, fault: "hangs" };
    }
    this.events.onExit({ reason, running, culprit });
  }

  /** @param file where the process ended, if that is known: only its script runs then */
  private running(file?: string): Map<HostedScript, readonly string[]> {
    const all = [...this.lives.values()].map(({ script, session }) => ({ script, activities: session.activities }));
    const there = all.filter(({ script }) => script.config.file === file);
    const active = (found: typeof all, counts: (activity: Activity) => boolean) =>
      found
        .map(({ script, activities }): [HostedScript, string[]] => [
          script,
          activities.filter(counts).map(({ what }) => what),
        ])
        .filter(([, names]) => names.length > 0);
    const candidates = [
      active(there, ({ waits }) => !waits),
      active(all, ({ waits }) => !waits),
      active(all, () => true),
    ];
    return new Map(candidates.find((found) => found.length > 0) ?? []);
  }

  private logException(what: string, exception: ScriptException): void {
    this.options.log.error(`Exception in ${what}: ${exception.trace}`);
  }
}

/** How long a script that did not start in time is asked where it is. */
const placeMs = 500;
