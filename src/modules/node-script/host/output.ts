import type { Clock } from "../../../kernel/clock.js";
import type { Channel } from "../../../script-host/channel.js";
import { LineLimit, LineSplitter } from "../../../script-host/output-lines.js";
import type { Log, Output, ToGateway, ToScript } from "../../../script-host/protocol.js";

/**
 * Where a script's log records and printed lines leave, at once: what it says before it hangs tells why. A flood is cut
 * here already: what a loop that never pauses prints would fill the memory.
 */
export class OutputGate {
  private readonly limit: LineLimit;

  /** @param all nothing is cut */
  constructor(
    private readonly channel: Channel<ToScript, ToGateway>,
    private readonly all: boolean,
  ) {
    this.limit = new LineLimit(clock, (dropped) =>
      channel.send({ t: "log", level: "error", text: `${dropped} lines of output were left out` }),
    );
  }

  log(record: Log): void {
    if (this.all || this.limit.admit()) this.send(record);
  }

  output(line: Output): void {
    if (this.all || this.limit.admit()) this.send(line);
  }

  private send(message: Log | Output): void {
    this.channel.send(message);
    this.channel.flush();
  }
}

const clock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Sends what the script prints, by lines, in place of writing it. */
export function captureOutput(gate: OutputGate): void {
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = new LineSplitter((text) => gate.output({ t: "output", stream, text }));
    const write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      written?: (error?: Error | null) => void,
    ): boolean => {
      const named = typeof encoding === "string" ? encoding : "utf8";
      lines.push(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString(named));
      const done = typeof encoding === "function" ? encoding : written;
      if (done !== undefined) queueMicrotask(() => done(null));
      return true;
    };
    process[stream].write = write;
    process.on("exit", () => lines.end());
  }
}
