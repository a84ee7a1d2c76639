/**
 * What tables beside the triplets' need of whoever keeps the database open.
 */
import type { StoreError } from '../greylist/store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

export interface OpenDatabase {
  /** The database; throws a StoreError if there is none at the moment. */
  require(): SqliteDatabase;
  /** Counts rows that were written. */
  wrote(rows: number): void;
  /** Makes a StoreError of what SQLite threw. */
  failed(error: unknown): StoreError;
}
