/**
 * A seat: one zone's place in one ballot. It votes at most once.
 */
import type { Provenance } from '../dns/resolver.ts';
import { contributionOf, type Policy, type Stake, type Tally } from './ballot.ts';
import type { Channel } from './channel.ts';
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

  cast(vote: Vote, tally: Tally, from?: Provenance): void {
    this.#vote = vote;
    this.#from = from;
    tally.cast(this.member.stake, contributionOf(this.member.policy, vote));
  }
}
