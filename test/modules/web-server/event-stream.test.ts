import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { QueryParameters } from "../../../src/modules/web-server/http/query-parameters.js";
import type { CallerRequest, ReplyStream } from "../../../src/modules/web-server/route.js";
import { eventStream, type StreamEntry } from "../../../src/modules/web-server/state/event-stream.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Options {
  readonly kept?: readonly number[];
  readonly query?: string;
  readonly lastEventId?: string;
  readonly isWanted?: (entry: StreamEntry) => boolean;
}

/** A stream that is open, with all that was written to it. */
function open({ kept = [], query = "", lastEventId, isWanted = () => true }: Options = {}) {
  const listeners = new Set<(entry: StreamEntry) => void>();
  const entry = (index: number): StreamEntry => ({ index, data: { index } });
  const state = { text: "", isEnded: false, isFull: false, isAllowed: true };
  const source = {
    event: "thing",
    count: "now",
    kept: () => kept.map(entry),
    subscribe(listener: (entry: StreamEntry) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const request = { headers, query: new QueryParameters(query) } as unknown as CallerRequest;
  const reply = eventStream(source, request, { isWanted, isAllowed: () => state.isAllowed });
  const stop = (reply.body as ReplyStream).open({
    write(text) {
      state.text += text;
      return !state.isFull;
    },
    end() {
      state.isEnded = true;
    },
  });
  const send = (sent: StreamEntry) => [...listeners].map((tell) => tell(sent));
  return { reply, state, stop, listeners, send, emit: (index: number) => send(entry(index)) };
}

const begin = "retry: 3000\n\n";
const shown = (...indexes: readonly number[]) =>
  indexes.map((index) => `id: now-${index}\nevent: thing\ndata: {"index":${index}}\n\n`).join("");

describe("a stream", () => {
  it("is one of server-sent events, which nobody keeps", () => {
    const { status, headers } = open().reply;
    expect({ status, headers }).toEqual({
      status: 200,
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  });

  it("begins with what comes next", () => {
    const { state, emit } = open({ kept: [1, 2] });
    emit(3);
    expect(state.text).toBe(begin + shown(3));
  });

  it("begins after the entry that the client saw last", () => {
    expect(open({ kept: [4, 5, 6], lastEventId: "4" }).state.text).toBe(begin + shown(5, 6));
    expect(open({ kept: [4, 5, 6], lastEventId: "now-5" }).state.text).toBe(begin + shown(6));
    expect(open({ kept: [4, 5, 6], query: "since=5" }).state.text).toBe(begin + shown(6));
    expect(open({ kept: [4, 5, 6], query: "since=now-4" }).state.text).toBe(begin + shown(5, 6));
  });

  it("says how many entries are kept no more", () => {
    const missed = 'event: missed\ndata: {"count":2}\n\n';
    expect(open({ kept: [4, 5], lastEventId: "1" }).state.text).toBe(begin + missed + shown(4, 5));
  });

  it("begins with as much of what is kept as a client can take at once", () => {
    const kept = Array.from({ length: 9000 }, (_, index) => index + 1000);
    const { text } = open({ kept, lastEventId: "1" }).state;
    const [, count = ""] = /^retry: 3000\n\nevent: missed\ndata: \{"count":(\d+)\}\n\n/.exec(text) ?? [];
    const first = Number(count) + 2;
    expect(text.slice(text.indexOf("id:"))).toBe(shown(...kept.filter((index) => index >= first)));
    expect(text.length).toBeGreaterThan(200 * 1024);
    expect(text.length).toBeLessThan(257 * 1024);
  });

  it("begins with all that is kept when the gateway has begun to count anew", () => {
    expect(open({ kept: [1, 2], lastEventId: "9000" }).state.text).toBe(begin + shown(1, 2));
  });

  it("begins with all that is kept for a client that saw entries of another count, though their numbers are smaller", () => {
    expect(open({ kept: [4, 5], lastEventId: "before-4" }).state.text).toBe(begin + shown(4, 5));
    expect(open({ kept: [0, 1], lastEventId: "before-0" }).state.text).toBe(begin + shown(0, 1));
  });

  it("shows no sign that steers a terminal, and is the same JSON", () => {
    const evil = "\u001b[2J\u009b31m\u2028\u202e";
    const { state, send } = open();
    send({ index: 1, data: { evil } });
    const [, json = ""] = /^data: (.*)$/m.exec(state.text) ?? [];
    expect(json).toBe(String.raw`{"evil":"\u001b[2J\u009b31m\u2028\u202e"}`);
    expect(JSON.parse(json)).toEqual({ evil });
  });

  it("begins with the last ones that are wanted, with tail", () => {
    const even = ({ index }: StreamEntry) => index % 2 === 0;
    expect(open({ kept: [1, 2, 3, 4, 5], query: "tail=1", isWanted: even }).state.text).toBe(begin + shown(4));
  });

  it("takes a Last-Event-ID that is none for none", () => {
    expect(open({ kept: [1], lastEventId: "x" }).state.text).toBe(begin);
  });

  it("leaves out what the client does not want", () => {
    const { state, emit } = open({ isWanted: ({ index }) => index !== 2 });
    for (const index of [1, 2, 3]) emit(index);
    expect(state.text).toBe(begin + shown(1, 3));
  });

  it("shows that it is alive while nothing happens", () => {
    const { state } = open();
    vi.advanceTimersByTime(30_000);
    expect(state.text).toBe(`${begin}: alive\n\n: alive\n\n`);
  });

  it("ends before anything is written to a client that may not see it any more", () => {
    const { state, emit, listeners } = open();
    state.isAllowed = false;
    emit(1);
    expect(state).toMatchObject({ text: begin, isEnded: true });
    expect(listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends at the next sign of life when the client may not see it any more", () => {
    const { state } = open();
    state.isAllowed = false;
    vi.advanceTimersByTime(15_000);
    expect(state).toMatchObject({ text: begin, isEnded: true });
  });

  it("stops when the client does not keep up", () => {
    const { state, emit, listeners } = open();
    state.isFull = true;
    emit(1);
    emit(2);
    expect(state.text).toBe(begin + shown(1));
    expect(listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends after an hour, so that the client shows again who it is", () => {
    const { state } = open();
    vi.advanceTimersByTime(3_600_000);
    expect(state.isEnded).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing behind when the client goes", () => {
    const { stop, listeners } = open();
    stop();
    expect(listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
