import type { Event } from "../../../wire/messages.js";

/** An event that was emitted, as the API shows it. */
export interface KeptEvent {
  /** Counts the events of this server from 0, without gaps; it goes on when the ring is emptied. */
  readonly index: number;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly data: ReadonlyMap<string, string>;
}

/** Events that are kept; older ones make room. */
const keptEvents = 1000;

/** The last events of the gateway, for those who ask for them later and for those who listen. */
export class EventRing {
  /** Names this count of events; another server has another one. */
  readonly count: string;
  private events: KeptEvent[] = [];
  private next = 0;
  private readonly listeners = new Set<(event: KeptEvent) => void>();

  /** @param now milliseconds since the epoch */
  constructor(private readonly now: () => number) {
    this.count = Math.round(now()).toString(36);
  }

  add({ event, data }: Event): void {
    const kept = {
      index: this.next++,
      name: event,
      time: this.now(),
      data: new Map(data.map(({ key, value }) => [key, value])),
    };
    this.events.push(kept);
    if (this.events.length > keptEvents) this.events.shift();
    for (const listener of this.listeners) listener(kept);
  }

  /** Those with a greater index than `since`, the oldest first. */
  list(since: number): readonly KeptEvent[] {
    return this.events.filter(({ index }) => index > since);
  }

  /** Empties the ring and gives what was in it. */
  drain(): readonly KeptEvent[] {
    const drained = this.events;
    this.events = [];
    return drained;
  }

  /** Tells `listener` of every event from now on. Returns how to stop that. */
  subscribe(listener: (event: KeptEvent) => void): () => void {
    const entry = (event: KeptEvent) => listener(event);
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }
}
