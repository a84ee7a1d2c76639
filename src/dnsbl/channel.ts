/**
 * A channel: how one zone fares for one address family, as a state machine without I/O. `health.ts` runs the self-tests and
 * tells it their results, the panel tells it what live questions brought.
 *
 *     untested ─good─▶ healthy ─5 failures in a row, or most of 20─▶ out (unreachable)
 *         └─bad─▶ out ◀─error answer, foreign answer, self-test failed─┘
 *                  └─two good tests in a row─▶ healthy
 *
 * While out it is tested again after 1, 2, 4 … 300 seconds (RFC 9520 §3.2: failures are remembered for at most 5 minutes).
 * A zone that lists one client after the other without an exception has perhaps begun to list everyone: that is a doubt, which
 * calls for a self-test before its time.
 */
import type { TestResult } from './self-test.ts';
import { type Abstain, type AbstainCause, discredits, faultOf, type Vote } from './vote.ts';
import type { Zone } from './zone.ts';

export type Condition =
  | { readonly state: 'untested' }
  | { readonly state: 'healthy' }
  /** In use, but without a test entry nothing shows that it lists this address family. */
  | { readonly state: 'unproven' }
  /** Configured so: not eligible. */
  | { readonly state: 'not-offered' }
  | { readonly state: 'out'; readonly cause: AbstainCause; readonly detail: string };

const failuresInARow = 5;
const windowSize = 20;
const goodTestsToReturn = 2;
const listingsToDoubt = 8;
/** Milliseconds between self-tests of a zone that is well; a tenth at most is added at random. */
const interval = 300_000;
const firstRetry = 1_000;

const untested: Condition = { state: 'untested' };
const healthy: Condition = { state: 'healthy' };
const unproven: Condition = { state: 'unproven' };
const notOffered: Condition = { state: 'not-offered' };

export class Channel {
  readonly zone: Zone;
  readonly family: 4 | 6;
  /** What it said before, in milliseconds of the monotonic clock, is not to be believed. Set by whoever has a clock. */
  trustedSince: number = Number.NEGATIVE_INFINITY;
  readonly #onChange: (channel: Channel, before: Condition) => void;
  readonly #onDoubt: (channel: Channel) => void;
  /** Whether the test entry may be missing: many lists of IPv6 addresses have none, or one of their own. */
  readonly #lenient: boolean;
  #condition: Condition = untested;
  #failures = 0;
  /** The last live outcomes, oldest first: whether each failed. */
  #window: boolean[] = [];
  /** Clients listed since it said of one that it is not. */
  #listings = 0;
  #good = 0;
  #retry = firstRetry;
  #proven = false;

  constructor(
    zone: Zone,
    family: 4 | 6,
    onChange: (channel: Channel, before: Condition) => void,
    onDoubt: (channel: Channel) => void = () => {},
  ) {
    this.zone = zone;
    this.family = family;
    this.#onChange = onChange;
    this.#onDoubt = onDoubt;
    this.#lenient = family === 6 && zone.ipv6 === 'auto';
    if (family === 6 && zone.ipv6 === false) this.#condition = notOffered;
  }

  get condition(): Condition {
    return this.#condition;
  }

  /** Whether it counts among the zones that vote on a client of this family. */
  get eligible(): boolean {
    return this.#condition.state !== 'not-offered';
  }

  /** Whether it is asked about clients now. */
  get inUse(): boolean {
    return this.#condition.state === 'healthy' || this.#condition.state === 'unproven';
  }

  /** The vote without asking, if it must not be asked now. */
  get standing(): Abstain | undefined {
    if (this.inUse) return undefined;
    const condition = this.#condition;
    if (condition.state === 'out') return { vote: 'abstain', cause: condition.cause, detail: condition.detail };
    return { vote: 'abstain', cause: 'untested' };
  }

  /** The vote in place of anything it has said so far: it was found to say what is not so. */
  get discredit(): Abstain | undefined {
    const { standing } = this;
    return standing && discredits(standing.cause) ? standing : undefined;
  }

  /** A live question was answered, or not. Late news about a zone that is out anyway changes nothing. */
  report(vote: Vote): void {
    if (!this.inUse) return;
    const fault = vote.vote === 'abstain' ? faultOf(vote.cause) : undefined;
    if (fault === 'none') return;
    if (vote.vote === 'abstain' && fault === 'trip') {
      this.#drop(vote.cause, vote.detail ?? '');
      return;
    }
    if (vote.vote === 'clear') this.#listings = 0;
    else if (vote.vote === 'listed' && ++this.#listings % listingsToDoubt === 0) this.#onDoubt(this);
    this.#failures = fault ? this.#failures + 1 : 0;
    this.#window.push(fault !== undefined);
    if (this.#window.length > windowSize) this.#window.shift();
    const failed = this.#window.filter(Boolean).length;
    const last = vote.vote === 'abstain' ? vote.cause : 'answered';
    if (this.#failures >= failuresInARow)
      this.#drop('unreachable', `${this.#failures} failures in a row, last: ${last}`);
    else if (this.#window.length === windowSize && failed > windowSize / 2)
      this.#drop('unreachable', `${failed} of the last ${windowSize} questions failed, last: ${last}`);
  }

  /** A self-test ended. `sibling` is the IPv4 channel, for IPv6: a missing entry is excused only where that one is well. */
  tested(result: TestResult, sibling?: Channel): void {
    if (result.verdict === 'good') {
      this.#proven = true;
      this.#passed(healthy);
    } else if (result.verdict === 'unsure') this.#unsure(result);
    else if (result.cause !== 'blind' || !this.#lenient || this.#proven) this.#failed(result.cause, result.detail);
    else if (sibling?.inUse) this.#passed(unproven);
    else if (this.#condition.state === 'untested') this.#slower();
    else this.#failed(result.cause, result.detail);
  }

  /** Milliseconds until the next self-test; `random` is in [0, 1). */
  nextTest(random: number): number {
    return Math.round((this.inUse ? interval : this.#retry) * (1 + random / 10));
  }

  #passed(into: Condition): void {
    this.#good++;
    if (!this.inUse) {
      this.#retry = firstRetry;
      if (this.#condition.state === 'out' && this.#good < goodTestsToReturn) return;
      this.#failures = 0;
      this.#window = [];
    }
    this.#become(into);
  }

  #unsure({ cause, detail }: { readonly cause: AbstainCause; readonly detail: string }): void {
    if (this.inUse) {
      this.report({ vote: 'abstain', cause });
      return;
    }
    const retry = this.#retry;
    this.#failed('unreachable', `the self-test got no answer: ${cause}${detail && `, ${detail}`}`);
    // Our own side failed: it may be well any moment, and then no zone should be waited for.
    if (faultOf(cause) === 'none') this.#retry = retry;
  }

  #failed(cause: AbstainCause, detail: string): void {
    if (this.#condition.state === 'out') this.#slower();
    this.#good = 0;
    this.#drop(cause, detail);
  }

  #slower(): void {
    this.#retry = Math.min(this.#retry * 2, interval);
  }

  #drop(cause: AbstainCause, detail: string): void {
    if (this.#condition.state !== 'out') {
      this.#retry = firstRetry;
      this.#good = 0;
    }
    this.#become({ state: 'out', cause, detail });
  }

  #become(condition: Condition): void {
    const before = this.#condition;
    this.#condition = condition;
    const same =
      before.state === condition.state &&
      (condition.state !== 'out' || before.state !== 'out' || before.cause === condition.cause);
    if (!same) this.#onChange(this, before);
  }
}
