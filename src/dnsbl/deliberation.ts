/**
 * A deliberation: one ballot while zones are being asked. It launches waves, hedges, gives up on stragglers, and ends when
 * the tally is decided or the time is over.
 *
 * - A query counts as active until its hedge delay is over; fewer active ones than needed start the next zone.
 * - When no zone is left to start and every open one is past its patience, they abstain: that can only favour the client.
 * - At the end, young queries are aborted (a reply on its way still fills the cache). Late ones run on to their own timeout,
 *   else a silent zone that others always outvote would never be found out.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Answer, Resolver } from '../dns/resolver.ts';
import type { Logger } from '../log/logger.ts';
import type { Address } from '../net/address.ts';
import type { Outcome, Tally } from './ballot.ts';
import { classify } from './classify.ts';
import type { Seat } from './seat.ts';
import type { AbstainCause, Vote } from './vote.ts';

export interface Case {
  readonly address: Address;
  readonly tally: Tally;
  /** The zones that have not voted, in the order in which to ask them. */
  readonly order: readonly Seat[];
  readonly fanout: 'minimal' | 'all' | 'complete';
  /** Milliseconds for one zone. */
  readonly zoneTimeout: number;
  /** Milliseconds for all. */
  readonly deadline: number;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
}

interface Query {
  readonly seat: Seat;
  readonly started: number;
  readonly abort: AbortController;
  /** Whether the zone's health knows how it went. */
  reported: boolean;
}

/** The resolver keeps the time limit of a query; this many milliseconds later it is not waited for any more. */
const grace = 200;
/** A timer that is so late stood behind a blocked event loop; answers may lie unread, so they get a moment more. */
const stalled = 20;
const afterStall = 50;

export class Deliberation {
  readonly #case: Case;
  readonly #started: number;
  /** Queries whose zone has not voted. */
  readonly #open = new Set<Query>();
  readonly #outcome = Promise.withResolvers<Outcome>();
  #next = 0;
  #ended = false;
  #cancelTimer: (() => void) | undefined;

  constructor(given: Case) {
    this.#case = given;
    this.#started = given.clock.monotonic();
  }

  /** Resolves to the outcome, never rejects. */
  async run(signal?: AbortSignal): Promise<Outcome> {
    const stop = (): void => this.#giveUp('aborted');
    if (signal?.aborted) stop();
    else this.#advance();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await this.#outcome.promise;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Looks at the tally and the time, and does what follows. */
  #advance(): void {
    if (this.#ended) return;
    const now = this.#case.clock.monotonic();
    for (const query of this.#open) if (now >= this.#expiryOf(query)) this.#expire(query);
    const outcome = this.#case.tally.outcome();
    if (outcome) this.#end(outcome);
    else if (now >= this.#started + this.#case.deadline) this.#giveUp('deadline');
    else {
      this.#launch(now);
      if (this.#allStarted && [...this.#open].every(query => now >= patienceOf(query))) this.#giveUp('too-slow');
      else this.#wake(now);
    }
  }

  /** Starts as many zones as could decide, less those that are still expected to answer soon. */
  #launch(now: number): void {
    const { order, tally, fanout } = this.#case;
    const waiting = order.slice(this.#next);
    const active = [...this.#open].filter(query => now < hedgeOf(query)).map(({ seat }) => seat);
    const stakes = [...active, ...waiting].map(({ member }) => member.stake);
    const need = fanout === 'minimal' ? tally.need(stakes) : stakes.length;
    this.#next += Math.max(0, Math.min(waiting.length, need - active.length));
    for (const seat of waiting.slice(0, Math.max(0, need - active.length))) void this.#ask(seat, now);
  }

  async #ask(seat: Seat, now: number): Promise<void> {
    const { resolver, zoneTimeout, log, address, clock } = this.#case;
    const query: Query = { seat, started: now, abort: new AbortController(), reported: false };
    const { zone, latency, share } = seat.member;
    this.#open.add(query);
    seat.member.asked++;
    let answer: Answer;
    try {
      answer = await resolver.resolve(seat.queryName, 'A', {
        signal: query.abort.signal,
        timeout: zoneTimeout,
        bypassCache: seat.bypassCache,
      });
    } catch (error) {
      const detail = zone.mask(String(error));
      log.error('the resolver failed in itself', { zone: zone.name, error: detail });
      answer = { status: 'failed', cause: 'malformed', detail };
    }
    const vote = classify(answer, zone.rules);
    if (answer.status !== 'failed' && answer.from === 'fresh') {
      latency.add(clock.monotonic() - query.started);
      if (share.add(address.text, vote.vote === 'listed'))
        log.warn(`DNSBL ${zone.name} lists nearly every client; is it what you want?`, { zone: zone.name });
    }
    if (answer.status === 'failed' || answer.from === 'fresh') this.#report(query, vote);
    if (this.#ended || !this.#open.delete(query)) return;
    const from = answer.status === 'failed' ? undefined : answer.from;
    seat.cast(seat.voteOf(answer, clock.monotonic()), this.#case.tally, from);
    this.#advance();
  }

  #expire(query: Query): void {
    const vote: Vote = { vote: 'abstain', cause: 'timeout' };
    this.#open.delete(query);
    this.#report(query, vote);
    query.abort.abort();
    query.seat.cast(vote, this.#case.tally);
  }

  #report(query: Query, vote: Vote): void {
    if (query.reported) return;
    query.reported = true;
    query.seat.channel.report(vote);
  }

  /** Everything open abstains. */
  #giveUp(cause: AbstainCause): void {
    if (this.#ended) return;
    const { order, tally } = this.#case;
    for (const seat of order) if (!seat.vote) seat.cast({ vote: 'abstain', cause }, tally);
    this.#end(tally.outcome() ?? 'unknown');
  }

  #end(outcome: Outcome): void {
    this.#ended = true;
    this.#cancelTimer?.();
    const now = this.#case.clock.monotonic();
    for (const query of this.#open) if (now < hedgeOf(query)) query.abort.abort();
    this.#outcome.resolve(outcome);
  }

  /** Sets the one timer to the next moment at which something follows from the time alone. */
  #wake(now: number): void {
    const { clock, timers, deadline } = this.#case;
    let due = this.#started + deadline;
    let patience = 0;
    for (const query of this.#open) {
      due = Math.min(due, this.#expiryOf(query));
      if (!this.#allStarted && hedgeOf(query) > now) due = Math.min(due, hedgeOf(query));
      patience = Math.max(patience, patienceOf(query));
    }
    if (this.#allStarted) due = Math.min(due, patience);
    this.#cancelTimer?.();
    this.#cancelTimer = timers.after(due - now, () => {
      if (clock.monotonic() - due <= stalled) this.#advance();
      else this.#cancelTimer = timers.after(afterStall, () => this.#advance());
    });
  }

  get #allStarted(): boolean {
    return this.#next === this.#case.order.length;
  }

  #expiryOf({ started }: Query): number {
    return started + this.#case.zoneTimeout + grace;
  }
}

function hedgeOf({ seat, started }: Query): number {
  return started + seat.member.latency.hedge;
}

function patienceOf({ seat, started }: Query): number {
  return started + seat.member.latency.patience;
}
