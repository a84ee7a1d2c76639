/**
 * Keeps a database open, its log short, and a companion beside it: something with a connection of its own. Once a second, if it is asked for, it looks whether the file is still there: one
 * that was deleted or replaced takes what is written to it to the grave. Then, and when SQLite finds it corrupt, it is opened
 * anew; an empty one is made if there is none. A corrupt file is never deleted or overwritten.
 */
import type { Clock } from '../clock.ts';
import { StoreError } from '../greylist/store.ts';
import type { Logger } from '../log/logger.ts';
import { Checkpointer } from './checkpointer.ts';
import type { DatabaseOptions } from './database-options.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { isCorrupt, storeError } from './sqlite-error.ts';

export interface KeeperOptions extends DatabaseOptions {
  /** Absolute path of the database file. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Something that works on the database with a connection of its own, and has to let go of it before it is opened anew. */
export interface Companion {
  /** Resolves when its connection is closed. */
  close(): Promise<void>;
}

export interface KeeperEvents {
  /** `current` has something new to say. */
  readonly onReady: () => void;
  /** The database is open: starts what is to work beside it. */
  readonly companion?: () => Companion;
}

/** Milliseconds between two looks whether the file is in place, and between two tries to open it. */
const LOOK_INTERVAL = 1_000;
/** Milliseconds after an opening before corruption is a reason for another. */
const CORRUPT_INTERVAL = 60_000;

export class DatabaseKeeper {
  readonly #options: KeeperOptions;
  readonly #events: KeeperEvents;
  #database: SqliteDatabase | undefined;
  #checkpointer: Checkpointer;
  #companion: Companion | undefined;
  #failure: StoreError | undefined;
  #renewal: Promise<void> | undefined;
  #openedAt: number;
  #lookedAt: number;

  /** Takes over an open database. */
  constructor(options: KeeperOptions, database: SqliteDatabase, events: KeeperEvents) {
    this.#options = options;
    this.#events = events;
    this.#database = database;
    this.#checkpointer = this.#newCheckpointer();
    this.#companion = events.companion?.();
    this.#openedAt = this.#lookedAt = options.clock.monotonic();
  }

  /** The database; undefined while it is being opened anew. Throws a StoreError if that failed. */
  current(): SqliteDatabase | undefined {
    const now = this.#options.clock.monotonic();
    if (now - this.#lookedAt >= LOOK_INTERVAL) {
      this.#lookedAt = now;
      this.#look();
    }
    if (this.#failure) throw this.#failure;
    return this.#database;
  }

  /** The database; throws a StoreError if there is none at the moment. */
  require(): SqliteDatabase {
    const database = this.current();
    if (!database) throw new StoreError(`${this.#options.path}: the database is being opened anew`);
    return database;
  }

  /** Counts pages that were written, about: a row mostly takes one of its own. */
  wrote(pages: number): void {
    if (pages > 0) this.#checkpointer.wrote(pages);
  }

  /** Makes a StoreError of what SQLite threw, and sees whether something must be done about it. */
  failed(error: unknown): StoreError {
    if (isCorrupt(error)) this.corrupted();
    return storeError(this.#options.path, error);
  }

  /** Somebody's connection found the file corrupt: it is opened anew, once in a while. */
  corrupted(): void {
    if (!this.#database || this.#options.clock.monotonic() - this.#openedAt < CORRUPT_INTERVAL) return;
    this.#renew('the database is corrupt');
  }

  async close(): Promise<void> {
    await this.#renewal;
    await this.#closeOthers();
    this.#database?.close();
    this.#database = undefined;
  }

  #look(): void {
    if (this.#failure) this.#open();
    else if (this.#database && !this.#database.inPlace) this.#renew('the database file was deleted or replaced');
  }

  #renew(why: string): void {
    const { logger, path } = this.#options;
    logger.error(`${why}; opening it anew`, { file: path });
    const old = this.#database;
    this.#database = undefined;
    // Two connections of one process to two files at one path would not notice each other: so all of the old ones go first.
    this.#renewal = this.#closeOthers().then(() => {
      try {
        old?.abandon();
      } catch (error) {
        logger.warn('the old database did not close well', { file: path, cause: String(error) });
      }
      this.#open();
      this.#renewal = undefined;
      this.#events.onReady();
    });
  }

  async #closeOthers(): Promise<void> {
    await Promise.all([this.#companion?.close(), this.#checkpointer.close()]);
  }

  #open(): void {
    const { clock, logger, path } = this.#options;
    try {
      this.#database = new SqliteDatabase(path, this.#options);
      this.#checkpointer = this.#newCheckpointer();
      this.#companion = this.#events.companion?.();
      this.#failure = undefined;
      this.#openedAt = clock.monotonic();
      logger.warn('the database is open again', { file: path });
    } catch (error) {
      if (!this.#failure) logger.error('the database can not be opened', { file: path, cause: String(error) });
      this.#failure = storeError(path, error);
    }
  }

  #newCheckpointer(): Checkpointer {
    const { path, logger } = this.#options;
    const descriptor = (): number => (this.#database as SqliteDatabase).descriptor;
    return new Checkpointer({ path, logger, descriptor, onLost: () => this.#database?.checkpointByItself() });
  }
}
