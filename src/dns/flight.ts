/**
 * A look-up under way and everyone who waits for it: whoever asks the same meanwhile is answered by the same query. Besides
 * sparing queries this takes away a forger's chance to have many equal questions open at once.
 */
import type { Clock, Timers } from '../clock.ts';
import { Alarm } from './alarm.ts';
import type { Lookup } from './lookup.ts';
import type { Answer, ResolveOptions } from './resolver.ts';

interface Waiter {
  settle(answer: Answer): void;
}

export interface FlightOptions {
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly timers: Timers;
  /** What may be said in place of a failure, or undefined. Not asked for callers that bypass the cache. */
  readonly rescue: () => Answer | undefined;
}

export class Flight {
  readonly #options: FlightOptions;
  #waiters: Waiter[] = [];

  constructor(options: FlightOptions) {
    this.#options = options;
  }

  /** Whether anyone waits for it. If not, it sends nothing more, and who comes late is better off with a new one. */
  get wanted(): boolean {
    return this.#waiters.length > 0;
  }

  join({ signal, timeout, bypassCache }: ResolveOptions): Promise<Answer> {
    const { lookup, clock, timers, rescue } = this.#options;
    return new Promise(resolve => {
      let tidy: (() => void) | undefined;
      const leave = (answer: Answer): void => {
        this.#waiters = this.#waiters.filter(other => other !== waiter);
        if (this.#waiters.length === 0) lookup.abandon();
        waiter.settle(answer);
      };
      const waiter: Waiter = {
        settle: answer => {
          tidy?.();
          resolve((canRescue(answer) && !bypassCache && rescue()) || answer);
        },
      };
      if (this.#waiters.length === 0) this.#waiters = [waiter];
      else this.#waiters.push(waiter);
      if (signal === undefined && timeout === undefined) return;

      const alarm = new Alarm(clock, timers, () =>
        leave({ status: 'failed', cause: 'timeout', detail: `no answer within ${timeout} ms` }),
      );
      const onAbort = (): void => leave({ status: 'failed', cause: 'aborted', detail: 'aborted by the caller' });
      tidy = () => {
        alarm.clear();
        signal?.removeEventListener('abort', onAbort);
      };
      const due = clock.monotonic() + (timeout ?? Number.POSITIVE_INFINITY);
      if (due < lookup.deadline) alarm.set(due);
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** Answers everyone. */
  settle(answer: Answer): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.settle(answer);
  }
}

function canRescue(answer: Answer): boolean {
  return answer.status === 'failed' && answer.cause !== 'aborted';
}
