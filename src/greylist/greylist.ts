/**
 * The greylist: whether a client may deliver to this recipient now. It builds the triplet, lets the store apply the timing
 * to what is known of it, and keeps the store free of what has expired.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Address } from '../net/address.ts';
import { adopt, type FormerForm, findPassed, formerTriplets } from './former-keys.ts';
import { askStore, judgeAndLearn, type Lessons } from './lessons.ts';
import type { Entry, Store, Triplet } from './store.ts';
import { createSweeper, expiryAt } from './sweeper.ts';
import { checkTiming, judge, type Outcome, type Timing } from './timing.ts';
import { type KeyForm, tripletOf } from './triplet.ts';

export interface GreylistOptions {
  /** Stays the caller's: `close` does not close it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly timing: Timing;
  readonly form: KeyForm;
  /** Forms that triplets may have been stored under before. */
  readonly former?: readonly FormerForm[];
  /** Who learns from attempts, if anyone. */
  readonly lessons?: Lessons | undefined;
  readonly logger: Logger;
}

/** How one attempt is to be treated; what is not said is as configured. */
export interface AttemptTerms {
  /** Takes the network's place in the triplet. */
  readonly key?: string;
  /** Milliseconds, in place of the configured delay. */
  readonly delay?: number;
  /** Milliseconds on top of the delay. */
  readonly extraDelay?: number;
}

/** What would be answered now, and why. */
export interface Peek {
  readonly triplet: Triplet;
  readonly stored: Entry | undefined;
  readonly outcome: Outcome;
}

export interface Greylist {
  /**
   * Judges one attempt. Resolves when what the answer promises is stored; rejects with `StoreError` if it could not be.
   */
  recipient(address: Address, sender: string, recipient: string, terms?: AttemptTerms): Promise<Outcome>;
  /** What `recipient` would answer, without an attempt being made. */
  peek(address: Address, sender: string, recipient: string, terms?: AttemptTerms): Promise<Peek>;
  /** Stops sweeping. What is under way still ends. */
  close(): void;
}

/** Starts sweeping at once. Throws a RangeError if `timing` lets nobody pass. */
export function createGreylist(options: GreylistOptions): Greylist {
  const { store, clock, timers, timing, form, former = [], lessons, logger } = options;
  checkTiming(timing);
  const sweep = (now: number): ReturnType<Store['sweep']> => store.sweep(expiryAt(now, timing));
  const sweeper = createSweeper({ sweep, what: 'triplets', clock, timers, logger });
  return {
    recipient(address, sender, recipient, terms) {
      const now = clock.now();
      const own = ownTiming(timing, terms);
      const triplet = tripletOf(address, sender, recipient, form, terms?.key);
      const attempt = (): Promise<Outcome> =>
        lessons === undefined
          ? askStore(store, triplet, { now, timing: own, held: undefined, full: false }).then(({ outcome }) => outcome)
          : judgeAndLearn(store, triplet, now, own, lessons);
      const others = formerTriplets(triplet, [address, sender, recipient], form, former, terms?.key, now);
      return others.length === 0 ? attempt() : adopt(store, triplet, others, now, own).then(attempt);
    },
    async peek(address, sender, recipient, terms) {
      const now = clock.now();
      const own = ownTiming(timing, terms);
      const triplet = tripletOf(address, sender, recipient, form, terms?.key);
      const others = formerTriplets(triplet, [address, sender, recipient], form, former, terms?.key, now);
      const stored =
        (await store.get(triplet)) ?? (await findPassed(store, others, now, own)) ?? lessons?.crowd.get(triplet);
      return { triplet, stored, outcome: judge(stored, now, own).answer };
    },
    close: () => sweeper.stop(),
  };
}

/** The delay stays a minute short of the retry window: nobody may be made to come back when it is too late. */
function ownTiming(timing: Timing, { delay = timing.delay, extraDelay = 0 }: AttemptTerms = {}): Timing {
  if (delay === timing.delay && extraDelay === 0) return timing;
  const longest = Math.max(timing.delay, timing.retryWindow - MINUTE);
  const own = Math.min(delay + extraDelay, longest);
  return { ...timing, delay: own, tooSoon: Math.min(timing.tooSoon, own) };
}

const MINUTE = 60_000;
