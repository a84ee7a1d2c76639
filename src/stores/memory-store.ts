/**
 * The store port in memory: nothing outlives the process. When it is full, the triplet that was written to least recently
 * makes room, and whoever it belongs to is greylisted again.
 */
import { type Entry, type Expiry, type Step, type Store, StoreError, type Triplet } from '../greylist/store.ts';

export interface MemoryStoreOptions {
  /** The most triplets that are kept; a million, the default, take about 300 MB. */
  readonly limit?: number;
}

/** Triplets that one slice of a sweep looks at: about a millisecond's worth. */
const SLICE = 5_000;

export function createMemoryStore({ limit = 1_000_000 }: MemoryStoreOptions = {}): Store {
  return new MemoryStore(limit);
}

class MemoryStore implements Store {
  readonly #limit: number;
  /** In the order of writing, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** Where the sweep under way stands. It sees what is added behind it, and comes to an end all the same. */
  #walk: Iterator<[string, Entry]> | undefined;
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async update<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T> {
    this.#assertOpen();
    const key = keyOf(triplet);
    const { answer, store } = decide(this.#entries.get(key));
    if (store) {
      this.#entries.delete(key);
      this.#entries.set(key, store);
      if (this.#entries.size > this.#limit) this.#forgetOldest();
    }
    return answer;
  }

  async get(triplet: Triplet): Promise<Entry | undefined> {
    this.#assertOpen();
    return this.#entries.get(keyOf(triplet));
  }

  async sweep(expiry: Expiry): Promise<{ removed: number; more: boolean }> {
    this.#assertOpen();
    this.#walk ??= this.#entries.entries();
    let removed = 0;
    for (let looked = 0; looked < SLICE; looked++) {
      const next = this.#walk.next();
      if (next.done) {
        this.#walk = undefined;
        return { removed, more: false };
      }
      const [key, entry] = next.value;
      if (isExpired(entry, expiry)) {
        this.#entries.delete(key);
        removed++;
      }
    }
    return { removed, more: true };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError(':memory:: the store is closed');
  }
}

function isExpired(entry: Entry, { pendingBefore, passedBefore }: Expiry): boolean {
  return entry.passed === null ? entry.firstSeen < pendingBefore : entry.lastSeen < passedBefore;
}

/** The lengths keep parts apart that hold whatever separator one might choose. */
function keyOf({ network, sender, recipient }: Triplet): string {
  return `${network.length}:${sender.length}:${network}${sender}${recipient}`;
}
