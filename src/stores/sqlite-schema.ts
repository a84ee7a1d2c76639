/**
 * The schema of the database and how an older one becomes the present one. `application_id` tells our databases from other
 * programs', `user_version` is the schema's version (https://www.sqlite.org/pragma.html).
 */
import { randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import { StoreError } from '../greylist/store.ts';

/** `mgrl` in ASCII. */
export const APPLICATION_ID = 0x6d67726c;

/**
 * What leads from each version to the next; the first makes an empty file a database.
 *
 * `triplet.id` is the triplet's hash with `meta.salt` or, if another has that id, one of the next few. Times are epoch
 * milliseconds. Texts are in the form of `lossless-text.ts`. `meta.log_starts` counts how often the write-ahead log was started
 * anew (`checkpoint-worker.ts`). `note` is what has been learned, `note.until` when it lapses.
 * `decision` is the ring of the last decisions, as JSON.
 */
const MIGRATIONS: readonly ((database: Database.Database) => void)[] = [
  database => {
    database.exec(`
      CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE triplet (
        id INTEGER PRIMARY KEY,
        network TEXT NOT NULL,
        sender TEXT NOT NULL,
        recipient TEXT NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        passed INTEGER,
        attempts INTEGER NOT NULL
      ) STRICT;
    `);
    database.prepare(`INSERT INTO meta VALUES ('salt', ?), ('log_starts', '0')`).run(randomBytes(16).toString('hex'));
  },
  database => {
    database.exec(`
      CREATE TABLE note (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        text TEXT NOT NULL,
        until INTEGER NOT NULL,
        UNIQUE (kind, key)
      ) STRICT;
      CREATE INDEX note_until ON note (until);
    `);
    // Until then senders were told apart exactly, and there was one prefix (greylist/key-forms.ts).
    const before = { current: { prefix4: 24, prefix6: 64, senderKey: 'exact' }, former: [] };
    database
      .prepare("INSERT INTO note SELECT 'forms', '', ?, ? WHERE EXISTS (SELECT 1 FROM triplet)")
      .run(JSON.stringify(before), Number.MAX_SAFE_INTEGER);
  },
  database => {
    database.exec(`
      CREATE TABLE decision (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        text TEXT NOT NULL
      ) STRICT;
    `);
  },
];

export const SCHEMA_VERSION: number = MIGRATIONS.length;

/**
 * Makes sure that the database is ours, in WAL mode and of the present version, and returns its salt. Throws a StoreError
 * that names `path` if it is not ours or newer; nothing is changed then.
 */
export function prepareSchema(database: Database.Database, path: string): string {
  const id = database.pragma('application_id', { simple: true });
  if (id !== APPLICATION_ID && !(id === 0 && isEmpty(database))) {
    throw new StoreError(`${path}: the SQLite database of another program (application_id ${id}); name another file`);
  }
  checkVersion(database, path);
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal') throw new StoreError(`${path}: this file system bears no write-ahead log (journal mode ${mode})`);
  if (versionOf(database) < SCHEMA_VERSION) database.transaction(migrate).immediate(database, path);
  return saltOf(database, path);
}

/**
 * The salt of a database that is ours and of the present version, without a change to it. Throws a StoreError that names
 * `path` if it is another's, or of another version.
 */
export function checkSchema(database: Database.Database, path: string): string {
  const id = database.pragma('application_id', { simple: true });
  if (id !== APPLICATION_ID) throw new StoreError(`${path}: not a database of this program`);
  checkVersion(database, path);
  const version = versionOf(database);
  if (version < SCHEMA_VERSION) {
    throw new StoreError(
      `${path}: has database version ${version}, and this program works with ${SCHEMA_VERSION}; the daemon converts it when it starts`,
    );
  }
  return saltOf(database, path);
}

function migrate(database: Database.Database, path: string): void {
  checkVersion(database, path); // once more: another process may have been faster
  for (const step of MIGRATIONS.slice(versionOf(database))) step(database);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma(`user_version = ${SCHEMA_VERSION}`);
}

function checkVersion(database: Database.Database, path: string): void {
  const version = versionOf(database);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${path}: has database version ${version}, this program supports up to ${SCHEMA_VERSION}; ` +
        'upgrade the program, or name another file',
    );
  }
}

function versionOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function isEmpty(database: Database.Database): boolean {
  return versionOf(database) === 0 && database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
}

function saltOf(database: Database.Database, path: string): string {
  const salt = database.prepare(`SELECT value FROM meta WHERE name = 'salt'`).pluck().get();
  if (typeof salt !== 'string') throw new StoreError(`${path}: the database has lost its salt; move it away`);
  return salt;
}
