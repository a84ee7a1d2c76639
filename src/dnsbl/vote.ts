/**
 * The vote: one zone's word on one client.
 */
import type { FailureCause } from '../dns/resolver.ts';

export interface Listed {
  readonly vote: 'listed';
  /** The answers that passed a filter, `127.0.0.2`. */
  readonly codes: readonly string[];
  /** The sum of the weights of the rules that matched. */
  readonly score: number;
}
export interface Clear {
  readonly vote: 'clear';
}
/** The zone gave no usable word. It never counts towards a listing. */
export interface Abstain {
  readonly vote: 'abstain';
  readonly cause: AbstainCause;
  /** In words, without keys, where the cause alone does not say it. */
  readonly detail?: string;
}
export type Vote = Listed | Clear | Abstain;

/** Why a zone abstained. A closed set; the same words in log and metrics. */
export type AbstainCause =
  | FailureCause
  | 'error-answer' // 127.255.255.0/24: the list says that it will not answer
  | 'refusal' // 127.0.0.1 and other answers that mean "no answer for you"
  | 'foreign-answer' // an address outside 127.0.0.0/8: parked domain, wildcard, captive resolver
  | 'alias' // a CNAME that leads to no answer in 127.0.0.0/8
  | 'zone-gone' // the domain above the zone denies the name
  | 'untested' // the first self-test has not ended
  | 'blind' // the zone does not list its own test entry
  | 'lists-the-world' // the zone lists 127.0.0.1
  | 'unreachable' // too many failures in a row; asked again after a while
  | 'too-slow' // past the patience for stragglers
  | 'deadline'; // the time for this client was over

/**
 * What a cause says about the zone's health: `trip` takes it out at once, `count` after several in a row, `none` says nothing
 * about the zone (it was not asked, or our own side failed).
 */
export function faultOf(cause: AbstainCause): 'trip' | 'count' | 'none' {
  return faults[cause];
}

/**
 * Whether a zone that is out for this cause has said things that are not so, maybe for a while before it was found out. Then
 * what it said until it was well again is worth nothing, neither in a ballot nor in the cache. Silence and refusals are not of
 * that kind: they leave true what was said before.
 */
export function discredits(cause: AbstainCause): boolean {
  return discrediting.has(cause);
}

const discrediting: ReadonlySet<AbstainCause> = new Set<AbstainCause>([
  'lists-the-world',
  'blind',
  'foreign-answer',
  'alias',
  'zone-gone',
]);

const faults: Readonly<Record<AbstainCause, 'trip' | 'count' | 'none'>> = {
  timeout: 'count',
  servfail: 'count',
  refused: 'count',
  rcode: 'count',
  malformed: 'count',
  truncated: 'count',
  'refused-connection': 'none',
  'queue-full': 'none',
  'breaker-open': 'none',
  aborted: 'none',
  'error-answer': 'trip',
  refusal: 'count',
  'foreign-answer': 'trip',
  alias: 'count',
  'zone-gone': 'trip',
  untested: 'none',
  blind: 'none',
  'lists-the-world': 'none',
  unreachable: 'none',
  'too-slow': 'none',
  deadline: 'none',
};
