/**
 * The real resolver: a stub (RFC 1034 §5.3.1) that asks recursive servers over UDP, with a cache of its own. `node:dns` would
 * ask for us too, but hides what blocklists need: the SOA of negative answers, the TTL of texts, the reason of a failure.
 *
 *     resolve → cache → flight (who waits) → lookup (attempts) → upstream (window, breaker) → exchange → socket
 */
import { type Clock, systemTimers, type Timers } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import { Cache, type CacheLimits, cacheKey, DEFAULT_CACHE_LIMITS } from './cache.ts';
import { Flight } from './flight.ts';
import { Lookup, type Outcome } from './lookup.ts';
import { publicResolverWarning } from './public-resolvers.ts';
import { canonicalName, encodeQuestion, NameError, type Question } from './question.ts';
import { type Random, RandomSource } from './random.ts';
import type { Answer, FailureCause, RecordType, ResolveOptions, Resolver } from './resolver.ts';
import { orderServers } from './selection.ts';
import type { ServerAddress } from './servers.ts';
import { Upstream } from './upstream.ts';
import { WireLog } from './wire-log.ts';

export interface StubResolverOptions {
  /** At least one. */
  readonly servers: readonly ServerAddress[];
  readonly clock: Clock;
  /** For query ids: `systemRandom` outside tests. */
  readonly random: Random;
  readonly logger: Logger;
  readonly timers?: Timers;
  /** Takes the debug log, line by line. */
  readonly debug?: { write(line: string): unknown };
  /** Takes secrets out of debug lines: zone names may hold keys. */
  readonly redact?: (text: string) => string;
  /** Milliseconds a look-up may take; default 1,500. */
  readonly timeout?: number;
  readonly cache?: Partial<CacheLimits>;
}

const DEFAULT_TIMEOUT = 1_500;
/** Background refreshes leave the other half of a server's window to those who wait. */
const PREFETCH_LOAD = 0.5;

export function createStubResolver(options: StubResolverOptions): Resolver {
  return new StubResolver(options);
}

class StubResolver implements Resolver {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: RandomSource;
  readonly #limit: number;
  readonly #upstreams: readonly Upstream[];
  readonly #cache: Cache;
  readonly #flights = new Map<string, Flight>();
  readonly #lookups = new Set<Lookup>();
  #closed = false;

  constructor({ servers, clock, random, logger, timers, debug, redact, timeout, cache }: StubResolverOptions) {
    if (servers.length === 0) throw new Error('DNS resolver: no servers, expected at least one');
    this.#clock = clock;
    this.#timers = timers ?? systemTimers;
    this.#random = new RandomSource(random);
    this.#limit = timeout ?? DEFAULT_TIMEOUT;
    this.#cache = new Cache({ ...DEFAULT_CACHE_LIMITS, ...cache });
    const log = debug && new WireLog({ sink: debug, redact: redact ?? (text => text), clock, logger });
    this.#upstreams = servers.map(server => {
      const warning = publicResolverWarning(server);
      if (warning !== undefined) logger.warn(warning);
      return new Upstream({ server, clock, timers: this.#timers, random: this.#random, logger, log });
    });
  }

  resolve(name: string, type: RecordType, options: ResolveOptions = {}): Promise<Answer> {
    if (this.#closed) return Promise.resolve(failed('aborted', 'the resolver is closed'));
    if (options.signal?.aborted) return Promise.resolve(failed('aborted', 'aborted by the caller'));
    const canonical = canonicalName(name);
    const key = cacheKey(canonical, type);
    const known = options.bypassCache ? undefined : this.#cached(key, canonical, type);
    if (known) return Promise.resolve(known);
    const flight = this.#flights.get(key);
    if (flight?.wanted) return flight.join(options);
    let question: Question;
    try {
      // As it was given: a name that ends in two dots is none, though its canonical form ends in one.
      question = encodeQuestion(name, type);
    } catch (error) {
      if (error instanceof NameError) return Promise.resolve(failed('malformed', error.message));
      throw error;
    }
    const [launched, lookup] = this.#prepare(key, question);
    const answer = launched.join(options);
    lookup.start();
    return answer;
  }

  cached(name: string, type: RecordType): Answer | undefined {
    if (this.#closed) return undefined;
    const canonical = canonicalName(name);
    return this.#cached(cacheKey(canonical, type), canonical, type);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const lookup of this.#lookups) lookup.cancel();
    this.#lookups.clear();
    for (const flight of this.#flights.values()) flight.settle(failed('aborted', 'the resolver was closed'));
    this.#flights.clear();
    await Promise.all(this.#upstreams.map(upstream => upstream.close()));
  }

  #cached(key: string, name: string, type: RecordType): Answer | undefined {
    const hit = this.#cache.get(key, this.#clock.monotonic());
    if (hit?.prefetch) this.#prefetch(key, name, type);
    return hit?.answer;
  }

  #prefetch(key: string, name: string, type: RecordType): void {
    if (this.#flights.has(key) || this.#upstreams.every(upstream => upstream.load >= PREFETCH_LOAD)) return;
    const [, lookup] = this.#prepare(key, encodeQuestion(name, type));
    lookup.abandon();
    lookup.start();
  }

  #prepare(key: string, question: Question): readonly [Flight, Lookup] {
    const clock = this.#clock;
    const timers = this.#timers;
    const lookup = new Lookup({
      question,
      servers: orderServers(this.#upstreams, this.#random),
      clock,
      timers,
      limit: this.#limit,
      onEnd: outcome => {
        this.#lookups.delete(lookup);
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.settle(this.#answer(key, outcome));
      },
    });
    const flight = new Flight({ lookup, clock, timers, rescue: () => this.#cache.rescue(key, clock.monotonic()) });
    this.#lookups.add(lookup);
    this.#flights.set(key, flight);
    return [flight, lookup];
  }

  #answer(key: string, outcome: Outcome): Answer {
    if ('finding' in outcome) return this.#cache.store(key, outcome.finding, this.#clock.monotonic());
    return { status: 'failed', ...outcome.failure };
  }
}

function failed(cause: FailureCause, detail: string): Answer {
  return { status: 'failed', cause, detail };
}
