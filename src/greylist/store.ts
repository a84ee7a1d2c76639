/**
 * The store port: where triplets live. Adapters (`src/stores/`) keep the rows; what a row means and when it changes is
 * decided by the greylist, in pure functions handed to `update`.
 */
import type { Judgement, Question } from './attempt.ts';

/** The greylist key, already normalised: three strings that are compared byte by byte and never joined ambiguously. */
export interface Triplet {
  /** The client network in CIDR form, `203.0.113.0/24`, or whatever takes its place. */
  readonly network: string;
  /** The sender, normalised; empty for the null sender. */
  readonly sender: string;
  /** The recipient, normalised. */
  readonly recipient: string;
}

/** What is remembered of a triplet. All times in epoch milliseconds. */
export interface Entry {
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** When the triplet passed the greylist, or `null` while it is pending. */
  readonly passed: number | null;
  /** How many times it was tried while pending, the first included. */
  readonly attempts: number;
}

/** The outcome of looking at a stored entry: an answer, and the entry to store, if it changes. */
export interface Step<T> {
  readonly answer: T;
  readonly store?: Entry;
}

/** Which rows a sweep removes: pending ones first seen before, and passed ones last seen before, these epoch milliseconds. */
export interface Expiry {
  readonly pendingBefore: number;
  readonly passedBefore: number;
}

export interface Store {
  /**
   * Reads a triplet, asks `decide` and stores what it says, as one step against all others. Resolves when the change is
   * committed (at once if nothing changed); rejects with `StoreError` if that failed, and then nothing is stored.
   * `decide` is pure and may be called again if the store has to retry.
   */
  update<T>(triplet: Triplet, decide: (stored: Entry | undefined) => Step<T>): Promise<T>;
  /**
   * `update` with `judgeAttempt` for its decision. For stores that work in another thread: a function can't be handed over, a
   * question can.
   */
  judge?(triplet: Triplet, question: Question): Promise<Judgement>;
  /** Reads a triplet and changes nothing. */
  get(triplet: Triplet): Promise<Entry | undefined>;
  /** Removes expired rows for a few milliseconds at most; resolves to how many, and whether there may be more. */
  sweep(expiry: Expiry): Promise<{ readonly removed: number; readonly more: boolean }>;
  /** Finishes what is under way and releases the store. Further calls reject. */
  close(): Promise<void>;
}

/** A store could not do what was asked. `message` names the place (file) and the cause. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}
