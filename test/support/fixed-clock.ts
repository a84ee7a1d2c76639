/**
 * A clock that stands still until the test moves it. Wall and monotonic time move together with `advance` and apart with
 * `step`, as they do when someone sets the time.
 */
import type { Clock } from '../../src/clock.ts';

export class FixedClock implements Clock {
  #wall: number;
  #monotonic: number;

  /** Starts at `wall`, in epoch milliseconds, and `monotonic` milliseconds. */
  constructor(wall: number = Date.UTC(2026, 10, 21, 8, 53, 48), monotonic = 1_000_000) {
    this.#wall = wall;
    this.#monotonic = monotonic;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Lets `milliseconds` (not negative) go by on both clocks. */
  advance(milliseconds: number): void {
    if (milliseconds < 0) throw new RangeError(`advance(${milliseconds}): time does not go by backwards; use step()`);
    this.#wall += milliseconds;
    this.#monotonic += milliseconds;
  }

  /** Sets the wall clock forward, or back if negative; the monotonic clock does not notice. */
  step(milliseconds: number): void {
    this.#wall += milliseconds;
  }
}
