/**
 * The store port on SQLite. Updates that arrive together are one transaction (`docs/decisions/0011-group-commit.md`): they
 * are collected while the event loop is busy, run in order, and told their answers once all is committed.
 *
 * What can go wrong, and what becomes of it:
 *
 * - the commit fails (disk full, input/output error): all of its updates reject and nothing of them is stored; the next
 *   transaction tries anew;
 * - another process holds the write lock: updates that change nothing are answered, the others wait without the event loop
 *   waiting with them, and reject after `patience`;
 * - the file is deleted, replaced or corrupt: see `database-keeper.ts`; what waits goes to the new file, or rejects if there
 *   is none.
 */
import { resolve as absolute } from 'node:path';
import type { Clock, Timers } from '../clock.ts';
import { type Entry, type Expiry, type Step, type Store, StoreError, type Triplet } from '../greylist/store.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { NoteStore } from '../learning/note-store.ts';
import type { Logger } from '../log/logger.ts';
import { runBatch, type Update } from './batch.ts';
import { DatabaseKeeper } from './database-keeper.ts';
import type { DatabaseOptions } from './database-options.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { isBusy, storeError } from './sqlite-error.ts';
import { SqliteHistory } from './sqlite-history.ts';
import { SqliteNotes } from './sqlite-notes.ts';

export interface SqliteStoreOptions extends DatabaseOptions {
  /** Path of the database file; its folder must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Milliseconds that the lock of another process may hold an update up; default 5,000. */
  readonly patience?: number;
}

const PATIENCE = 5_000;
/** Most updates in one transaction: a few milliseconds of work. */
const BATCH_LIMIT = 256;
/** Milliseconds that a transaction is put off at most while the event loop has other work. */
const COLLECT_TIME = 1;
/** Milliseconds from which on a turn of the event loop has done some work: an idle one takes a microsecond or two. */
const BUSY_TURN = 0.01;
/** Milliseconds between two tries to get the lock, which double from the first to the last. */
const RETRY = { first: 1, last: 20 };
/** Milliseconds that a slice of a sweep should take, and the bounds within which its number of rows is adapted to that. */
const SLICE = { time: 1, fewest: 64, most: 8_192 };

/** A store that keeps notes and the last decisions beside the triplets. */
export interface NotingStore extends Store {
  readonly notes: NoteStore;
  readonly history: HistoryStore;
}

