import { errorText } from "../kernel/errors.js";
import type { ScriptHostStatus } from "../kernel/modules.js";
import { Blame, type Sentence } from "./blame.js";
import { HostLife, type ProcessEnd, type ScriptHostOptions } from "./host-life.js";
import type { HostCommand } from "./host-process.js";
import type { HostedScript, ScriptKeeper } from "./hosted-script.js";
import { LineLimit } from "./output-lines.js";
import { within } from "./within.js";

/** So many things that ran when a process was lost are named. */
const maxNamed = 3;

/**
 * A host process and the scripts in it, kept alive: a script that ends or hangs is started again, a process that is lost
 * is replaced, both with back-off, and whoever asks meanwhile learns why there is no result. A script that takes its
 * process down again and again is left out of the next one.
 */
export class ScriptHost implements ScriptKeeper {
  private readonly scripts = new Set<HostedScript>();
  /** Not started any more until the module is reloaded. */
  private readonly givenUp = new Set<HostedScript>();
  /** Started later than the others, because it hung too often. */
  private readonly resting = new Set<HostedScript>();
  private readonly timers = new Set<() => void>();
  private readonly lineLimit: LineLimit;
  private blame: Blame<HostedScript>;
  private life: HostLife | undefined;
  private state: ScriptHostStatus["state"] = "stopped";
  private restarts = 0;
  private lastFailure = "";
  private stopping = false;
  /** The process is ended because its descriptors are used up. */
  private planned = false;

  constructor(private options: ScriptHostOptions) {
    this.blame = new Blame(options.clock);
    this.lineLimit = new LineLimit(options.clock, (dropped) =>
      this.options.log.warn(`${this.options.name}: ${dropped} lines of output were left out`),
    );
  }

  get name(): string {
    return this.options.name;
  }

  /** Scripts are started in the order in which they are added; to be called before the start. */
  add(script: HostedScript): void {
    this.scripts.add(script);
  }

  /** Starts the scripts, and the process if there is none; resolves after the first attempt, however it ended. */
  async start(): Promise<void> {
    this.stopping = false;
    if (this.life === undefined) await this.launch();
    else await this.startScripts(this.life);
  }

  /**
   * Lets every script shut down, then ends the process and all that it started.
   *
   * @param comeBack the scripts are started again in another host: calls in flight are answered first, and what comes
   * meanwhile waits
   */
  async stop({ comeBack = false } = {}): Promise<void> {
    const life = await this.quiet(comeBack);
    await life?.stop();
    this.state = "stopped";
  }

  /** Whether a process that was started with these options is the one that runs now. */
  fits(options: ScriptHostOptions): boolean {
    const { memoryLimit, allOutput, command } = this.options;
    return (
      this.state === "running" &&
      options.memoryLimit === memoryLimit &&
      options.allOutput === allOutput &&
      isSame(options.command, command)
    );
  }

  /**
   * Takes all scripts out of the process, each after its `shutdown`, and keeps it for those that are added next. Calls in
   * flight are answered first, and what comes meanwhile waits.
   *
   * @returns whether that went well; otherwise the process is gone, and the next start begins another
   */
  async renew(options: ScriptHostOptions): Promise<boolean> {
    const life = await this.quiet(true);
    const isEmpty = life !== undefined && (await life.empty());
    if (!isEmpty) {
      this.life = undefined;
      this.restarts++;
    }
    this.scripts.clear();
    this.givenUp.clear();
    this.resting.clear();
    this.blame = new Blame(options.clock);
    this.options = options;
    if (this.life !== undefined) this.life.options = options;
    this.state = "starting";
    return isEmpty;
  }

  /** Ends a script that can do nothing any more and starts it again. */
  hangs(script: HostedScript, reason: string): void {
    this.life?.endHanging(script, reason);
  }

  /** Replaces a process in which nothing reacts. */
  isStuck(script: HostedScript, reason: string): void {
    this.life?.endStuck(script, reason);
  }

  /** Runs `main` of a script. Rejects with what it threw. */
  async main(script: HostedScript, args: readonly string[]): Promise<void> {
    if (this.life === undefined) throw new Error(script.trouble);
    await this.life.main(script, args);
  }

  status(): ScriptHostStatus {
    return {
      name: this.options.name,
      state: this.state,
      pid: this.state === "running" || this.state === "starting" ? (this.life?.pid ?? 0) : 0,
      restarts: this.restarts,
      lastFailure: this.lastFailure,
      scripts: [...this.scripts].map(({ config, remark }) =>
        remark === "" ? config.name : `${config.name} (${remark})`,
      ),
    };
  }

  /** Lets every script shut down and ends their lives. Returns the process, if it is still there. */
  private async quiet(comeBack: boolean): Promise<HostLife | undefined> {
    this.stopping = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    const { alias, clock, stopTimeoutMs } = this.options;
    if (comeBack) {
      const paused = Promise.all([...this.scripts].map((script) => script.pause()));
      await within(clock, stopTimeoutMs, "the calls in flight", paused).catch(() => {});
    }
    await this.life?.shutDown();
    for (const script of this.scripts) {
      const reason = `${alias}: ${script.config.name} was ${comeBack ? "reloaded" : "unloaded"}`;
      if (comeBack) script.lost(reason, reason, true);
      else script.dispose(reason);
    }
    return this.life;
  }

  private async launch(): Promise<void> {
    const { options } = this;
    this.state = "starting";
    this.planned = false;
    const life: HostLife = new HostLife(options, {
      onLine: (stream, text) => this.print(stream, text),
      onGone: (script, reason, hangs) => this.gone(script, reason, hangs),
      onExit: (end) => this.exited(life, end),
    });
    this.life = life;
    try {
      await within(options.clock, options.startTimeoutMs, "its start", life.ready);
    } catch (thrown) {
      life.kill(errorText(thrown));
      return;
    }
    await this.startScripts(life);
  }

