/**
 * The history: the last decisions, for `explain --id`. They are gathered and stored four times a second. Mail never waits for
 * it: what comes faster than it can be stored is left out, the oldest first; the log has it. A store that is busy or broken is
 * tried again.
 */
import type { Clock, Timers } from '../clock.ts';
import type { RateLimited } from '../log/rate-limited.ts';
import type { Decision } from '../policy/decision.ts';
import { recordOf, rowOf } from './decision-record.ts';
import type { HistoryStore } from './history-store.ts';

export interface HistoryParts {
  readonly store: HistoryStore;
  /** How many decisions are remembered; a reload may change it. */
  readonly size: () => number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Pick<RateLimited, 'warn'>;
}

/** Milliseconds from a decision to the transaction it is part of. */
const GATHER = 250;
/** Milliseconds until what could not be removed is tried again. */
const RETRY = 5_000;
/**
 * Decisions that wait at most, all of them one transaction: a millisecond of work. With more, a flood would keep so many alive
 * for so long that the collector moves them to the old objects (docs/decisions/0070-memory-under-churn.md).
 */
const MOST = 100;

export class History {
  readonly #parts: HistoryParts;
  #waiting: { readonly decision: Decision; readonly time: number }[] = [];
  /** Where the next decision goes once `MOST` are waiting: over the oldest. */
  #oldest = 0;
  #cancel: (() => void) | undefined;
  #storing: Promise<void> | undefined;
  /** Whether the last try to store failed. Once in a while it does: a checkpoint holds the lock for a moment. */
  #failed = false;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Notes a decision; costs next to nothing until it is stored. */
  add(decision: Decision): void {
    const { clock, timers, size } = this.#parts;
    if (size() === 0) return;
    const entry = { decision, time: clock.now() };
    if (this.#waiting.length < MOST) this.#waiting.push(entry);
    else {
      this.#waiting[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % MOST;
    }
    this.#cancel ??= timers.after(GATHER, this.#flush);
  }

  /** Stores what waits, and stops. */
  async close(): Promise<void> {
    this.#cancel?.();
    await this.#storing;
    this.#cancel?.();
    this.#failed = true; // there is no next time: the first failure is told
    await this.#store();
    this.#cancel?.();
  }

  /** The size may have changed. Of none nothing is to be left, not even what was stored before. */
  resized(): void {
    const { timers, size } = this.#parts;
    if (size() > 0) return;
    this.#waiting = [];
    this.#oldest = 0;
    this.#cancel?.();
    this.#cancel = timers.after(GATHER, this.#empty);
  }

  /** Part by part, since mail waits meanwhile. */
  readonly #empty = (): void => {
    this.#storing = this.#drop();
  };

  async #drop(): Promise<void> {
    const { store, size, timers, log } = this.#parts;
    if (size() > 0) return this.#store();
    this.#cancel = undefined;
    try {
      if ((await store.append([], 0)) > 0) this.#cancel ??= timers.after(GATHER, this.#empty);
    } catch (error) {
      this.#cancel ??= timers.after(RETRY, this.#empty);
      const cause = error instanceof Error ? error.message : String(error);
      log.warn('history', 'decisions of before `history: 0` can not be removed yet', { cause });
    }
  }

  readonly #flush = (): void => {
    this.#storing = this.#store();
  };

  async #store(): Promise<void> {
    const { store, size, timers, log } = this.#parts;
    const rows = [...this.#waiting.slice(this.#oldest), ...this.#waiting.slice(0, this.#oldest)];
    this.#waiting = [];
    this.#oldest = 0;
    this.#cancel = undefined;
    if (rows.length === 0) return;
    try {
      await store.append(
        rows.map(({ decision, time }) => rowOf(recordOf(decision, time))),
        size(),
      );
      this.#failed = false;
    } catch (error) {
      if (size() === 0) return; // nobody wants them any more
      // They come before those that were added meanwhile, the oldest of which go.
      this.#waiting = [...rows, ...this.#waiting].slice(-MOST);
      this.#cancel ??= timers.after(GATHER, this.#flush);
      if (!this.#failed) {
        this.#failed = true;
        return;
      }
      const cause = error instanceof Error ? error.message : String(error);
      log.warn('history', 'decisions can not be stored: `explain --id` will not know all of them', { cause });
    }
  }
}
