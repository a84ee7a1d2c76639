/**
 * A seat: one zone's place in one ballot. It votes at most once.
 */
import type { Answer, Provenance } from '../dns/resolver.ts';
import { contributionOf, type Policy, type Stake, type Tally } from './ballot.ts';
import type { Channel } from './channel.ts';
import { classify } from './classify.ts';
import type { Channels } from './health.ts';
import type { Latency } from './latency.ts';
import type { ListedShare } from './listed-share.ts';
import type { Vote } from './vote.ts';
import type { Zone } from './zone.ts';

/** What is kept of a zone from ballot to ballot. */
export interface Member {
  readonly zone: Zone;
  /** Its place in configured order. */
  readonly index: number;
  readonly stake: Stake;
  readonly policy: Policy;
  readonly channels: Channels;
  readonly latency: Latency;
  readonly share: ListedShare;
  /** How often it was asked; halved every ten minutes. */
  asked: number;
}

export class Seat {
  readonly member: Member;
  readonly channel: Channel;
  /** Whether what the cache knows is of no use. */
  bypassCache = false;
  readonly #queryName: string;
  #vote: Vote | undefined;
  #from: Provenance | undefined;

  constructor(member: Member, channel: Channel, queryName: string) {
    this.member = member;
    this.channel = channel;
    this.#queryName = queryName;
  }

  /** The name to ask; it may hold a key. */
  get queryName(): string {
    return this.#queryName;
  }

  get vote(): Vote | undefined {
    return this.#vote;
  }

  get from(): Provenance | undefined {
    return this.#from;
  }

  /** Whether it is known to list the client, to the client's harm. */
  get lists(): boolean {
    return this.#vote?.vote === 'listed' && (contributionOf(this.member.policy, this.#vote) ?? 0) > 0;
  }

  /** Whether an answer is from a time at which the zone may have said what is not so. */
  isTainted(answer: Answer, now: number): boolean {
    return answer.status !== 'failed' && now - (answer.age ?? 0) < this.channel.trustedSince;
  }

  /**
   * The vote that an answer is worth here and now. It is worth nothing if the zone has meanwhile been found to say what is not
   * so. Nor is an old one, given because the zone is silent, if it would deprive the client of what an allow list may say by
   * now: silent, such a list counts for the client.
   */
  voteOf(answer: Answer, now: number): Vote {
    const { rules } = this.member.zone;
    const vote = classify(answer, rules);
    if (vote.vote === 'abstain' || answer.status === 'failed') return vote;
    const { stake, policy } = this.member;
    const deprives = stake.min < 0 && (contributionOf(policy, vote) ?? 0) > stake.min;
    if (this.isTainted(answer, now) || (answer.from === 'stale' && deprives))
      return { vote: 'abstain', cause: 'unreachable', detail: 'what is known of it is too old' };
    return this.channel.discredit ?? vote;
  }

  cast(vote: Vote, tally: Tally, from?: Provenance): void {
    this.#vote = vote;
    this.#from = from;
    tally.cast(this.member.stake, contributionOf(this.member.policy, vote));
  }
}
