/**
 * Lessons: what goes beyond one triplet. Whoever learns from attempts is told of each, and may say of a network that no
 * further pending triplet of it is to be stored. Such triplets are only held in memory, so a flood can't fill the disk and
 * who comes back from the crowd passes all the same, unless a flood or a restart has pushed the triplet out meanwhile.
 */
import { type Judgement, judgeAttempt, type Question } from './attempt.ts';
import type { Entry, Store, Triplet } from './store.ts';
import type { Outcome, Timing } from './timing.ts';

/** An attempt that has been judged, and what it promised stored. */
export interface Attempt {
  readonly triplet: Triplet;
  readonly outcome: Outcome;
  /** Whether a triplet was stored that had not been. */
  readonly added: boolean;
}

/** None of its methods throws: a failing lesson costs the lesson, never the answer. */
export interface Lessons {
  readonly crowd: Crowd;
  /** Whether no further pending triplet of this network is to be stored. */
  isFull(network: string): boolean;
  learn(attempt: Attempt): void;
}

/** What is held in memory for want of a place in the store; the one that was held first makes room for a new one. */
export class Crowd {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();

  constructor(limit = 50_000) {
    this.#limit = limit;
  }

  get(triplet: Triplet): Entry | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(keyOf(triplet));
  }

  hold(triplet: Triplet, entry: Entry): void {
    const key = keyOf(triplet);
    if (!this.#entries.has(key) && this.#entries.size >= this.#limit) this.#forgetFirst();
    this.#entries.set(key, entry);
  }

  forget(triplet: Triplet): void {
    if (this.#entries.size > 0) this.#entries.delete(keyOf(triplet));
  }

  #forgetFirst(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

/** Judges one attempt at `now`, as `timing.ts` says, and learns from it. Rejects with `StoreError` like the store. */
export function judgeAndLearn(
  store: Store,
  triplet: Triplet,
  now: number,
  timing: Timing,
  lessons: Lessons,
): Promise<Outcome> {
  const { crowd } = lessons;
  const question = { now, timing, held: crowd.get(triplet), full: lessons.isFull(triplet.network) };
  return askStore(store, triplet, question).then(({ outcome, added, hold }) => {
    if (hold !== undefined) crowd.hold(triplet, hold);
    else if (added) crowd.forget(triplet);
    lessons.learn({ triplet, outcome, added });
    return outcome;
  });
}

/** Has an attempt judged where its triplet is stored. */
export function askStore(store: Store, triplet: Triplet, question: Question): Promise<Judgement> {
  return store.judge?.(triplet, question) ?? store.update(triplet, stored => judgeAttempt(stored, question));
}

/** The lengths keep the parts apart, whatever they hold. */
function keyOf({ network, sender, recipient }: Triplet): string {
  return `${network.length}:${sender.length}:${network}${sender}${recipient}`;
}
