/**
 * The panel: asks the zones about a client until the ballot is decided. What the cache knows is free and comes first. Then
 * zones are asked in waves of as many as could decide: the first in strict rotation, the others by how little they were asked,
 * so that load spreads evenly (`docs/decisions/0041-waves-and-hedging.md`).
 */
import type { Clock, Timers } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Logger } from '../log/logger.ts';
import type { Address } from '../net/address.ts';
import { contributionOf, type Policy, stakeOf, Tally, threshold } from './ballot.ts';
import { Deliberation } from './deliberation.ts';
import type { Health } from './health.ts';
import { Latency } from './latency.ts';
import { ListedShare } from './listed-share.ts';
import { reversedLabels } from './query-name.ts';
import type { Result, Word } from './result.ts';
import { type Member, Seat } from './seat.ts';
import type { Zone } from './zone.ts';

export type Fanout = 'minimal' | 'all' | 'complete';

export interface PanelOptions {
  readonly policy: Policy;
  /**
   * `minimal` asks only as many zones as can decide; `all` asks all at once: more questions, less latency; `complete` asks all
   * and waits for each, so that its word is known even if it makes no difference to the outcome. Default minimal.
   */
  readonly fanout?: Fanout;
  /** Milliseconds that one zone may take, default 1,500. */
  readonly zoneTimeout?: number;
  /** Milliseconds that a ballot may take, default 2,500. */
  readonly deadline?: number;
}

export interface PanelDeps {
  readonly resolver: Resolver;
  readonly health: Pick<Health, 'channels'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A number in [0, 1), as `Math.random`: where rotation starts, so that several processes don't march in step. */
  readonly random: () => number;
  readonly log: Logger;
}

const halving = 600_000;

export class Panel {
  readonly #options: Required<PanelOptions>;
  readonly #deps: PanelDeps;
  readonly #members: readonly Member[];
  /** The index from which the next ballot looks for the zone to ask first. */
  #turn: number;
  #halved: number;

  constructor(zones: readonly Zone[], options: PanelOptions, deps: PanelDeps) {
    this.#options = { fanout: 'minimal', zoneTimeout: 1_500, deadline: 2_500, ...options };
    this.#deps = deps;
    this.#members = zones.map((zone, index) => ({
      zone,
      index,
      stake: stakeOf(options.policy, zone.rules),
      policy: options.policy,
      channels: deps.health.channels(zone),
      latency: new Latency(),
      share: new ListedShare(),
      asked: 0,
    }));
    this.#turn = Math.floor(deps.random() * zones.length);
    this.#halved = deps.clock.monotonic();
  }

  /** The result, if the cache and the zones' health settle it; synchronous and without any query. */
  decideNow(address: Address): Result | undefined {
    const seats = this.#seat(address);
    const tally = this.#count(seats);
    const outcome = tally.outcome();
    return outcome && { outcome, ...record(seats) };
  }

  /**
   * Asks until the ballot is decided, the deadline at the latest; never rejects. After `signal` nothing more is asked and
   * what is open abstains.
   */
  decide(address: Address, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Result> {
    const seats = this.#seat(address);
    const tally = this.#count(seats);
    const outcome = tally.outcome();
    if (outcome) return Promise.resolve({ outcome, ...record(seats) });
    const order = this.#order(seats.filter(seat => !seat.vote));
    const deliberation = new Deliberation({ ...this.#options, ...this.#deps, address, tally, order });
    return deliberation.run(signal).then(decided => ({ outcome: decided, ...record(seats) }));
  }

  /**
   * What a result is worth by now: a session may last, and a zone that has been found since to say what is not so has no say in
   * it any more. The same object if nothing has changed.
   */
  review({ family }: Address, result: Result): Result {
    if (result.outcome !== 'listed') return result;
    const seated = this.#members.filter(({ channels }) => channels[family].eligible);
    const tally = new Tally(
      threshold(this.#options.policy, seated.length),
      seated.map(({ stake }) => stake),
    );
    let changed = false;
    const words = result.words.map((word): Word => {
      const member = seated.find(({ zone }) => zone === word.zone);
      const discredit = word.vote?.vote === 'listed' ? member?.channels[family].discredit : undefined;
      changed ||= discredit !== undefined;
      const vote = discredit ?? word.vote;
      if (member) tally.cast(member.stake, vote && contributionOf(member.policy, vote));
      return discredit ? { zone: word.zone, vote: discredit } : word;
    });
    if (!changed) return result;
    const discredited = new Set(words.filter(({ vote }) => vote?.vote === 'abstain').map(({ zone }) => zone));
    const listing = result.listing.filter(zone => !discredited.has(zone));
    return { outcome: tally.outcome() ?? 'unknown', words, listing };
  }

  /** The zones eligible for this client. */
  #seat(address: Address): readonly Seat[] {
    const reversed = reversedLabels(address);
    const seats: Seat[] = [];
    for (const member of this.#members) {
      const channel = member.channels[address.family];
      if (channel.eligible) seats.push(new Seat(member, channel, member.zone.queryName(reversed)));
    }
    return seats;
  }

  /** A tally of what is known without asking: zones that are out abstain, and the cache's votes are free. */
  #count(seats: readonly Seat[]): Tally {
    const { resolver, clock } = this.#deps;
    const { policy } = this.#options;
    const now = clock.monotonic();
    const tally = new Tally(
      threshold(policy, seats.length),
      seats.map(({ member }) => member.stake),
      this.#options.fanout === 'complete',
    );
    for (const seat of seats) {
      const standing = seat.channel.standing;
      if (standing) {
        seat.cast(standing, tally);
        continue;
      }
      const known = resolver.cached(seat.queryName, 'A');
      if (!known || known.status === 'failed') continue;
      const vote = seat.voteOf(known, now);
      if (vote.vote !== 'abstain') seat.cast(vote, tally, known.from);
      else seat.bypassCache = true; // of an ill time: the list may have come to its senses
    }
    return tally;
  }

  #order(open: readonly Seat[]): readonly Seat[] {
    const now = this.#deps.clock.monotonic();
    for (; now - this.#halved >= halving; this.#halved += halving)
      for (const member of this.#members) member.asked /= 2;
    const first = open.find(({ member }) => member.index >= this.#turn) ?? open[0]!;
    this.#turn = (first.member.index + 1) % this.#members.length;
    const rest = open.filter(seat => seat !== first);
    return [first, ...rest.sort((a, b) => a.member.asked - b.member.asked || a.member.index - b.member.index)];
  }
}

function record(seats: readonly Seat[]): Pick<Result, 'words' | 'listing'> {
  return {
    words: seats.map(({ member, vote, from }) => ({ zone: member.zone, vote, ...(from && { from }) })),
    listing: seats.filter(seat => seat.lists).map(({ member }) => member.zone),
  };
}
