/**
 * The stores of a daemon: triplets, notes and the last decisions, in one database.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../greylist/store.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { NoteStore } from '../learning/note-store.ts';
import type { Logger } from '../log/logger.ts';
import { otherUsers } from './database-users.ts';

export interface Stores {
  readonly store: Store;
  readonly notes: NoteStore;
  /** Undefined in memory: nobody could look there from outside. */
  readonly history: HistoryStore | undefined;
}

export interface StoreDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export const IN_MEMORY = ':memory:';

/** Triplets bear it; what is learned is kept in mind by each daemon, and written over the other's. */
const SHARED =
  'another process has the database open: if it is a second daemon, give each its own; they hold each other up, and one does not see what the other learns';

const SYNCHRONOUS = { normal: 'NORMAL', full: 'FULL' } as const;

/** Opens the database at this path, or makes it; warns if somebody else has it open. Rejects with `StoreError`. */
export async function openStores(path: string, { synchronous }: Config, deps: StoreDeps): Promise<Stores> {
  if (path === IN_MEMORY) return openInMemory();
  const { openSqliteStore } = await import('../stores/sqlite-store.ts');
  const others = otherUsers(path);
  if (others.length > 0) deps.logger.warn(SHARED, { database: path, process: others.join(' ') });
  const store = await openSqliteStore({ path, synchronous: SYNCHRONOUS[synchronous], thread: true, ...deps });
  return { store, notes: store.notes, history: store.history };
}

/** Empty ones that nobody else sees. */
async function openInMemory(): Promise<Stores> {
  const [{ createMemoryStore }, { createMemoryNotes }] = await Promise.all([
    import('../stores/memory-store.ts'),
    import('../stores/memory-notes.ts'),
  ]);
  return { store: createMemoryStore(), notes: createMemoryNotes(), history: undefined };
}

/** What there is to look at where there is no database. */
export function lookAtNothing(): Stores {
  const sweep = { removed: 0, more: false };
  return {
    store: {
      update: async (_triplet, decide) => decide(undefined).answer,
      get: async () => undefined,
      sweep: async () => sweep,
      close: async () => {},
    },
    notes: { read: () => undefined, keys: () => [], write: async () => {}, sweep: async () => sweep },
    history: undefined,
  };
}

/** The database at this path as it is, to be looked at only. Rejects with `StoreError`. */
export async function lookAtStores(path: string): Promise<Stores> {
  const { openReadOnlyStore } = await import('../stores/read-only-store.ts');
  const store = openReadOnlyStore(path);
  return { store, notes: store.notes, history: store.history };
}
