/**
 * The greylist: whether a client may deliver to this recipient now. It builds the triplet, lets the store apply the timing
 * to what is known of it, and keeps the store free of what has expired.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Address } from '../net/address.ts';
import type { Entry, Store, Triplet } from './store.ts';
import { createSweeper } from './sweeper.ts';
import { checkTiming, judge, type Outcome, type Timing } from './timing.ts';
import { type Prefixes, tripletOf } from './triplet.ts';

export interface GreylistOptions {
  /** Stays the caller's: `close` does not close it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly timing: Timing;
  readonly prefixes: Prefixes;
  readonly logger: Logger;
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
  recipient(address: Address, sender: string, recipient: string): Promise<Outcome>;
  /** What `recipient` would answer, without an attempt being made. */
  peek(address: Address, sender: string, recipient: string): Promise<Peek>;
  /** Stops sweeping. What is under way still ends. */
  close(): void;
}

/** Starts sweeping at once. Throws a RangeError if `timing` lets nobody pass. */
export function createGreylist(options: GreylistOptions): Greylist {
  const { store, clock, timers, timing, prefixes, logger } = options;
  checkTiming(timing);
  const sweeper = createSweeper({ store, clock, timers, timing, logger });
  return {
    recipient(address, sender, recipient) {
      const now = clock.now();
      return store.update(tripletOf(address, sender, recipient, prefixes), stored => judge(stored, now, timing));
    },
    async peek(address, sender, recipient) {
      const triplet = tripletOf(address, sender, recipient, prefixes);
      const stored = await store.get(triplet);
      return { triplet, stored, outcome: judge(stored, clock.now(), timing).answer };
    },
    close: () => sweeper.stop(),
  };
}
