/** Answers without an end: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { CallerRequest, StreamSink, WebReply } from "./route.js";

/** Something that happened, with a number that grows. */
export interface StreamEntry {
  readonly index: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where entries come from: the last ones are kept, further ones are told of. */
export interface StreamSource {
  /** What entries are called in the stream. */
  readonly event: string;
  /** The oldest first. */
  kept(): readonly StreamEntry[];
  /** Returns how to stop that. */
  subscribe(listener: (entry: StreamEntry) => void): () => void;
}

export interface StreamRules {
  /** Which entries the client wants. */
  isWanted(entry: StreamEntry): boolean;
  /** Whether the client may still see them; looked at before anything is written. */
  isAllowed(): boolean;
}

/** A stream without entries shows this often that it is alive, and looks whether its client still may have it. */
const heartbeatMs = 15_000;
/** So many characters of what is kept are sent at once: more would be taken for a client that does not keep up. */
const replayLimit = 256 * 1024;
/** How long a client waits before it comes again. */
const retryMs = 3000;
/** A stream ends after this time: the client comes again, shows who it is, and goes on where it was. */
const longestMs = 3_600_000;

/**
 * A stream of a source's entries. With `Last-Event-ID` (or `since`) it begins with those after that one, as far as they are
 * kept; with `tail` with the last ones; else with what comes next.
 */
export function eventStream(source: StreamSource, request: CallerRequest, rules: StreamRules): WebReply {
  const lastIndex = lastIndexOf(request);
  const tail = request.query.number("tail", 0);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    body: {
      open(out) {
        const stream = new OpenStream(out, source, rules);
        stream.begin(lastIndex, tail);
        return () => stream.stop();
      },
    },
  };
}

function lastIndexOf({ headers, query }: CallerRequest): number | undefined {
  const text = headers["last-event-id"] ?? query.get("since");
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

class OpenStream {
  private readonly endings: (() => void)[] = [];
  private isOver = false;

  constructor(
    private readonly out: StreamSink,
    private readonly source: StreamSource,
    private readonly rules: StreamRules,
  ) {}

  begin(lastIndex: number | undefined, tail: number): void {
    this.write(`retry: ${retryMs}\n\n`);
    this.resume(lastIndex, tail);
    if (this.isOver) return;
    this.endings.push(this.source.subscribe((entry) => this.send(entry)));
    const heartbeat = setInterval(() => this.write(": alive\n\n"), heartbeatMs);
    const last = setTimeout(() => this.end(), longestMs);
    this.endings.push(
      () => clearInterval(heartbeat),
      () => clearTimeout(last),
    );
  }

  /** The client is gone, or the stream is not wanted any more. */
  stop(): void {
    this.isOver = true;
    for (const end of this.endings.splice(0)) end();
  }

  private resume(lastIndex: number | undefined, tail: number): void {
    const kept = this.source.kept();
    const wanted = kept.filter((entry) => this.rules.isWanted(entry));
    if (lastIndex === undefined) {
      if (tail > 0) this.replay(wanted.slice(-tail), 0);
      return;
    }
    // Numbers begin anew when the gateway does: who knows a later one than there is has seen none of these.
    const isOfNow = lastIndex <= (kept.at(-1)?.index ?? 0);
    const gone = isOfNow ? Math.max(0, (kept[0]?.index ?? 0) - lastIndex - 1) : 0;
    this.replay(isOfNow ? wanted.filter(({ index }) => index > lastIndex) : wanted, gone);
  }

  /** The newest of them, as many as may wait for a reader at once. */
  private replay(entries: readonly StreamEntry[], gone: number): void {
    const texts = entries.map((entry) => this.textOf(entry));
    let first = texts.length;
    for (let length = 0; first > 0; first--) {
      length += texts[first - 1]?.length ?? 0;
      if (length > replayLimit) break;
    }
    const missed = gone + first;
    if (missed > 0) this.write(`event: missed\ndata: ${JSON.stringify({ count: missed })}\n\n`);
    if (first < texts.length) this.write(texts.slice(first).join(""));
  }

  private send(entry: StreamEntry): void {
    if (!this.isOver && this.rules.isWanted(entry)) this.write(this.textOf(entry));
  }

  private textOf({ index, data }: StreamEntry): string {
    return `id: ${index}\nevent: ${this.source.event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  private write(text: string): void {
    if (this.isOver) return;
    if (!this.rules.isAllowed()) this.end();
    else if (!this.out.write(text)) this.stop();
  }

  private end(): void {
    this.stop();
    this.out.end();
  }
}
