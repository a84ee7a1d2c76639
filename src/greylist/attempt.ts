/**
 * One attempt as data: all that its judgement depends on besides what is stored, and the judgement. Pure, and nothing but
 * numbers and texts, so that a store may judge beside its rows, in another thread.
 *
 * What goes beyond `timing.ts` is the crowd (`lessons.ts`): from a network that is full, a new pending triplet is not stored
 * but handed back to be held in memory, and one that was held is taken up as if it had been stored.
 */
import type { Entry, Step } from './store.ts';
import { judge, type Outcome, type Timing } from './timing.ts';

export interface Question {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly timing: Timing;
  /** What is held in memory of the triplet, for want of a place in the store. */
  readonly held: Entry | undefined;
  /** Whether no further pending triplet of its network is to be stored. */
  readonly full: boolean;
}

export interface Judgement {
  readonly outcome: Outcome;
  /** Whether a triplet was stored that had not been. */
  readonly added: boolean;
  /** What is to be held in memory from now on, because its network is full. */
  readonly hold: Entry | undefined;
}

/** Judges an attempt by what is stored. */
export function judgeAttempt(stored: Entry | undefined, { now, timing, held, full }: Question): Step<Judgement> {
  const step = judge(stored ?? held, now, timing);
  const outcome = step.answer;
  if (step.store === undefined) return { answer: { outcome, added: false, hold: undefined } };
  if (full && stored === undefined && step.store.passed === null) {
    return { answer: { outcome: crowded(outcome), added: false, hold: step.store } };
  }
  return { answer: { outcome, added: stored === undefined, hold: undefined }, store: step.store };
}

/** The same wait, and why it is not in the store. */
function crowded(outcome: Outcome): Outcome {
  return outcome.pass || outcome.reason !== 'new' ? outcome : { ...outcome, reason: 'crowded' };
}
