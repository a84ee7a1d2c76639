/**
 * A daemon's database, to be looked at from another process while the daemon works with it. What would be stored is worked
 * out and dropped.
 */
import { closeSync, openSync } from 'node:fs';
import { resolve as absolute } from 'node:path';
import { StoreError } from '../greylist/store.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import { storeError } from './sqlite-error.ts';
import { SqliteHistory } from './sqlite-history.ts';
import { SqliteNotes } from './sqlite-notes.ts';
import type { NotingStore } from './sqlite-store.ts';

/** Throws a StoreError if there is no such file, if we may not read it, or if it is no database of ours of the present version. */
export function openReadOnlyStore(file: string): NotingStore {
  const path = absolute(file);
  const failed = (error: unknown): ReturnType<typeof storeError> => storeError(path, error);
  let database: SqliteDatabase;
  try {
    database = new SqliteDatabase(path, { synchronous: 'NORMAL', readOnly: true });
  } catch (error) {
    throw unreadable(path, error as { code?: string }) ?? failed(error);
  }
  const open = { require: () => database, wrote: () => {}, failed };
  const notes = new SqliteNotes(open);
  const history = new SqliteHistory(open);
  const nothingSwept = { removed: 0, more: false };
  return {
    async update(triplet, decide) {
      return decide(database.find(triplet).entry).answer;
    },
    async get(triplet) {
      return database.find(triplet).entry;
    },
    sweep: async () => nothingSwept,
    close: async () => database.close(),
    notes: {
      read: (kind, key) => notes.read(kind, key),
      keys: (kind, after, most) => notes.keys(kind, after, most),
      write: async () => {},
      sweep: async () => nothingSwept,
    },
    history: { append: async () => 0, find: id => history.find(id) },
  };
}

/** Why a file can't be opened, which SQLite does not say. */
function unreadable(path: string, { code }: { code?: string }): StoreError | undefined {
  if (code !== 'SQLITE_CANTOPEN') return undefined;
  try {
    closeSync(openSync(path, 'r'));
    return undefined;
  } catch (error) {
    return new StoreError(`${path}: the database can not be read (${(error as Error).message})`, { cause: error });
  }
}
