/**
 * The sweeper: takes what has expired out of a store, triplets above all, in small slices with pauses between, so that mail never waits for
 * it. Only space is at stake: an expired row that is still there means the same as none.
 *
 * A wrong clock must not empty the database. So when wall and monotonic clock have drifted apart by more than an hour
 * (someone or something set the time), nothing is swept for an hour. A start counts as such a moment: the clock of a machine
 * that has just booted may be set any minute.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Expiry, Store } from './store.ts';
import type { Timing } from './timing.ts';

export interface SweeperOptions {
  /** Removes a slice of what has expired at `now`, epoch milliseconds. */
  readonly sweep: (now: number) => ReturnType<Store['sweep']>;
  /** What is swept, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface Sweeper {
  stop(): void;
}

const HOUR = 3_600_000;
const DRIFT_LIMIT = HOUR;
const QUIET = HOUR;
/** Between the end of one pass and the start of the next. */
const REST = HOUR;
/** Between two slices of a pass; with slices of a few milliseconds, some per cent of the time go to sweeping. */
const PAUSE = 50;

export function createSweeper({ sweep, what, clock, timers, logger }: SweeperOptions): Sweeper {
  let offset = clock.now() - clock.monotonic();
  let quietUntil = clock.monotonic();
  let removed = 0;
  let stopped = false;
  let cancel = timers.after(QUIET, slice);

  function slice(): void {
    const quiet = quietTime();
    if (quiet > 0) next(quiet);
    else sweep(clock.now()).then(done, failed);
  }

  function done(result: { readonly removed: number; readonly more: boolean }): void {
    removed += result.removed;
    if (!result.more) {
      if (removed > 0) logger.info(`removed expired ${what}`, { count: removed });
      removed = 0;
    }
    next(result.more ? PAUSE : REST);
  }

  function failed(error: unknown): void {
    if (stopped) return;
    logger.warn(`cannot remove expired ${what}, will try again`, { cause: String(error) });
    next(REST);
  }

  function next(milliseconds: number): void {
    if (!stopped) cancel = timers.after(milliseconds, slice);
  }

  /** Milliseconds for which the clock is not to be trusted. */
  function quietTime(): number {
    const apart = clock.now() - clock.monotonic() - offset;
    if (Math.abs(apart) > DRIFT_LIMIT) {
      offset += apart;
      quietUntil = clock.monotonic() + QUIET;
      logger.warn(`the clock was set: expired ${what} stay for an hour`, { seconds: Math.round(apart / 1000) });
    }
    return quietUntil - clock.monotonic();
  }

  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Which triplets have expired at `now`, epoch milliseconds. */
export function expiryAt(now: number, { retryWindow, lifetime }: Pick<Timing, 'retryWindow' | 'lifetime'>): Expiry {
  return { pendingBefore: now - retryWindow, passedBefore: now - lifetime };
}
