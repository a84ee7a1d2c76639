/**
 * A batch: updates that share one transaction. They run in order, each seeing what those before it stored, and are told
 * their answers when all is committed.
 */
import type { Entry, Step, Triplet } from '../greylist/store.ts';
import type { Place, SqliteDatabase } from './sqlite-database.ts';
import { isBusy } from './sqlite-error.ts';

/** An update that waits for its turn, and the promise made for it. */
export interface Update {
  readonly triplet: Triplet;
  readonly decide: (stored: Entry | undefined) => Step<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When it came, in milliseconds on the monotonic clock. */
  readonly since: number;
}

/** What became of a batch: rows written, and the updates that another process's lock holds up; the others are settled. */
export interface BatchResult {
  readonly written: number;
  readonly held: readonly Update[];
}

/**
 * Runs a batch. An update that stores nothing needs no lock and is answered in any case. Throws what SQLite throws for any
 * other reason than a lock; then nothing is stored and no update is settled.
 */
export function runBatch(database: SqliteDatabase, batch: readonly Update[]): BatchResult {
  const held = new Set<Update>();
  const done: Update[] = [];
  const answers: unknown[] = [];
  const failed: (() => void)[] = [];
  let written = 0;
  try {
    database.begin();
    for (const update of batch) {
      const place = database.find(update.triplet);
      let step: Step<unknown>;
      try {
        step = update.decide(place.entry);
      } catch (error) {
        failed.push(() => update.reject(error));
        continue;
      }
      if (step.store !== undefined) {
        if (held.size > 0 || !tryPut(database, place, step.store, written > 0)) {
          held.add(update);
          continue;
        }
        written++;
      }
      done.push(update);
      answers.push(step.answer);
    }
    database.commit();
  } catch (error) {
    database.rollback();
    if (!isBusy(error)) throw error;
    return { written: 0, held: batch };
  }
  done.forEach((update, index) => {
    update.resolve(answers[index]);
  });
  for (const reject of failed) reject();
  return { written, held: [...held] };
}

/** Whether the lock was free. With a row written before, it is ours already. */
function tryPut(database: SqliteDatabase, place: Place, entry: Entry, locked: boolean): boolean {
  try {
    database.put(place, entry);
    return true;
  } catch (error) {
    if (locked || !isBusy(error)) throw error;
    return false;
  }
}
