/**
 * Writes notes: gathers the changes of a second and stores them together. Learning must never cost mail anything, so what
 * can't be stored now is tried again later, and given up if too much has gathered; that is said in the log, not to clients.
 */
import type { Timers } from '../clock.ts';
import type { RateLimited } from '../log/rate-limited.ts';
import type { Change, NoteStore } from './note-store.ts';

/** Milliseconds from a change to the transaction it is part of. */
const GATHER = 1_000;
/** Changes that wait at most, and how many are stored at once: a few milliseconds of work. */
const MOST = 20_000;
const BATCH = 500;
/** Milliseconds between two batches, and after one that failed. */
const PAUSE = 20;
const RETRY = 5_000;

export class NoteWriter {
  readonly #store: NoteStore;
  readonly #timers: Timers;
  readonly #log: Pick<RateLimited, 'warn'>;
  /** By kind and key, so that the last change of a second is the one that counts; in the order of their first. */
  #waiting = new Map<string, Change>();
  /** Takes the next write back; something to call also while one is under way. */
  #cancel: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(store: NoteStore, timers: Timers, log: Pick<RateLimited, 'warn'>) {
    this.#store = store;
    this.#timers = timers;
    this.#log = log;
  }

  /** The change of this note that is still to be stored. */
  waiting(kind: string, key: string): Change | undefined {
    return this.#waiting.size === 0 ? undefined : this.#waiting.get(nameOf(kind, key));
  }

  /** After `close` a change is lost: an attempt that was under way then may still teach something. */
  add(change: Change): void {
    if (this.#closed) return;
    const name = nameOf(change.kind, change.key);
    if (this.#waiting.size >= MOST && !this.#waiting.has(name)) {
      this.#log.warn('notes given up', 'too much was learned that could not be stored: some of it is forgotten');
      return;
    }
    this.#waiting.set(name, change);
    this.#cancel ??= this.#timers.after(GATHER, this.#flush);
  }

  /** Stores all that waits, now. What can't be stored is lost, and said so. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#writing;
    this.#cancel?.();
    this.#cancel = undefined;
    const changes = [...this.#waiting.values()];
    this.#waiting.clear();
    if (changes.length === 0) return;
    try {
      await this.#store.write(changes);
    } catch (error) {
      this.#failed(error, 'the last of what was learned is lost');
    }
  }

  readonly #flush = (): void => {
    this.#writing = this.#write([...this.#waiting].slice(0, BATCH));
  };

  /** While it is under way `#cancel` stands: nothing else begins. */
  async #write(batch: readonly (readonly [name: string, change: Change])[]): Promise<void> {
    try {
      await this.#store.write(batch.map(([, change]) => change));
      for (const [name, change] of batch) {
        // What has changed once more meanwhile still waits.
        if (this.#waiting.get(name) === change) this.#waiting.delete(name);
      }
      this.#cancel = this.#waiting.size > 0 ? this.#timers.after(PAUSE, this.#flush) : undefined;
    } catch (error) {
      this.#failed(error, 'what was learned could not be stored and will be tried again');
      this.#cancel = this.#timers.after(RETRY, this.#flush);
    }
  }

  #failed(error: unknown, message: string): void {
    this.#log.warn('notes', message, { cause: error instanceof Error ? error.message : String(error) });
  }
}

function nameOf(kind: string, key: string): string {
  return `${kind}:${key}`;
}
