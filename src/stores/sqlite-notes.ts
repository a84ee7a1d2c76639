/**
 * Notes on SQLite: a table beside the triplets', in transactions of its own. Nothing in here waits: if another connection has
 * the lock, a write throws, and who writes tries again.
 */
import type { Change, Note } from '../learning/note-store.ts';
import { decodeLossless, encodeLossless } from './lossless-text.ts';
import { type OpenDatabase, SideTable } from './side-table.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Notes that one slice of a sweep removes at most: a few milliseconds' worth. */
const SLICE = 200;

export class SqliteNotes {
  readonly #table: SideTable<ReturnType<typeof prepare>>;

  constructor(open: OpenDatabase) {
    this.#table = new SideTable(open, prepare);
  }

  read(kind: string, key: string): Note | undefined {
    const row = this.#table.read(({ read }) => read.get(kind, encodeLossless(key))) as [string, number] | undefined;
    return row && { text: row[0], until: row[1] };
  }

  keys(kind: string, after: string, most: number): readonly string[] {
    const stored = this.#table.read(({ keys }) => keys.all(kind, encodeLossless(after), most));
    return (stored as readonly string[]).map(decodeLossless);
  }

  write(changes: readonly Change[]): void {
    this.#table.write(({ put, remove }) => {
      for (const { kind, key, note } of changes) {
        if (note === undefined) remove.run(kind, encodeLossless(key));
        else put.run(kind, encodeLossless(key), note.text, Math.ceil(note.until));
      }
      return changes.length;
    });
  }

  sweep(now: number): { removed: number; more: boolean } {
    const removed = this.#table.write(({ sweep }) => sweep.run(now, SLICE).changes);
    return { removed, more: removed === SLICE };
  }
}

function prepare(database: SqliteDatabase) {
  return {
    read: database.prepare('SELECT text, until FROM note WHERE kind = ? AND key = ?').raw(),
    keys: database.prepare('SELECT key FROM note WHERE kind = ? AND key > ? ORDER BY key LIMIT ?').pluck(),
    put: database.prepare('INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?)'),
    remove: database.prepare('DELETE FROM note WHERE kind = ? AND key = ?'),
    sweep: database.prepare(
      'DELETE FROM note WHERE rowid IN (SELECT rowid FROM note WHERE until < ? ORDER BY until LIMIT ?)',
    ),
  };
}
