/** Time as the kernel sees it; tests pass one that they move by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never jump, for durations and deadlines. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, fire: () => void): () => void;
}
