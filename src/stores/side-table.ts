/**
 * A table beside the triplets', on the same connection, in transactions of its own. Nothing in here waits: if another process has
 * the lock, a change throws, and who wanted it tries again or lets it be.
 */
import type { StoreError } from '../greylist/store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Who keeps the database open. */
export interface OpenDatabase {
  /** The database; throws a StoreError if there is none at the moment. */
  require(): SqliteDatabase;
  /** Counts rows that were written. */
  wrote(rows: number): void;
  /** Makes a StoreError of what SQLite threw. */
  failed(error: unknown): StoreError;
}

export class SideTable<Statements> {
  readonly #open: OpenDatabase;
  readonly #prepare: (database: SqliteDatabase) => Statements;
  /** Those of the database in use: it may be opened anew. */
  readonly #statements = new WeakMap<SqliteDatabase, Statements>();

  constructor(open: OpenDatabase, prepare: (database: SqliteDatabase) => Statements) {
    this.#open = open;
    this.#prepare = prepare;
  }

  /** Reads. Throws a StoreError. */
  read<T>(ask: (statements: Statements) => T): T {
    try {
      return ask(this.#on(this.#open.require()));
    } catch (error) {
      throw this.#open.failed(error);
    }
  }

  /** Makes changes, all or none; `make` returns how many rows it wrote. Throws a StoreError. */
  write(make: (statements: Statements) => number): number {
    try {
      const database = this.#open.require();
      const statements = this.#on(database);
      let rows = 0;
      try {
        database.begin();
        rows = make(statements);
        database.commit();
      } finally {
        database.rollback();
      }
      this.#open.wrote(rows);
      return rows;
    } catch (error) {
      throw this.#open.failed(error);
    }
  }

  #on(database: SqliteDatabase): Statements {
    const known = this.#statements.get(database);
    if (known !== undefined) return known;
    const statements = this.#prepare(database);
    this.#statements.set(database, statements);
    return statements;
  }
}
