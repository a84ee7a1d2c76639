/**
 * The ring of the last decisions on SQLite. The texts are JSON, which is well-formed whatever a client said. Rows are numbered, so
 * that the oldest are found without an index; an id is looked for in all of them, which a person can wait for.
 */
import type { HistoryRow } from '../history/history-store.ts';
import { type OpenDatabase, SideTable } from './side-table.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Rows dropped at a time: a history that was made much smaller shrinks step by step, since mail waits meanwhile. */
const MOST_DROPPED = 1_000;

export class SqliteHistory {
  readonly #table: SideTable<ReturnType<typeof prepare>>;

  constructor(open: OpenDatabase) {
    this.#table = new SideTable(open, prepare);
  }

  append(rows: readonly HistoryRow[], size: number): number {
    const written = this.#table.write(({ add, drop }) => {
      for (const { id, text } of rows) add.run(id, text);
      return rows.length + drop.run(size, MOST_DROPPED).changes;
    });
    return written - rows.length;
  }

  find(id: string): HistoryRow | undefined {
    const text = this.#table.read(({ find }) => find.get(id)) as string | undefined;
    return text === undefined ? undefined : { id, text };
  }
}

function prepare(database: SqliteDatabase) {
  return {
    add: database.prepare('INSERT INTO decision (id, text) VALUES (?, ?)'),
    drop: database.prepare(
      'DELETE FROM decision WHERE number <= (SELECT max(number) FROM decision) - ? ' +
        'AND number < (SELECT min(number) FROM decision) + ?',
    ),
    find: database.prepare('SELECT text FROM decision WHERE id = ? ORDER BY number DESC LIMIT 1').pluck(),
  };
}
