/**
 * The last decisions in memory: nothing outlives the process.
 */
import type { HistoryRow, HistoryStore } from '../history/history-store.ts';

export function createMemoryHistory(): HistoryStore {
  const rows: HistoryRow[] = [];
  return {
    append(more, size) {
      rows.push(...more);
      rows.splice(0, Math.max(0, rows.length - size));
    },
    find: id => rows.findLast(row => row.id === id),
  };
}
