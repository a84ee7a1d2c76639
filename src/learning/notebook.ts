/**
 * A notebook: what is remembered of one kind of things, such as networks. It stands before the note store, so that a
 * recipient seldom costs a look at the disk: values that were read or written lately are in memory, also those that are not
 * there; and those of which a filter says that they can't be there cost no look either. Changes reach the store within a second, all together (`note-writer.ts`): a kill in between loses them.
 *
 * A note that can't be read, of another version or by a slip of somebody's hand, counts as none.
 */
import { LRUCache } from 'lru-cache';
import type { Clock, Timers } from '../clock.ts';
import { KeyFilter } from './key-filter.ts';
import type { NoteStore } from './note-store.ts';
import type { NoteWriter } from './note-writer.ts';

/** How the values of a kind are written down: as JSON. */
export interface Kind<T> {
  /** Unique among the kinds of a database. */
  readonly name: string;
  encode(value: T): unknown;
  /** Undefined for what makes no sense, such as a value of another version. */
  decode(value: unknown): T | undefined;
}

export interface NotebookParts {
  readonly store: NoteStore;
  readonly writer: NoteWriter;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Values kept in memory: some 5 MB at most. */
const CACHED = 20_000;
/** Keys that are read for the filter at a time: less than a millisecond's worth. */
const SLICE = 1_000;
/** Beyond this a key is some client's joke: RFC 5321 section 4.5.3.1 allows 320 bytes for an address. */
const LONGEST_KEY = 1_024;

interface Held<T> {
  readonly value: T | undefined;
  readonly until: number;
}
const nothing: Held<never> = { value: undefined, until: Number.POSITIVE_INFINITY };

export class Notebook<T> {
  readonly #kind: Kind<T>;
  readonly #parts: NotebookParts;
  readonly #held: LRUCache<string, Held<T>>;
  readonly #filter = new KeyFilter();
  /** Whether the filter knows all keys that are stored. */
  #filtering = false;

  constructor(kind: Kind<T>, parts: NotebookParts) {
    this.#kind = kind;
    this.#parts = parts;
    this.#held = new LRUCache({ max: CACHED });
    this.#learnKeys('');
  }

  /** What is known of a key; throws a `StoreError` if the store has to be asked and can't tell. */
  get(key: string): T | undefined {
    const held = this.#held.get(key) ?? this.#read(key);
    return held.until >= this.#parts.clock.now() ? held.value : undefined;
  }

  /** Writes a value down, valid until an epoch time. */
  put(key: string, value: T, until: number): void {
    if (key.length > LONGEST_KEY) return;
    this.#held.set(key, { value, until });
    this.#filter.add(key);
    this.#parts.writer.add({
      kind: this.#kind.name,
      key,
      note: { text: JSON.stringify(this.#kind.encode(value)), until },
    });
  }

  /** Keeps a value in mind without writing it down: it lasts as long as the process at most. */
  keep(key: string, value: T, until: number): void {
    this.#held.set(key, { value, until });
  }

  remove(key: string): void {
    this.#held.set(key, nothing);
    this.#parts.writer.add({ kind: this.#kind.name, key, note: undefined });
  }

  /** Slice by slice: the first after what has to be done at a start. Until it is through, every key is looked up. */
  #learnKeys(after: string): void {
    this.#parts.timers.after(1, () => {
      try {
        const keys = this.#parts.store.keys(this.#kind.name, after, SLICE);
        for (const key of keys) this.#filter.add(key);
        const last = keys.at(-1);
        if (last === undefined) this.#filtering = true;
        else this.#learnKeys(last);
      } catch {
        // Every key is looked up; that fails as well then, and is reported.
      }
    });
  }

  #read(key: string): Held<T> {
    if (this.#filtering && !this.#filter.mayHold(key)) return nothing;
    const { store, writer } = this.#parts;
    const { name } = this.#kind;
    const waiting = writer.waiting(name, key);
    const note = waiting ? waiting.note : store.read(name, key);
    const value = note && this.#decode(note.text);
    const held = note === undefined || value === undefined ? nothing : { value, until: note.until };
    this.#held.set(key, held);
    return held;
  }

  #decode(text: string): T | undefined {
    try {
      return this.#kind.decode(JSON.parse(text));
    } catch {
      return undefined;
    }
  }
}
