/**
 * What a ballot on one client ended with.
 */
import type { Provenance } from '../dns/resolver.ts';
import type { Outcome } from './ballot.ts';
import type { Abstain, Vote } from './vote.ts';
import type { Zone } from './zone.ts';

/** A zone's part in a ballot. */
export interface Word {
  readonly zone: Zone;
  /** Undefined: the ballot was decided without it. */
  readonly vote: Vote | undefined;
  /** Where an answer came from. */
  readonly from?: Provenance;
}

export interface Result {
  readonly outcome: Outcome;
  /** One a zone eligible for this client, in configured order. Empty: no zone was. */
  readonly words: readonly Word[];
  /** The zones known to list the client, in configured order; allow lists are not among them. */
  readonly listing: readonly Zone[];
}

/** The result in one line for the log: `unknown bl.a=127.0.0.2 bl.b=clear bl.c=abstain(timeout) incomplete=1/3`. */
export function describe({ outcome, words }: Result): string {
  if (words.length === 0) return 'no-list';
  const parts: string[] = [outcome];
  let silent = 0;
  for (const { zone, vote } of words) {
    if (!vote) continue;
    if (vote.vote === 'abstain') silent++;
    parts.push(`${zone.name}=${describeVote(vote)}`);
  }
  if (silent > 0) parts.push(`incomplete=${silent}/${words.length}`);
  return parts.join(' ');
}

function describeVote(vote: Vote): string {
  if (vote.vote === 'listed') return vote.codes.join('+');
  return vote.vote === 'clear' ? 'clear' : describeAbstain(vote);
}

function describeAbstain({ cause }: Abstain): string {
  return `abstain(${cause})`;
}
