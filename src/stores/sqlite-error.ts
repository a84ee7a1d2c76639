/**
 * What SQLite says, in an administrator's words.
 */
import Database from 'better-sqlite3';
import { StoreError } from '../greylist/store.ts';

/** The cause in words by the error code's first two parts, where SQLite's own message says too little. */
const CAUSES: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'the disk is full, or the database has reached its largest size',
  SQLITE_CORRUPT: 'the database is corrupt; stop the daemon and move the file away, or repair it with sqlite3 .recover',
  SQLITE_NOTADB: 'the file is not an SQLite database, or is corrupt; move it away or name another',
  SQLITE_READONLY: 'the file or its folder can not be written to',
  SQLITE_CANTOPEN: 'the file can not be opened; its folder must exist and be writable',
  SQLITE_IOERR: 'reading or writing failed',
  SQLITE_BUSY: 'another process has locked the database',
};

/** `error` as a StoreError that names the file; StoreErrors stay what they are. */
export function storeError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = CAUSES[codeOf(error).split('_', 2).join('_')];
  return new StoreError(`${path}: ${cause === undefined ? message : `${cause} (${message})`}`, { cause: error });
}

/** Whether another connection has the lock, and trying again may help. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED';
}

/** Whether the file is not what it was when it was opened. */
export function isCorrupt(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

function codeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : '';
}