/** Opens the store; waits up to `patience` for another process's lock. Rejects with `StoreError`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<NotingStore> {
  const { clock, timers, patience = PATIENCE } = options;
  const path = absolute(options.path);
  const end = clock.monotonic() + patience;
  for (;;) {
    try {
      return new SqliteStore({ ...options, path, patience }, new SqliteDatabase(path, options));
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= end) throw storeError(path, error);
      await new Promise<void>(wake => timers.after(RETRY.last, wake));
    }
  }
}

class SqliteStore implements NotingStore {
  readonly notes: NoteStore;
  readonly history: HistoryStore;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #patience: number;
  readonly #keeper: DatabaseKeeper;
  #queue: Update[] = [];
  /** Updates that the lock of another process holds up. */
  #held: Update[] = [];
  #retryAfter = RETRY.first;
  #scheduled = false;
  #scheduledAt = 0;
  #turnedAt = 0;
  #cursor = Number.MIN_SAFE_INTEGER;
  #sliceRows = SLICE.fewest;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: SqliteStoreOptions & { readonly patience: number }, database: SqliteDatabase) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#patience = options.patience;
    this.#keeper = new DatabaseKeeper(options, database, () => this.#schedule());
    this.notes = new SqliteNotes(this.#keeper);
    this.history = new SqliteHistory(this.#keeper);
  }

  update<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const promise = new Promise<unknown>((resolve, reject) => {
      this.#queue.push({ triplet, decide, resolve, reject, since: this.#clock.monotonic() });
    });
    this.#schedule();
    return promise as Promise<T>;
  }

  async get(triplet: Triplet): Promise<Entry | undefined> {
    if (this.#closing !== undefined) throw this.#closedError();
    try {
      return this.#keeper.require().find(triplet).entry;
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  async sweep(expiry: Expiry): Promise<{ removed: number; more: boolean }> {
    if (this.#closing !== undefined) throw this.#closedError();
    const start = this.#clock.monotonic();
    try {
      const { removed, next } = this.#keeper.require().deleteExpired(this.#cursor, this.#sliceRows, expiry);
      this.#cursor = next ?? Number.MIN_SAFE_INTEGER;
      this.#keeper.wrote(removed);
      this.#adaptSlice(this.#clock.monotonic() - start);
      return { removed, more: next !== undefined };
    } catch (error) {
      if (isBusy(error)) return { removed: 0, more: true };
      throw this.#keeper.failed(error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#keeper.close());
    return this.#closing;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0 || this.#held.length > 0) {
      await new Promise<void>(wake => {
        this.#onIdle = wake;
      });
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#scheduledAt = this.#clock.monotonic();
    this.#turnedAt = Number.NEGATIVE_INFINITY;
    setImmediate(this.#turn);
  }

  /**
   * A commit costs as much as several updates. So it waits as long as the event loop has other work, which may bring more of
   * them: at least a turn, at most a millisecond.
   */
  readonly #turn = (): void => {
    const now = this.#clock.monotonic();
    const busy = now - this.#turnedAt >= BUSY_TURN;
    this.#turnedAt = now;
    if (busy && now - this.#scheduledAt < COLLECT_TIME && this.#queue.length < BATCH_LIMIT) {
      setImmediate(this.#turn);
      return;
    }
    this.#scheduled = false;
    this.#flush();
    this.#onIdle?.();
  };

  #flush(): void {
    let batch = this.#queue;
    try {
      const database = this.#keeper.current();
      if (!database) return; // the keeper will say when
      this.#queue = batch.length > BATCH_LIMIT ? batch.slice(BATCH_LIMIT) : [];
      if (batch.length > BATCH_LIMIT) batch = batch.slice(0, BATCH_LIMIT);
      const { written, held } = runBatch(database, batch);
      this.#keeper.wrote(written);
      if (held.length > 0) this.#hold(held);
    } catch (error) {
      if (batch === this.#queue) this.#queue = [];
      const failure = this.#keeper.failed(error);
      for (const update of batch) update.reject(failure);
    }
    if (this.#queue.length > 0) this.#schedule();
  }

  #hold(updates: readonly Update[]): void {
    if (this.#held.length === 0) this.#retryLater();
    this.#held.push(...updates);
  }

  #retryLater(): void {
    this.#timers.after(this.#retryAfter, () => this.#retry());
    this.#retryAfter = Math.min(this.#retryAfter * 2, RETRY.last);
  }

  /** All that is held goes back to the queue when the lock is free; it is not worked through again before. */
  #retry(): void {
    if (this.#isLocked()) {
      this.#giveUpOld();
      if (this.#held.length > 0) this.#retryLater();
    } else {
      this.#retryAfter = RETRY.first;
      this.#queue = this.#held.concat(this.#queue);
      this.#held = [];
      this.#schedule();
    }
    this.#onIdle?.();
  }

  #isLocked(): boolean {
    try {
      return this.#keeper.current()?.isLocked ?? true;
    } catch {
      return false; // whatever it is, the next batch meets it, and reports it
    }
  }

  #giveUpOld(): void {
    const limit = this.#clock.monotonic() - this.#patience;
    const old = this.#held.filter(update => update.since <= limit);
    if (old.length === 0) return;
    this.#held = this.#held.filter(update => update.since > limit);
    const failure = new StoreError(
      `${this.#path}: another process has locked the database for more than ${this.#patience / 1000} s`,
    );
    for (const update of old) update.reject(failure);
  }

  #adaptSlice(time: number): void {
    if (time < SLICE.time / 2) this.#sliceRows = Math.min(this.#sliceRows * 2, SLICE.most);
    else if (time > SLICE.time) this.#sliceRows = Math.max(this.#sliceRows >> 1, SLICE.fewest);
  }

  #closedError(): StoreError {
    return new StoreError(`${this.#path}: the store is closed`);
  }
}
