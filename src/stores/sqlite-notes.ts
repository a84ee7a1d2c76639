/**
 * The note store on SQLite: a table beside the triplets', on the same connection, in transactions of its own. Nothing in here
 * waits: if another process has the lock, a write throws, and who writes tries again.
 */
import type Database from 'better-sqlite3';
import type { Change, Note, NoteStore } from '../learning/note-store.ts';
import { decodeLossless, encodeLossless } from './lossless-text.ts';
import type { OpenDatabase } from './open-database.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Notes that one slice of a sweep removes at most: a few milliseconds' worth. */
const SLICE = 200;

interface Statements {
  readonly read: Database.Statement;
  readonly keys: Database.Statement;
  readonly put: Database.Statement;
  readonly remove: Database.Statement;
  readonly sweep: Database.Statement;
}

export class SqliteNotes implements NoteStore {
  readonly #keeper: OpenDatabase;
  /** Those of the database in use: it may be opened anew. */
  readonly #statements = new WeakMap<SqliteDatabase, Statements>();

  constructor(keeper: OpenDatabase) {
    this.#keeper = keeper;
  }

  read(kind: string, key: string): Note | undefined {
    try {
      const row = this.#on(this.#keeper.require()).read.get(kind, encodeLossless(key)) as [string, number] | undefined;
      return row && { text: row[0], until: row[1] };
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  keys(kind: string, after: string, most: number): readonly string[] {
    try {
      const keys = this.#on(this.#keeper.require()).keys.all(kind, encodeLossless(after), most) as readonly string[];
      return keys.map(decodeLossless);
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  write(changes: readonly Change[]): void {
    try {
      const database = this.#keeper.require();
      const { put, remove } = this.#on(database);
      try {
        database.begin();
        for (const { kind, key, note } of changes) {
          if (note === undefined) remove.run(kind, encodeLossless(key));
          else put.run(kind, encodeLossless(key), note.text, Math.ceil(note.until));
        }
        database.commit();
      } finally {
        database.rollback();
      }
      this.#keeper.wrote(changes.length);
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  sweep(now: number): { removed: number; more: boolean } {
    try {
      const { changes } = this.#on(this.#keeper.require()).sweep.run(now, SLICE);
      this.#keeper.wrote(changes);
      return { removed: changes, more: changes === SLICE };
    } catch (error) {
      throw this.#keeper.failed(error);
    }
  }

  #on(database: SqliteDatabase): Statements {
    const known = this.#statements.get(database);
    if (known !== undefined) return known;
    const statements = {
      read: database.prepare('SELECT text, until FROM note WHERE kind = ? AND key = ?').raw(),
      keys: database.prepare('SELECT key FROM note WHERE kind = ? AND key > ? ORDER BY key LIMIT ?').pluck(),
      put: database.prepare('INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?)'),
      remove: database.prepare('DELETE FROM note WHERE kind = ? AND key = ?'),
      sweep: database.prepare(
        'DELETE FROM note WHERE rowid IN (SELECT rowid FROM note WHERE until < ? ORDER BY until LIMIT ?)',
      ),
    };
    this.#statements.set(database, statements);
    return statements;
  }
}
