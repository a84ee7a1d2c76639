/**
 * The ballot: when votes decide, and how many more are needed. Pure.
 *
 * Every policy is a threshold T over the sum of what zones contribute: with any, all, majority and a number each listing
 * contributes 1 and T is k; with a score it contributes its weight. What an open zone may yet contribute lies between `min` and
 * `max` (0 and 1, or for an allow list its negative weight and 0). An abstaining zone stays in the count for good: towards a
 * listing it contributes `min`, so an allow list that is silent counts in full for the client. Hence "listed" holds whatever
 * the abstaining zones would have said, and no outage can cause a reject. See `docs/decisions/0040-k-of-n.md`.
 */
import type { Vote } from './vote.ts';
import type { Rule, Zone } from './zone.ts';
import { ZoneError } from './zone-error.ts';

/** How many zones must list a client, or the score that its listings must reach. */
export type Policy = 'any' | 'all' | 'majority' | { readonly atLeast: number } | { readonly score: number };

/** `unknown` is neither: abstentions keep it open. It means not listed. */
export type Outcome = 'listed' | 'clear' | 'unknown';

/** What one zone may contribute: `min` is at most 0, `max` at least 0. */
export interface Stake {
  readonly min: number;
  readonly max: number;
}

/** What a policy needs to know of a zone. */
type Voter = Pick<Zone, 'name' | 'rules'>;

/** Throws `ZoneError` if the policy makes no sense for these zones. */
export function checkPolicy(policy: Policy, zones: readonly Voter[]): void {
  if (typeof policy === 'object') {
    const [count, unit] = 'score' in policy ? [policy.score, 'score'] : [policy.atLeast, 'number of zones'];
    if (!(Number.isSafeInteger(count) && count >= 1))
      throw new ZoneError(`policy: ${unit} ${count} is not a whole number of at least 1`);
    if (zones.length > 0 && !isReachable(policy, zones))
      throw new ZoneError(
        `policy: ${unit} ${count} can't be reached, all zones together come to ${most(policy, zones)}`,
      );
    if ('score' in policy) return;
  }
  const allow = zones.find(({ rules }) => rules.some(({ weight }) => weight < 0));
  if (allow) throw new ZoneError(`zone "${allow.name}": a negative weight (allow list) needs a score policy`);
}

/** Whether these zones could list anybody, if all of them did. */
export function isReachable(policy: Policy, zones: readonly Voter[]): boolean {
  return most(policy, zones) >= threshold(policy, zones.length);
}

function most(policy: Policy, zones: readonly Voter[]): number {
  return zones.reduce((sum, { rules }) => sum + stakeOf(policy, rules).max, 0);
}

/** The threshold T for `eligible` zones. With none of them nothing is ever listed. */
export function threshold(policy: Policy, eligible: number): number {
  if (policy === 'any') return 1;
  if (policy === 'all') return Math.max(1, eligible);
  if (policy === 'majority') return Math.floor(eligible / 2) + 1;
  return 'atLeast' in policy ? policy.atLeast : policy.score;
}

export function stakeOf(policy: Policy, rules: readonly Rule[]): Stake {
  if (!isScored(policy)) return { min: 0, max: 1 };
  let [min, max] = [0, 0];
  for (const { weight } of rules) {
    min += Math.min(weight, 0);
    max += Math.max(weight, 0);
  }
  return { min, max };
}

/** What a vote contributes to the sum; undefined: it abstains. */
export function contributionOf(policy: Policy, vote: Vote): number | undefined {
  if (vote.vote === 'abstain') return undefined;
  if (vote.vote === 'clear') return 0;
  return isScored(policy) ? vote.score : 1;
}

/** The outcome when every zone has had its say. */
export function finalOutcome(
  policy: Policy,
  votes: readonly { readonly stake: Stake; readonly vote: Vote }[],
): Outcome {
  const stakes = votes.map(({ stake }) => stake);
  const tally = new Tally(threshold(policy, votes.length), stakes);
  for (const { stake, vote } of votes) tally.cast(stake, contributionOf(policy, vote));
  return tally.outcome() ?? 'unknown';
}

function isScored(policy: Policy): policy is { readonly score: number } {
  return typeof policy === 'object' && 'score' in policy;
}

/** The count of one ballot. Fixed when it starts: threshold and stakes. Every zone votes at most once. */
export class Tally {
  readonly #threshold: number;
  /** The least that the final sum can be: what is certain, open and abstaining zones counted at their `min`. */
  #least = 0;
  /** The most that can still be made certain: open zones at their `max`, abstaining ones at their `min`. */
  #reach = 0;
  /** The most that the sum could be had nobody abstained. */
  #most = 0;
  /** Zones that have not voted, and whether they are waited for even if they can't change the outcome. */
  #open: number;
  readonly #complete: boolean;

  /** @param complete every zone shall have its say before there is an outcome */
  constructor(limit: number, stakes: readonly Stake[], complete = false) {
    this.#threshold = limit;
    this.#open = stakes.length;
    this.#complete = complete;
    for (const { min, max } of stakes) {
      this.#least += min;
      this.#reach += max;
      this.#most += max;
    }
  }

  /** One zone has voted: what it contributes, or undefined if it abstains. */
  cast({ min, max }: Stake, contribution: number | undefined): void {
    this.#open--;
    if (contribution === undefined) {
      this.#reach += min - max;
      return;
    }
    this.#least += contribution - min;
    this.#reach += contribution - max;
    this.#most += contribution - max;
  }

  /** The outcome, as soon as further answers can't change it; undefined while they can. */
  outcome(): Outcome | undefined {
    if (this.#complete && this.#open > 0) return undefined;
    return this.#settled();
  }

  #settled(): Outcome | undefined {
    if (this.#least >= this.#threshold) return 'listed';
    if (this.#most < this.#threshold) return 'clear';
    return this.#reach < this.#threshold ? 'unknown' : undefined;
  }

  /**
   * The fewest of these open zones, in the order in which they will be asked, whose answers could decide. To ask them at the
   * same time costs no query that asking one after the other would have saved.
   */
  need(order: readonly Stake[]): number {
    const distance = Math.min(this.#threshold - this.#least, this.#reach - this.#threshold + 1);
    let moved = 0;
    for (const [index, { min, max }] of order.entries()) {
      moved += max - min;
      if (moved >= distance) return index + 1;
    }
    return order.length;
  }
}
