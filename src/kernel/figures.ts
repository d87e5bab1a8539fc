/** How often something was called through one front end, how that ended and how long it took. */
export interface CallFigures {
  /** By state: OK, WARNING, CRITICAL, UNKNOWN. A submission is OK or CRITICAL. */
  readonly states: [number, number, number, number];
  timeouts: number;
  /** Calls that have no answer yet. */
  inFlight: number;
  totalMs: number;
  /** Calls by duration, one count per bound of {@link latencyBoundsMs} and one for what is slower. */
  readonly latency: Uint32Array;
}

/** Upper bounds of the latency histogram in milliseconds. */
export const latencyBoundsMs: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 10_000, 60_000,
];

/** The figures of one query, command or channel, by front end. */
export type FiguresByFrontEnd = Map<string, CallFigures>;

/** The figures for a front end, made when it calls for the first time. */
export function figuresFor(known: FiguresByFrontEnd, frontEnd: string): CallFigures {
  let figures = known.get(frontEnd);
  if (figures === undefined) {
    figures = {
      states: [0, 0, 0, 0],
      timeouts: 0,
      inFlight: 0,
      totalMs: 0,
      latency: new Uint32Array(latencyBoundsMs.length + 1),
    };
    known.set(frontEnd, figures);
  }
  return figures;
}

/** Counts a call that was in flight and has its answer now. */
export function countAnswer(figures: CallFigures, tookMs: number, state: number): void {
  figures.inFlight--;
  figures.totalMs += tookMs;
  figures.states[state === 0 || state === 1 || state === 2 ? state : 3]++;
  let slot = 0;
  while (slot < latencyBoundsMs.length && tookMs > (latencyBoundsMs[slot] ?? 0)) slot++;
  figures.latency[slot] = (figures.latency[slot] ?? 0) + 1;
}
