/**
 * Faults of checks: each cause is logged once a minute, every one is counted. The object outlives the policy, so that a
 * reload neither forgets the count nor logs anew.
 */
import type { RateLimited } from '../log/rate-limited.ts';
import { DeadlineError } from './deadline.ts';

/** What a fault did to the recipient, or the message, in question. */
export type FaultEffect =
  | 'no-word' // the next check was asked
  | 'accepted' // the greylist failed
  | 'tempfailed' // the greylist failed, and `onFailure` is `tempfail`
  | 'no-prefetch'
  | 'no-headers'
  | 'no-log-fields';

export interface FaultCount {
  readonly check: string;
  readonly effect: FaultEffect;
  readonly count: number;
}

export class Faults {
  readonly #log: Pick<RateLimited, 'error'>;
  readonly #counts = new Map<string, Map<FaultEffect, number>>();

  constructor(log: Pick<RateLimited, 'error'>) {
    this.#log = log;
  }

  report(check: string, effect: FaultEffect, error: unknown): void {
    const effects = this.#counts.get(check) ?? new Map<FaultEffect, number>();
    this.#counts.set(check, effects);
    effects.set(effect, (effects.get(effect) ?? 0) + 1);
    const late = error instanceof DeadlineError;
    const message = late ? `check ${check} did not answer in time` : `check ${check} failed`;
    this.#log.error(`${check} ${effect} ${kindOf(error)}`, message, { check, effect, error: describe(error) });
  }

  /** How often each check failed so far. */
  counts(): readonly FaultCount[] {
    return [...this.#counts].flatMap(([check, effects]) =>
      Array.from(effects, ([effect, count]) => ({ check, effect, count })),
    );
  }
}

/** What tells causes apart: never the message, which may hold an address and be new every time. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error ? String(error.code) : error.name;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // These are nobody's failing disk or network but a mistake in the program: where it is matters.
  const mistake = error instanceof TypeError || error instanceof ReferenceError;
  return mistake ? (error.stack ?? error.message) : error.message;
}
