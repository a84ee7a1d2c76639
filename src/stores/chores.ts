/**
 * What is done in a database besides judging attempts: sweeping, and storing notes and past decisions. As data, so that it can
 * be handed to the store's thread; done wherever the connection is.
 */
import type { Clock } from '../clock.ts';
import type { Expiry } from '../greylist/store.ts';
import type { HistoryRow } from '../history/history-store.ts';
import type { Change } from '../learning/note-store.ts';
import type { OpenDatabase } from './side-table.ts';
import { isBusy } from './sqlite-error.ts';
import { SqliteHistory } from './sqlite-history.ts';
import { SqliteNotes } from './sqlite-notes.ts';
import { Sweep } from './sweep.ts';

export type Chore =
  | { readonly sweep: Expiry }
  /** Epoch milliseconds: notes that lapsed before. */
  | { readonly sweepNotes: number }
  | { readonly notes: readonly Change[] }
  | { readonly decisions: readonly HistoryRow[]; readonly size: number };

/** What a chore has come to: how many rows it removed, and, of a sweep, whether there may be more. */
export interface Swept {
  readonly removed: number;
  readonly more: boolean;
}

export class Chores {
  readonly #open: OpenDatabase;
  readonly #sweep: Sweep;
  readonly notes: SqliteNotes;
  readonly history: SqliteHistory;

  constructor(open: OpenDatabase, clock: Pick<Clock, 'monotonic'>) {
    this.#open = open;
    this.#sweep = new Sweep(clock);
    this.notes = new SqliteNotes(open);
    this.history = new SqliteHistory(open);
  }

  /** Throws a `StoreError`; nothing is done then. */
  run(chore: Chore): Swept {
    if ('sweep' in chore) return this.#sweepSlice(chore.sweep);
    if ('sweepNotes' in chore) return this.notes.sweep(chore.sweepNotes);
    if ('decisions' in chore) return { removed: this.history.append(chore.decisions, chore.size), more: false };
    this.notes.write(chore.notes);
    return { removed: 0, more: false };
  }

  #sweepSlice(expiry: Expiry): Swept {
    try {
      const { removed, more, pages } = this.#sweep.slice(this.#open.require(), expiry);
      this.#open.wrote(pages);
      return { removed, more };
    } catch (error) {
      if (isBusy(error)) return { removed: 0, more: true };
      throw this.#open.failed(error);
    }
  }
}