  private async startScripts(life: HostLife): Promise<void> {
    const due = [...this.scripts].filter((script) => !this.givenUp.has(script) && !this.resting.has(script));
    const isOver = () => this.stopping || this.life !== life;
    if (this.options.inTurn) {
      for (const script of due) {
        if (isOver()) return;
        await life.init(await life.load(script));
      }
    } else {
      const loaded = due.map((script) => life.load(script));
      for (const one of loaded) await life.init(await one);
    }
    if (!isOver() && this.state === "starting") this.state = "running";
  }

  private gone(script: HostedScript, reason: string, hangs: boolean): void {
    if (this.stopping) return;
    const { alias, log } = this.options;
    const { name } = script.config;
    const delay = hangs ? script.hangs.afterHang() : script.crashes.afterCrash();
    const ended = `${alias}: ${name} was ended: ${reason}`;
    this.lastFailure = `${name}: ${reason}`;
    this.restarts++;
    if (delay === undefined) {
      log.error(`${name} was ended for the third time in 5 minutes and is given up: ${reason}`);
      this.givenUp.add(script);
      script.lost(ended, `${alias}: ${name} was given up: ${reason}`);
      return;
    }
    log.error(`${name} was ended and is restarted: ${reason}`);
    script.lost(ended, `${alias}: ${name} is restarting: ${reason}`, delay === 0);
    const { life } = this;
    this.later(delay, () => this.revive(script, life));
  }

  private async revive(script: HostedScript, life: HostLife | undefined): Promise<void> {
    this.resting.delete(script);
    if (this.stopping || life === undefined || life !== this.life || script.isUp) return;
    if (!life.hasRoom) {
      this.planned = true;
      life.kill("its descriptors are used up");
      return;
    }
    await life.init(await life.load(script));
  }

  private exited(life: HostLife, end: ProcessEnd): void {
    if (this.life !== life) return;
    this.life = undefined;
    this.lineLimit.flush();
    if (this.stopping) return;
    const { alias, name, log } = this.options;
    const { reason, culprit } = end;
    this.lastFailure = reason;
    // What was ended because somebody did not react says so itself.
    const during = culprit === undefined ? whileRunning(end) : "";
    const lost = `${alias}: script host was lost: ${reason}${during}`;
    const sentence = this.judge(end);
    const rest = [...this.scripts].filter((script) => !this.givenUp.has(script) && !sentence?.givenUp.includes(script));
    if (sentence === undefined || rest.length === 0) {
      this.state = "given up";
      log.error(
        `${name}: the script host was lost for the third time in 5 minutes and is given up: ${reason}${during}`,
      );
      for (const script of this.scripts) script.lost(lost, `${alias}: script host was given up: ${reason}`);
      return;
    }
    const { delayMs, givenUp } = sentence;
    this.state = "backing off";
    this.restarts++;
    log.error(`${name}: the script host was lost and is restarted in ${delayMs} ms: ${reason}${during}`);
    for (const script of givenUp) {
      const { name: scriptName } = script.config;
      this.givenUp.add(script);
      log.error(`${scriptName} is given up, it took the script host down with it: ${reason}`);
      script.lost(lost, `${alias}: ${scriptName} was given up: ${reason}`);
    }
    for (const script of rest) {
      const isResting = this.resting.has(script);
      const who = isResting ? script.config.name : "script host";
      script.lost(lost, `${alias}: ${who} is restarting: ${reason}`, delayMs === 0 && !isResting);
    }
    this.later(delayMs, () => this.launch());
  }

  /** What becomes of the scripts of a process that was lost. Undefined: it is not to be started again. */
  private judge({ culprit, running }: ProcessEnd): Sentence<HostedScript> | undefined {
    if (this.planned) return { delayMs: 0, givenUp: [] };
    if (culprit === undefined) return this.blame.afterLoss(new Set(running.keys()));
    // Who did it is known, and the others shall not wait for it.
    const { script, fault } = culprit;
    const delay =
      fault === "neverLoads" ? undefined : fault === "hangs" ? script.hangs.afterHang() : script.crashes.afterCrash();
    if (delay === undefined) return { delayMs: 0, givenUp: [script] };
    if (delay > 0) {
      this.resting.add(script);
      this.later(delay, () => this.revive(script, this.life));
    }
    return { delayMs: 0, givenUp: [] };
  }

  private later(ms: number, work: () => Promise<void>): void {
    const cancel = this.options.clock.after(ms, () => {
      this.timers.delete(cancel);
      void work();
    });
    this.timers.add(cancel);
  }

  private print(stream: "stdout" | "stderr", text: string): void {
    const { log, name } = this.options;
    const [only, ...others] = this.scripts;
    if (only !== undefined && others.length === 0) only.print(stream, text);
    else if (this.lineLimit.admit()) log[stream === "stderr" ? "error" : "info"](`${name}: ${text}`);
  }
}

function whileRunning({ running }: ProcessEnd): string {
  const all = [...running].flatMap(([{ config }, activities]) =>
    activities.map((what) => (what === "load" ? `the file of ${config.name}` : `${what} of ${config.name}`)),
  );
  if (all.length === 0) return "";
  const named = all.slice(0, maxNamed).join(", ");
  return `, while it ran ${named}${all.length > maxNamed ? ` and ${all.length - maxNamed} more` : ""}`;
}

function isSame(one: HostCommand, other: HostCommand): boolean {
  const facts = ({ file, args, env, lanes }: HostCommand) =>
    JSON.stringify([file, args, lanes, Object.entries(env).sort()]);
  return facts(one) === facts(other);
}
