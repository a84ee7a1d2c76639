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
