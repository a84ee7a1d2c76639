/**
 * The greylist's timing: what a triplet's stored times mean now, and what is stored next. Pure: the current time is an
 * argument, nothing is touched. With age = now − first seen:
 *
 *     stored   condition                    answer    stored after
 *     nothing                               new       pending, first seen = now
 *     pending  age < tooSoon                too-soon  first seen = now
 *     pending  age < delay                  early     attempts + 1
 *     pending  delay ≤ age ≤ retryWindow    matured   passed = last seen = now
 *     pending  age > retryWindow            late      a new pending
 *     passed   now − last seen ≤ lifetime   known     last seen = now, at most once an hour
 *     passed   else                         expired   a new pending
 *
 * A stored time that lies in the future (the clock was stepped back) counts as now and is stored so. Nothing is ever
 * refused for good: whoever comes back after the announced wait, and within the retry window, passes.
 */
import type { Entry, Step } from './store.ts';

/** All in milliseconds; `checkTiming` says how they must relate. */
export interface Timing {
  /** How long a new triplet must wait. */
  readonly delay: number;
  /** How long after its first attempt a pending triplet may still pass. */
  readonly retryWindow: number;
  /** How long a passed triplet is remembered after it was last seen. */
  readonly lifetime: number;
  /** A retry sooner than this starts the delay again; 0 turns it off. */
  readonly tooSoon: number;
}

const HOUR = 3_600_000;

export type PassReason = 'matured' | 'known';
/** `crowded`: new, and not stored, because its network has too many pending triplets (`lessons.ts`). */
export type WaitReason = 'new' | 'early' | 'too-soon' | 'late' | 'expired' | 'crowded';

export type Outcome =
  | {
      readonly pass: true;
      readonly reason: PassReason;
      /** Milliseconds from first seen to now with `matured`; 0 with `known`. */
      readonly delayed: number;
    }
  | {
      readonly pass: false;
      readonly reason: WaitReason;
      /** Whole seconds, rounded up, at least 1; whoever returns after exactly these passes. */
      readonly waitSeconds: number;
    };

/**
 * Throws a RangeError that names the setting if no client could ever pass: all must be finite and not negative, `tooSoon`
 * at most `delay`, and `retryWindow` at least a second longer than `delay`, because announced waits are rounded up.
 */
export function checkTiming(timing: Timing): void {
  for (const name of ['delay', 'retryWindow', 'lifetime', 'tooSoon'] as const) {
    const value = timing[name];
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name}: ${value} ms, expected 0 or more`);
  }
  const { delay, retryWindow, tooSoon } = timing;
  if (tooSoon > delay) throw new RangeError(`tooSoon: ${tooSoon} ms, expected at most delay (${delay} ms)`);
  if (retryWindow < delay + 1000) {
    throw new RangeError(`retryWindow: ${retryWindow} ms, expected at least delay (${delay} ms) and a second`);
  }
}

/** Judges one attempt at `now` (epoch milliseconds) by what is stored. */
export function judge(stored: Entry | undefined, now: number, timing: Timing): Step<Outcome> {
  if (stored === undefined) return pend('new', now, timing);
  if (stored.passed === null) return judgePending(stored, now, timing);
  return judgePassed(stored, stored.passed, now, timing);
}

function judgePending(stored: Entry, now: number, timing: Timing): Step<Outcome> {
  const { delay, retryWindow, tooSoon } = timing;
  const firstSeen = Math.min(stored.firstSeen, now);
  const age = now - firstSeen;
  const attempts = stored.attempts + 1;
  if (age < tooSoon) {
    return wait('too-soon', delay, { firstSeen: now, lastSeen: now, passed: null, attempts });
  }
  if (age < delay) return wait('early', delay - age, { firstSeen, lastSeen: now, passed: null, attempts });
  if (age > retryWindow) return pend('late', now, timing);
  return {
    answer: { pass: true, reason: 'matured', delayed: age },
    store: { firstSeen, lastSeen: now, passed: now, attempts },
  };
}

function judgePassed(stored: Entry, passed: number, now: number, timing: Timing): Step<Outcome> {
  const silence = now - stored.lastSeen;
  if (silence > timing.lifetime) return pend('expired', now, timing);
  const answer: Outcome = { pass: true, reason: 'known', delayed: 0 };
  const ahead = silence < 0 || passed > now || stored.firstSeen > now;
  if (!ahead && silence < renewAfter(timing.lifetime)) return { answer };
  const firstSeen = Math.min(stored.firstSeen, now);
  return {
    answer,
    store: { firstSeen, lastSeen: now, passed: Math.min(passed, now), attempts: stored.attempts },
  };
}

/** An hour; less only for lifetimes below a day, which hourly writes would not keep alive. */
function renewAfter(lifetime: number): number {
  return Math.min(HOUR, lifetime / 24);
}

function pend(reason: WaitReason, now: number, timing: Timing): Step<Outcome> {
  return wait(reason, timing.delay, { firstSeen: now, lastSeen: now, passed: null, attempts: 1 });
}

function wait(reason: WaitReason, milliseconds: number, store: Entry): Step<Outcome> {
  return { answer: { pass: false, reason, waitSeconds: Math.max(1, Math.ceil(milliseconds / 1000)) }, store };
}
