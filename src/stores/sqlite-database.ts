/**
 * One open database: the statements, and nothing that waits. Every method runs to its end at once and throws what SQLite
 * throws; when to commit, retry and reopen is the store's affair (`sqlite-store.ts`).
 */
import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type Entry, type Expiry, StoreError, type Triplet } from '../greylist/store.ts';
import type { DatabaseOptions } from './database-options.ts';
import { encodeLossless } from './lossless-text.ts';
import { isBusy } from './sqlite-error.ts';
import { checkSchema, prepareSchema } from './sqlite-schema.ts';
import { type TripletId, tripletId } from './triplet-id.ts';

/** Where a triplet is, or belongs: its id (undefined if all are taken), its texts as stored, and its entry if there is one. */
export interface Place {
  readonly id: number | undefined;
  readonly key: Triplet;
  readonly entry: Entry | undefined;
}

type Row = readonly [
  id: number,
  network: string,
  sender: string,
  recipient: string,
  firstSeen: number,
  lastSeen: number,
  passed: number | null,
  attempts: number,
];

/**
 * How many ids a triplet may have: its hash and the following. All are looked at, also behind a gap, so a deleted row hides
 * nothing. With 52 bits even a second is hardly ever needed.
 */
const PROBES = 16;

/** SQLite would wait with the whole process standing still. The store tries again by itself. */
const BUSY_TIMEOUT = 0;

/** Kilobytes of pages kept in memory. Beyond that the system's own cache serves as well, and every connection has one. */
const CACHE_KB = 8_192;

/** A log that has grown beyond this is cut back when it starts anew; usually it stays below. */
const LOG_LIMIT_BYTES = 256 * 1024 * 1024;

export class SqliteDatabase {
  readonly #database: Database.Database;
  readonly #path: string;
  readonly #salt: string;
  readonly #id: TripletId;
  readonly #file: FileId | undefined;
  readonly #log: FileId | undefined;
  readonly #begin: Database.Statement;
  readonly #beginImmediate: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;
  readonly #find: Database.Statement;
  readonly #insert: Database.Statement;
  readonly #update: Database.Statement;
  readonly #sliceEnd: Database.Statement;
  readonly #deleteExpired: Database.Statement;
  #descriptor: number | undefined;

  /** Opens the database at an absolute path, and makes it (mode 0600, and so its log) if there is none. */
  constructor(path: string, options: DatabaseOptions) {
    this.#path = path;
    this.#id = options.tripletId ?? tripletId;
    const { readOnly = false } = options;
    if (!readOnly) createFile(path);
    const database = new Database(path, { fileMustExist: true, readonly: readOnly, timeout: BUSY_TIMEOUT });
    this.#database = database;
    try {
      if (database.readonly && !readOnly) throw new StoreError(`${path}: the file can not be written to`);
      this.#salt = readOnly ? checkSchema(database, path) : prepareSchema(database, path);
      database.pragma(`synchronous = ${options.synchronous}`);
      database.pragma('wal_autocheckpoint = 0');
      database.pragma(`cache_size = -${CACHE_KB}`);
      database.pragma(`journal_size_limit = ${LOG_LIMIT_BYTES}`);
      if (options.maxPages !== undefined) database.pragma(`max_page_count = ${options.maxPages}`);
      this.#begin = database.prepare('BEGIN');
      this.#beginImmediate = database.prepare('BEGIN IMMEDIATE');
      this.#commit = database.prepare('COMMIT');
      this.#rollback = database.prepare('ROLLBACK');
      this.#find = database
        .prepare(
          'SELECT id, network, sender, recipient, first_seen, last_seen, passed, attempts FROM triplet ' +
            'WHERE id >= ? AND id < ? ORDER BY id',
        )
        .raw();
      this.#insert = database.prepare('INSERT INTO triplet VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
      this.#update = database.prepare(
        'UPDATE triplet SET first_seen = ?, last_seen = ?, passed = ?, attempts = ? WHERE id = ?',
      );
      this.#sliceEnd = database.prepare('SELECT id FROM triplet WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?').pluck();
      this.#deleteExpired = database.prepare(
        'DELETE FROM triplet WHERE id > ? AND id <= ? ' +
          'AND CASE WHEN passed IS NULL THEN first_seen < ? ELSE last_seen < ? END',
      );
      this.#find.get(0, 0);
      this.#file = fileId(path);
      this.#log = fileId(`${path}-wal`);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** A statement on this connection, for a table besides the triplets' (`sqlite-notes.ts`). */
  prepare(sql: string): Database.Statement {
    return this.#database.prepare(sql);
  }

  /** Begins a transaction that takes the write lock with its first `put`, if it comes to one. */
  begin(): void {
    this.#begin.run();
  }

