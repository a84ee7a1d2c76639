/**
 * The store port on SQLite. Updates that arrive together are one transaction (`update-queue.ts`): they are collected while the
 * event loop is busy. With `thread`, attempts are judged and stored in a thread of its own (`store-thread.ts`), so that
 * neither its work nor a slow disk is in the way of replies; what is rare stays here.
 *
 * If the file is deleted, replaced or corrupt, see `database-keeper.ts`: what waits goes to the new file, or rejects if there
 * is none.
 */
import { resolve as absolute } from 'node:path';
import type { Clock, Timers } from '../clock.ts';
import { type Judgement, judgeAttempt, type Question } from '../greylist/attempt.ts';
import { type Entry, type Expiry, type Step, type Store, StoreError, type Triplet } from '../greylist/store.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { NoteStore } from '../learning/note-store.ts';
import type { Logger } from '../log/logger.ts';
import { type Chore, Chores, type Swept } from './chores.ts';
import { DatabaseKeeper } from './database-keeper.ts';
import type { DatabaseOptions } from './database-options.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { isBusy, storeError } from './sqlite-error.ts';
import { StoreThread } from './store-thread.ts';
import { BATCH_LIMIT, UpdateQueue } from './update-queue.ts';

export interface SqliteStoreOptions extends DatabaseOptions {
  /** Path of the database file; its folder must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Milliseconds that the lock of another process may hold an update up; default 5,000. */
  readonly patience?: number;
  /** Whether attempts are judged and stored in a thread of its own; default no. */
  readonly thread?: boolean;
}

const PATIENCE = 5_000;
/** Milliseconds that a transaction is put off at most while the event loop has other work. */
const COLLECT_TIME = 1;
/** Milliseconds from which on a turn of the event loop has done some work: an idle one takes a microsecond or two. */
const BUSY_TURN = 0.01;
/** Milliseconds between two tries to open a database that another process has locked. */
const OPEN_AGAIN = 20;

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
      const store = new SqliteStore({ ...options, path, patience }, new SqliteDatabase(path, options));
      await store.started();
      return store;
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() >= end) throw storeError(path, error);
      await new Promise<void>(wake => timers.after(OPEN_AGAIN, wake));
    }
  }
}

class SqliteStore implements NotingStore {
  readonly notes: NoteStore;
  readonly history: HistoryStore;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #keeper: DatabaseKeeper;
  readonly #queue: UpdateQueue;
  readonly #chores: Chores;
  #thread: StoreThread | undefined;
  #scheduled = false;
  #scheduledAt = 0;
  #turnedAt = 0;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteStoreOptions & { readonly patience: number }, database: SqliteDatabase) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#keeper = new DatabaseKeeper(options, database, {
      onReady: () => this.#schedule(),
      ...(options.thread === true && { companion: () => this.#startThread(options) }),
    });
    this.#queue = new UpdateQueue(options, this.#keeper, () => this.#schedule());
    const chores = new Chores(this.#keeper, options.clock);
    this.#chores = chores;
    // Reading is for now and here; writing may be the thread's.
    this.notes = {
      read: (kind, key) => chores.notes.read(kind, key),
      keys: (kind, after, most) => chores.notes.keys(kind, after, most),
      write: async changes => void (await this.#chore({ notes: changes })),
      sweep: now => this.#chore({ sweepNotes: now }),
    };
    this.history = {
      append: async (decisions, size) => (await this.#chore({ decisions, size })).removed,
      find: id => chores.history.find(id),
    };
  }

  /** Resolves when the thread, if there is to be one, takes part. */
  async started(): Promise<void> {
    await this.#thread?.started;
  }

  update<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#update(triplet, decide);
  }

  judge(triplet: Triplet, question: Question): Promise<Judgement> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#readyThread()?.judge(triplet, question) ?? this.#judgeHere(triplet, question);
  }

  async get(triplet: Triplet): Promise<Entry | undefined> {
    if (this.#closing !== undefined) throw this.#closedError();
    try {
      return this.#keeper.require().find(triplet).entry;
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  async sweep(expiry: Expiry): Promise<Swept> {
    if (this.#closing !== undefined) throw this.#closedError();
    return this.#chore({ sweep: expiry });
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#keeper.close());
    return this.#closing;
  }

  /** What the thread leaves unanswered comes back to the queue. */
  async #drain(): Promise<void> {
    await this.#thread?.close();
    await this.#queue.idle();
  }

  /** The thread, if there is one that works on the database in use. */
  #readyThread(): StoreThread | undefined {
    if (this.#thread?.isReady !== true) return undefined;
    try {
      return this.#keeper.current() === undefined ? undefined : this.#thread;
    } catch {
      return undefined; // what is wrong is told to who asks without the thread
    }
  }

  #startThread(options: SqliteStoreOptions & { readonly patience: number }): StoreThread {
    const { path, logger, synchronous, maxPages, patience } = options;
    this.#thread = new StoreThread({
      work: { path, patience, options: { synchronous, maxPages } },
      logger,
      wrote: pages => this.#keeper.wrote(pages),
      onCorrupt: () => this.#keeper.corrupted(),
      instead: {
        judge: (triplet, question) => this.#judgeHere(triplet, question),
        chore: async chore => this.#chores.run(chore),
      },
    });
    return this.#thread;
  }

  async #chore(chore: Chore): Promise<Swept> {
    return this.#readyThread()?.chore(chore) ?? this.#chores.run(chore);
  }

  #judgeHere(triplet: Triplet, question: Question): Promise<Judgement> {
    return this.#update(triplet, stored => judgeAttempt(stored, question));
  }

  #update<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T> {
    const answer = this.#queue.add(triplet, decide);
    this.#schedule();
    return answer;
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
    this.#queue.flush();
  };

  #closedError(): StoreError {
    return new StoreError(`${this.#path}: the store is closed`);
  }
}
