/**
 * A timer that a stalled event loop doesn't fool. After a stall (a long garbage collection, a synchronous write) timers are
 * run while replies still wait in the sockets' buffers: libuv reads 32 datagrams a socket and turn. So an alarm that comes late is
 * put off once, for as long as it takes to read them. One that comes in time may come just when a stall has ended: so its timer
 * runs a millisecond early, and the loop has a turn to read. One that comes too early, because it was set late in a long turn, is
 * set anew.
 */
import type { Clock, Timers } from '../clock.ts';

const LATE = 20;
const GRACE = 50;
/** Milliseconds. */
const A_TURN = 1;

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
    this.#schedule(due - A_TURN - this.#clock.monotonic());
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
    if (this.#graced) {
      this.#cancel = undefined;
      this.#ring();
    } else if (late < -1 - A_TURN) {
      this.#schedule(-late - A_TURN);
    } else {
      this.#graced = true;
      this.#schedule(late > LATE ? GRACE : Math.max(A_TURN, -late));
    }
  };
}
