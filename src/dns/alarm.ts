/**
 * A timer that a stalled event loop doesn't fool. After a stall (a long garbage collection, a synchronous write) timers are
 * run while replies still wait in the sockets' buffers: libuv reads 32 datagrams a socket and turn. So an alarm that rings
 * late is put off once, for as long as it takes to read them; and one that rings early, because it was set late in a long
 * turn, is set anew.
 */
import type { Clock, Timers } from '../clock.ts';

const LATE = 20;
const GRACE = 50;

export class Alarm {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #ring: () => void;
  #due = 0;
  #graced = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, timers: Timers, ring: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#ring = ring;
  }

  /** Rings at `due`, in milliseconds of the monotonic clock, in place of any time set before. */
  set(due: number): void {
    this.#cancel?.();
    this.#due = due;
    this.#graced = false;
    this.#schedule(due - this.#clock.monotonic());
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(wait: number): void {
    this.#cancel = this.#timers.after(Math.max(1, Math.ceil(wait)), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    const late = this.#clock.monotonic() - this.#due;
    if (late < -1) {
      this.#schedule(-late);
    } else if (late > LATE && !this.#graced) {
      this.#graced = true;
      this.#schedule(GRACE);
    } else {
      this.#cancel = undefined;
      this.#ring();
    }
  };
}
