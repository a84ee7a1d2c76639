/**
 * An SQLite store in a temporary directory, a logger that remembers, and looks at the file from outside.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemTimers } from '../../src/clock.ts';
import type { Entry, Triplet } from '../../src/greylist/store.ts';
import type { Fields, Logger } from '../../src/log/logger.ts';
import { type NotingStore, openSqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite-store.ts';
import { PATIENCE } from '../support/bell.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';

export class MemoryLogger implements Logger {
  readonly lines: string[] = [];
  readonly debug = (): void => {};
  readonly info = (message: string, fields?: Fields): void => this.#add('info', message, fields);
  readonly warn = (message: string, fields?: Fields): void => this.#add('warn', message, fields);
  readonly error = (message: string, fields?: Fields): void => this.#add('error', message, fields);

  #add(level: string, message: string, fields: Fields = {}): void {
    this.lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
  }
}

export interface Opened {
  readonly store: NotingStore;
  readonly path: string;
  /** Stands still: what the store does by the clock happens only when a test moves it. */
  readonly clock: FixedClock;
  readonly logger: MemoryLogger;
}

export async function openStore(owner: Owner, options: Partial<SqliteStoreOptions> = {}): Promise<Opened> {
  const path = options.path ?? join(tempDir(owner), 'greylist.db');
  const clock = new FixedClock();
  const logger = new MemoryLogger();
  const store = await openSqliteStore({
    synchronous: 'NORMAL',
    clock,
    timers: systemTimers,
    logger,
    ...options,
    path,
  });
  owner.after(() => store.close());
  return { store, path, clock, logger };
}

export const pending: Entry = { firstSeen: 1_000, lastSeen: 2_000, passed: null, attempts: 1 };

export function tripletAt(index: number): Triplet {
  return { network: '203.0.113.0/24', sender: `s${index}@example.net`, recipient: 'b@example.org' };
}

/** Runs one statement on a connection of its own and returns the rows. */
export function query(path: string, sql: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare(sql).raw().all();
  } finally {
    database.close();
  }
}

/** How many transactions the write-ahead log holds (https://www.sqlite.org/fileformat2.html#walformat). */
export function transactionsInLog(path: string): number {
  const log = readFileSync(`${path}-wal`);
  const pageSize = log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at < log.length; at += 24 + pageSize) if (log.readUInt32BE(at + 4) > 0) commits++;
  return commits;
}

/** Waits until `condition` holds; rejects after a minute. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
