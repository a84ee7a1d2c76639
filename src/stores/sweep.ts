/**
 * Sweeping a database: walks through all rows in the order of their ids, slice by slice, and deletes what has expired. The
 * slices are as large as takes about a millisecond.
 */
import type { Clock } from '../clock.ts';
import type { Expiry } from '../greylist/store.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

export interface SweepResult {
  readonly removed: number;
  /** Whether the walk is not at its end. */
  readonly more: boolean;
  /** Pages that were changed, about. */
  readonly pages: number;
}

/** Milliseconds that a slice should take, and the bounds within which its number of rows is adapted to that. */
const SLICE = { time: 1, fewest: 64, most: 8_192 };
/** Rows of a slice lie side by side: so many are in a page. */
const ROWS_A_PAGE = 20;

export class Sweep {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #cursor = Number.MIN_SAFE_INTEGER;
  #rows = SLICE.fewest;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Throws what SQLite throws; the slice is tried again next time. */
  slice(database: SqliteDatabase, expiry: Expiry): SweepResult {
    const start = this.#clock.monotonic();
    const { removed, next } = database.deleteExpired(this.#cursor, this.#rows, expiry);
    this.#cursor = next ?? Number.MIN_SAFE_INTEGER;
    this.#adapt(this.#clock.monotonic() - start);
    return { removed, more: next !== undefined, pages: Math.ceil(removed / ROWS_A_PAGE) };
  }

  #adapt(time: number): void {
    if (time < SLICE.time / 2) this.#rows = Math.min(this.#rows * 2, SLICE.most);
    else if (time > SLICE.time) this.#rows = Math.max(this.#rows >> 1, SLICE.fewest);
  }
}
