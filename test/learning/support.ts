/**
 * What the tests of learning share: notebooks over a store in memory, whose time is moved by hand.
 */

import type { NoteStore } from '../../src/learning/note-store.ts';
import { NoteWriter } from '../../src/learning/note-writer.ts';
import type { NotebookParts } from '../../src/learning/notebook.ts';
import { createMemoryNotes } from '../../src/stores/memory-notes.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Bench {
  readonly parts: NotebookParts;
  readonly clock: FixedClock;
  readonly timers: FixedTimers;
  readonly store: NoteStore;
  readonly warnings: string[];
  /** The same store, as a process finds it that starts now: what is not stored yet is lost. */
  restarted(): NotebookParts;
}

export function benchOf(store: NoteStore = createMemoryNotes()): Bench {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const warnings: string[] = [];
  const log = { warn: (_cause: string, message: string) => void warnings.push(message) };
  const restarted = (): NotebookParts => ({ store, clock, timers, writer: new NoteWriter(store, timers, log) });
  return { parts: restarted(), clock, timers, store, warnings, restarted };
}

/** Counts reads, and fails where it is told to. */
export class WatchedNotes implements NoteStore {
  readonly #store: NoteStore = createMemoryNotes();
  reads = 0;
  writes: number[] = [];
  failing: Error | undefined;

  read(kind: string, key: string): ReturnType<NoteStore['read']> {
    this.reads++;
    if (this.failing) throw this.failing;
    return this.#store.read(kind, key);
  }

  keys(kind: string, after: string, most: number): readonly string[] {
    if (this.failing) throw this.failing;
    return this.#store.keys(kind, after, most);
  }

  async write(changes: Parameters<NoteStore['write']>[0]): Promise<void> {
    if (this.failing) throw this.failing;
    this.writes.push(changes.length);
    await this.#store.write(changes);
  }

  sweep(now: number): ReturnType<NoteStore['sweep']> {
    return this.#store.sweep(now);
  }
}
