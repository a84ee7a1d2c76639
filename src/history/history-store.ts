/**
 * The port for the last decisions: a ring of texts that are found by id. Adapters (`src/stores/`) keep it beside the triplets.
 */

export interface HistoryRow {
  readonly id: string;
  readonly text: string;
}

export interface HistoryStore {
  /**
   * Adds rows, the oldest first, and drops the oldest beyond `size` in all, of many a part at a time; tells how many were dropped.
   * Or does nothing and rejects with a `StoreError`.
   */
  append(rows: readonly HistoryRow[], size: number): Promise<number>;
  /** The row with this id, the latest if there are several. Throws a `StoreError`. */
  find(id: string): HistoryRow | undefined;
}
