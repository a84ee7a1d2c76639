/**
 * Updates on their way into one database. Those that wait together are one transaction
 * (`docs/decisions/0011-group-commit.md`); they run in order and are told their answers once all is committed. When a
 * transaction is due is said by whoever owns the queue.
 *
 * - If the commit fails (disk full, input/output error), all of its updates reject and nothing of them is stored; the next
 *   transaction tries anew.
 * - If another process holds the write lock, updates that change nothing are answered, the others wait without the event loop
 *   waiting with them, and reject after `patience`.
 */
import type { Clock, Timers } from '../clock.ts';
import { type Entry, type Step, StoreError, type Triplet } from '../greylist/store.ts';
import { runBatch, type Update } from './batch.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Where the updates go. */
export interface QueueTarget {
  /** The database; undefined while it is being opened anew, and `flush` is to be called then. May throw a `StoreError`. */
  current(): SqliteDatabase | undefined;
  /** Counts rows that were written. */
  wrote(rows: number): void;
  /** Makes a StoreError of what SQLite threw. */
  failed(error: unknown): StoreError;
}

export interface QueueOptions {
  /** Path of the database, for messages. */
  readonly path: string;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Milliseconds that the lock of another process may hold an update up. */
  readonly patience: number;
}

/** Most updates in one transaction: a few milliseconds of work. */
export const BATCH_LIMIT = 256;
/** Milliseconds between two tries to get the lock, which double from the first to the last. */
const RETRY = { first: 1, last: 20 };

export class UpdateQueue {
  readonly #options: QueueOptions;
  readonly #target: QueueTarget;
  /** Asks for a `flush`. */
  readonly #schedule: () => void;
  #waiting: Update[] = [];
  /** Updates that the lock of another process holds up. */
  #held: Update[] = [];
  #retryAfter = RETRY.first;
  #onIdle: (() => void) | undefined;

  constructor(options: QueueOptions, target: QueueTarget, schedule: () => void) {
    this.#options = options;
    this.#target = target;
    this.#schedule = schedule;
  }

  /** Updates that the next transactions will take. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Lines an update up; somebody has to see to a `flush`. */
  add<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T> {
    const promise = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ triplet, decide, resolve, reject, since: this.#options.clock.monotonic() });
    });
    return promise as Promise<T>;
  }

  /** Runs one transaction, and asks for another if more are waiting. */
  flush(): void {
    let batch = this.#waiting;
    try {
      const database = this.#target.current();
      if (!database) return; // its keeper will say when
      this.#waiting = batch.length > BATCH_LIMIT ? batch.slice(BATCH_LIMIT) : [];
      if (batch.length > BATCH_LIMIT) batch = batch.slice(0, BATCH_LIMIT);
      const { written, held } = runBatch(database, batch);
      this.#target.wrote(written);
      if (held.length > 0) this.#hold(held);
    } catch (error) {
      if (batch === this.#waiting) this.#waiting = [];
      const failure = this.#target.failed(error);
      for (const update of batch) update.reject(failure);
    }
    if (this.#waiting.length > 0) this.#schedule();
    this.#onIdle?.();
  }

  /** Resolves when all is settled. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0 || this.#held.length > 0) {
      await new Promise<void>(wake => {
        this.#onIdle = wake;
      });
    }
  }

  #hold(updates: readonly Update[]): void {
    if (this.#held.length === 0) this.#retryLater();
    this.#held.push(...updates);
  }

  #retryLater(): void {
    this.#options.timers.after(this.#retryAfter, () => this.#retry());
    this.#retryAfter = Math.min(this.#retryAfter * 2, RETRY.last);
  }

  /** All that is held goes back to the queue when the lock is free; it is not worked through again before. */
  #retry(): void {
    if (this.#isLocked()) {
      this.#giveUpOld();
      if (this.#held.length > 0) this.#retryLater();
    } else {
      this.#retryAfter = RETRY.first;
      this.#waiting = this.#held.concat(this.#waiting);
      this.#held = [];
      this.#schedule();
    }
    this.#onIdle?.();
  }

  #isLocked(): boolean {
    try {
      return this.#target.current()?.isLocked ?? true;
    } catch {
      return false; // whatever it is, the next batch meets it, and reports it
    }
  }

  #giveUpOld(): void {
    const { path, clock, patience } = this.#options;
    const limit = clock.monotonic() - patience;
    const old = this.#held.filter(update => update.since <= limit);
    if (old.length === 0) return;
    this.#held = this.#held.filter(update => update.since > limit);
    const failure = new StoreError(
      `${path}: another process has locked the database for more than ${patience / 1000} s`,
    );
    for (const update of old) update.reject(failure);
  }
}
