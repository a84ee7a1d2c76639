/**
 * Lessons: what goes beyond one triplet. Whoever learns from attempts is told of each, and may say of a network that no
 * further pending triplet of it is to be stored. Such triplets are only held in memory, so a flood can't fill the disk and
 * who comes back from the crowd passes all the same, unless a flood or a restart has pushed the triplet out meanwhile.
 */
import type { Entry, Step, Store, Triplet } from './store.ts';
import { judge, type Outcome, type Timing } from './timing.ts';

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
export async function judgeAndLearn(
  store: Store,
  triplet: Triplet,
  now: number,
  timing: Timing,
  lessons: Lessons,
): Promise<Outcome> {
  const { crowd } = lessons;
  let held: Entry | undefined;
  let added = false;
  const outcome = await store.update(triplet, (stored): Step<Outcome> => {
    const step = judge(stored ?? crowd.get(triplet), now, timing);
    added = stored === undefined && step.store !== undefined;
    held = undefined;
    if (!added || step.store?.passed !== null || !lessons.isFull(triplet.network)) return step;
    added = false;
    held = step.store;
    return { answer: crowded(step.answer) };
  });
  if (held !== undefined) crowd.hold(triplet, held);
  else if (added) crowd.forget(triplet);
  lessons.learn({ triplet, outcome, added });
  return outcome;
}

/** The same wait, and why it is not in the store. */
function crowded(outcome: Outcome): Outcome {
  return outcome.pass || outcome.reason !== 'new' ? outcome : { ...outcome, reason: 'crowded' };
}

/** The lengths keep the parts apart, whatever they hold. */
function keyOf({ network, sender, recipient }: Triplet): string {
  return `${network.length}:${sender.length}:${network}${sender}${recipient}`;
}
