/**
 * Timers that move with a fixed clock: nothing fires until the test lets time go by, and then everything fires in order,
 * with the clock standing at the very moment it was due.
 */
import type { Timers } from '../../src/clock.ts';
import type { FixedClock } from './fixed-clock.ts';

interface Entry {
  readonly due: number;
  readonly run: () => void;
}

export class FixedTimers implements Timers {
  readonly #clock: FixedClock;
  readonly #entries = new Set<Entry>();

  constructor(clock: FixedClock) {
    this.#clock = clock;
  }

  /** How many timers are waiting. */
  get size(): number {
    return this.#entries.size;
  }

  after(milliseconds: number, run: () => void): () => void {
    const entry = { due: this.#clock.monotonic() + Math.max(0, milliseconds), run };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  /** Lets `milliseconds` go by. Promises settle before and after each timer, so what they start is counted in. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#clock.monotonic() + milliseconds;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#entries.delete(next);
      this.#clock.advance(Math.max(0, next.due - this.#clock.monotonic()));
      next.run();
      await settle();
    }
    this.#clock.advance(end - this.#clock.monotonic());
  }

  #next(end: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) if (entry.due <= end && (!first || entry.due < first.due)) first = entry;
    return first;
  }
}

/** Lets every promise that can settle without the outside world do so. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
