/**
 * Makes a database with any number of triplets in the time that writing it once takes: rows are inserted in the order of
 * their ids, without the store. Every triplet has passed and was last seen now, unless `entry` says otherwise.
 */
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Entry, Triplet } from '../src/greylist/store.ts';
import { SqliteDatabase } from '../src/stores/sqlite-database.ts';
import { tripletId } from '../src/stores/triplet-id.ts';

const ROWS_A_TRANSACTION = 100_000;

export async function fillDatabase(
  path: string,
  rows: number,
  tripletAt: (index: number) => Triplet,
  entry: Entry = { firstSeen: Date.now() - 600_000, lastSeen: Date.now(), passed: Date.now(), attempts: 2 },
): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  new SqliteDatabase(path, { synchronous: 'NORMAL' }).close();
  const database = new Database(path);
  database.pragma('journal_mode = DELETE');
  database.pragma('synchronous = OFF');
  const salt = database.prepare(`SELECT value FROM meta WHERE name = 'salt'`).pluck().get() as string;
  const ids = new Float64Array(rows);
  for (let index = 0; index < rows; index++) ids[index] = tripletId(salt, tripletAt(index));
  const order = Uint32Array.from(ids.keys()).sort((one, other) => ids[one]! - ids[other]!);
  const insert = database.prepare('INSERT INTO triplet VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const write = database.transaction((from: number) => {
    for (const index of order.subarray(from, from + ROWS_A_TRANSACTION)) {
      const { network, sender, recipient } = tripletAt(index);
      insert.run(ids[index], network, sender, recipient, entry.firstSeen, entry.lastSeen, entry.passed, entry.attempts);
    }
  });
  for (let from = 0; from < rows; from += ROWS_A_TRANSACTION) write(from);
  database.close();
}
