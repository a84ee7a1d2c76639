/**
 * The note store in memory: nothing outlives the process. When it is full, the note that was written least recently makes
 * room.
 */
import type { Change, Note, NoteStore } from '../learning/note-store.ts';

/** Some 40 MB. */
const LIMIT = 200_000;
/** Notes that one slice of a sweep looks at: about a millisecond's worth. */
const SLICE = 5_000;

export function createMemoryNotes(limit: number = LIMIT): NoteStore {
  return new MemoryNotes(limit);
}

class MemoryNotes implements NoteStore {
  readonly #limit: number;
  /** In the order of writing. */
  readonly #notes = new Map<string, Note>();
  /** Where the sweep under way stands. */
  #walk: Iterator<[string, Note]> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  read(kind: string, key: string): Note | undefined {
    return this.#notes.get(nameOf(kind, key));
  }

  /** In memory a look costs nothing: nobody needs to know the keys beforehand, and they are all there at once. */
  keys(kind: string, after: string): readonly string[] {
    if (after !== '') return [];
    const start = nameOf(kind, '');
    return [...this.#notes.keys()].filter(name => name.startsWith(start)).map(name => name.slice(start.length));
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const { kind, key, note } of changes) {
      const name = nameOf(kind, key);
      this.#notes.delete(name);
      if (note !== undefined) this.#notes.set(name, note);
      if (this.#notes.size > this.#limit) this.#forgetOldest();
    }
  }

  async sweep(now: number): Promise<{ removed: number; more: boolean }> {
    this.#walk ??= this.#notes.entries();
    let removed = 0;
    for (let looked = 0; looked < SLICE; looked++) {
      const next = this.#walk.next();
      if (next.done) {
        this.#walk = undefined;
        return { removed, more: false };
      }
      const [name, { until }] = next.value;
      if (until < now) {
        this.#notes.delete(name);
        removed++;
      }
    }
    return { removed, more: true };
  }

  #forgetOldest(): void {
    for (const name of this.#notes.keys()) {
      this.#notes.delete(name);
      return;
    }
  }
}

/** No kind has a colon in it. */
function nameOf(kind: string, key: string): string {
  return `${kind}:${key}`;
}
