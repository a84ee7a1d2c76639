/**
 * The clock: the only source of time. Everything that decides by time takes a number or a `Clock` from outside, so tests
 * set it instead of waiting.
 */

export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May step in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start; never steps. For deadlines and measuring. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Timers: what happens later. Injected like the clock, and moving with it. */
export interface Timers {
  /** Calls `run` once in about `milliseconds`; the function returned takes that back. */
  after(milliseconds: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
