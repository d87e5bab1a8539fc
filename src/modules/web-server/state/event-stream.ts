/** Answers without an end: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import { printableJson } from "../../../kernel/printable-json.js";
import type { CallerRequest, StreamSink, WebReply } from "../route.js";

/** Something that happened, with a number that grows. */
export interface StreamEntry {
  readonly index: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where entries come from: the last ones are kept, further ones are told of. */
export interface StreamSource {
  /** What entries are called in the stream. */
  readonly event: string;
  /** Which count the indexes belong to: letters and digits that are others after a restart, which counts anew. */
  readonly count: string;
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
  const last = lastSeen(request);
  const tail = request.query.number("tail", 0);
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    body: {
      open(out) {
        const stream = new OpenStream(out, source, rules);
        stream.begin(last, tail);
        return () => stream.stop();
      },
    },
  };
}

/** What the client saw last. */
interface LastSeen {
  /** Undefined for an index alone, which is one of this count. */
  readonly count: string | undefined;
  readonly index: number;
}

function lastSeen({ headers, query }: CallerRequest): LastSeen | undefined {
  const text = headers["last-event-id"] ?? query.get("since");
  const [, count, index] = /^(?:([a-z\d]{1,16})-)?(\d{1,15})$/.exec(typeof text === "string" ? text : "") ?? [];
  return index === undefined ? undefined : { count, index: Number(index) };
}

class OpenStream {
  private readonly endings: (() => void)[] = [];
  private isOver = false;

  constructor(
    private readonly out: StreamSink,
    private readonly source: StreamSource,
    private readonly rules: StreamRules,
  ) {}

  begin(last: LastSeen | undefined, tail: number): void {
    this.write(`retry: ${retryMs}\n\n`);
    this.resume(last, tail);
    if (this.isOver) return;
    this.endings.push(this.source.subscribe((entry) => this.send(entry)));
    const heartbeat = setInterval(() => this.write(": alive\n\n"), heartbeatMs);
    const longest = setTimeout(() => this.end(), longestMs);
    this.endings.push(
      () => clearInterval(heartbeat),
      () => clearTimeout(longest),
    );
  }

  /** The client is gone, or the stream is not wanted any more. */
  stop(): void {
    this.isOver = true;
    for (const end of this.endings.splice(0)) end();
  }

  private resume(last: LastSeen | undefined, tail: number): void {
    const kept = this.source.kept();
    const wanted = kept.filter((entry) => this.rules.isWanted(entry));
    if (last === undefined) {
      if (tail > 0) this.replay(wanted.slice(-tail), 0);
      return;
    }
    // Numbers begin anew when the gateway does: who knows one of another count, or a later one than there is, has seen none of these.
    const isOfNow = (last.count ?? this.source.count) === this.source.count && last.index <= (kept.at(-1)?.index ?? 0);
    const gone = isOfNow ? Math.max(0, (kept[0]?.index ?? 0) - last.index - 1) : 0;
    this.replay(isOfNow ? wanted.filter(({ index }) => index > last.index) : wanted, gone);
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
    return `id: ${this.source.count}-${index}\nevent: ${this.source.event}\ndata: ${printableJson(data)}\n\n`;
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
