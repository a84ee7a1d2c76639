/**
 * The ring of the last decisions on SQLite: a table beside the triplets', on the same connection, in transactions of its own.
 * The texts are JSON, which is well-formed whatever a client said. Rows are numbered, so that the oldest are found without an index; an id is looked for in all of them, which a person can wait for.
 */
import type Database from 'better-sqlite3';
import type { HistoryRow, HistoryStore } from '../history/history-store.ts';
import type { OpenDatabase } from './open-database.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

interface Statements {
  readonly add: Database.Statement;
  readonly drop: Database.Statement;
  readonly find: Database.Statement;
}

export class SqliteHistory implements HistoryStore {
  readonly #keeper: OpenDatabase;
  /** Those of the database in use: it may be opened anew. */
  readonly #statements = new WeakMap<SqliteDatabase, Statements>();

  constructor(keeper: OpenDatabase) {
    this.#keeper = keeper;
  }

  append(rows: readonly HistoryRow[], size: number): void {
    try {
      const database = this.#keeper.require();
      const { add, drop } = this.#on(database);
      try {
        database.begin();
        for (const { id, text } of rows) add.run(id, text);
        drop.run(size);
        database.commit();
      } finally {
        database.rollback();
      }
      this.#keeper.wrote(rows.length);
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  find(id: string): HistoryRow | undefined {
    try {
      const text = this.#on(this.#keeper.require()).find.get(id) as string | undefined;
      return text === undefined ? undefined : { id, text };
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  #on(database: SqliteDatabase): Statements {
    const known = this.#statements.get(database);
    if (known !== undefined) return known;
    const statements = {
      add: database.prepare('INSERT INTO decision (id, text) VALUES (?, ?)'),
      drop: database.prepare('DELETE FROM decision WHERE number <= (SELECT max(number) FROM decision) - ?'),
      find: database.prepare('SELECT text FROM decision WHERE id = ? ORDER BY number DESC LIMIT 1').pluck(),
    };
    this.#statements.set(database, statements);
    return statements;
  }
}
