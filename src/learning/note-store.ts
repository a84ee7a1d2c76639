/**
 * The port for what has been learned: notes, a kind and a key to a text, that lapse at a time of their own. Adapters
 * (`src/stores/`) keep them beside the triplets; what they mean is told by those who write them. Reading is synchronous,
 * since every recipient may need it; a `Notebook` keeps what was read.
 */

export interface Note {
  readonly text: string;
  /** Epoch milliseconds after which it is void, and may be swept. */
  readonly until: number;
}

/** A note to store, or to remove. */
export interface Change {
  readonly kind: string;
  readonly key: string;
  readonly note: Note | undefined;
}

export interface NoteStore {
  /** Reads one note, lapsed ones too; throws a `StoreError`. */
  read(kind: string, key: string): Note | undefined;
  /** The keys of a kind that follow `after`, in an order that stays, so many at most; the first follows the empty one. */
  keys(kind: string, after: string, most: number): readonly string[];
  /** Makes all of these changes, or none and rejects with a `StoreError`. */
  write(changes: readonly Change[]): Promise<void>;
  /** Removes notes that lapsed before `now` for a few milliseconds at most; says how many, and whether there may be more. */
  sweep(now: number): Promise<{ readonly removed: number; readonly more: boolean }>;
}