  /** Whether another process has the write lock. */
  get isLocked(): boolean {
    try {
      this.#beginImmediate.run();
    } catch (error) {
      if (isBusy(error)) return true;
      throw error;
    }
    this.rollback();
    return false;
  }

  commit(): void {
    this.#commit.run();
  }

  /** Ends the transaction, if SQLite has not done so by itself, with nothing stored. */
  rollback(): void {
    if (this.#database.inTransaction) this.#rollback.run();
  }

  find(triplet: Triplet): Place {
    const key = {
      network: encodeLossless(triplet.network),
      sender: encodeLossless(triplet.sender),
      recipient: encodeLossless(triplet.recipient),
    };
    const home = this.#id(this.#salt, key);
    const row = this.#find.get(home, home + PROBES) as Row | undefined;
    if (row === undefined) return { id: home, key, entry: undefined };
    if (holds(row, key)) return { id: row[0], key, entry: entryOf(row) };
    return this.#probe(home, key);
  }

  /** Stores an entry where `find` said its triplet belongs. */
  put({ id, key, entry: known }: Place, entry: Entry): void {
    const { firstSeen, lastSeen, passed, attempts } = entry;
    if (id === undefined) throw new StoreError(`${this.#path}: all ${PROBES} ids that a triplet may have are taken`);
    if (known) this.#update.run(firstSeen, lastSeen, passed, attempts, id);
    else this.#insert.run(id, key.network, key.sender, key.recipient, firstSeen, lastSeen, passed, attempts);
  }

  /**
   * Deletes what has expired among the `count` rows that follow id `after`. Returns how many were deleted and the id to go on
   * after, undefined at the end of the table.
   */
  deleteExpired(after: number, count: number, expiry: Expiry): { removed: number; next: number | undefined } {
    const next = this.#sliceEnd.get(after, count - 1) as number | undefined;
    const end = next ?? Number.MAX_SAFE_INTEGER;
    const { changes } = this.#deleteExpired.run(after, end, expiry.pendingBefore, expiry.passedBefore);
    return { removed: changes, next };
  }

  /** Lets SQLite move its log into the database by itself, in the midst of commits. */
  checkpointByItself(): void {
    this.#database.pragma('wal_autocheckpoint = 1000');
  }

  /** Whether the file at the path is still the one that was opened, and has something in it. */
  get inPlace(): boolean {
    const file = fileId(this.#path);
    return sameFile(this.#file, file) && file?.size !== 0n;
  }

  /**
   * A descriptor of the file, to flush it by. Only to be closed by `close` and `abandon`: closing any descriptor of a file takes
   * this process's locks on it away (fcntl(2)), so no other connection of ours may be open then.
   */
  get descriptor(): number {
    this.#descriptor ??= openSync(this.#path, 'r');
    return this.#descriptor;
  }

  close(): void {
    this.#database.close();
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /**
   * Closes a database whose file has been deleted, replaced or spoiled. A log left behind would be taken for the new file's,
   * and spoil it; so it goes, unless it is no longer ours. (A file that was emptied goes too, or closing would write the log
   * to it.)
   */
  abandon(): void {
    if (fileId(this.#path)?.size === 0n) rmSync(this.#path);
    this.close();
    if (!sameFile(this.#log, fileId(`${this.#path}-wal`))) return;
    rmSync(`${this.#path}-wal`, { force: true });
    rmSync(`${this.#path}-shm`, { force: true });
  }

  #probe(home: number, key: Triplet): Place {
    const rows = this.#find.all(home, home + PROBES) as readonly Row[];
    const row = rows.find(candidate => holds(candidate, key));
    if (row) return { id: row[0], key, entry: entryOf(row) };
    const taken = new Set(rows.map(([id]) => id));
    let id = home;
    while (taken.has(id)) id++;
    return { id: id < home + PROBES ? id : undefined, key, entry: undefined };
  }
}

interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
}

function fileId(path: string): FileId | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function sameFile(one: FileId | undefined, other: FileId | undefined): boolean {
  return one?.dev === other?.dev && one?.ino === other?.ino;
}

/**
 * SQLite would make the file with the umask's mode. It is not opened if it is there: closing it again would drop the locks
 * that this process has on it.
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return;
    throw new StoreError(`${path}: the database can not be made (${(error as Error).message})`, { cause: error });
  }
}

function holds(row: Row, key: Triplet): boolean {
  return row[3] === key.recipient && row[2] === key.sender && row[1] === key.network;
}

function entryOf(row: Row): Entry {
  return { firstSeen: row[4], lastSeen: row[5], passed: row[6], attempts: row[7] };
}
