/**
 * The cache of answers. Times are monotonic milliseconds, given with each call. Positive answers are kept for the least TTL
 * of their records, negative ones as RFC 2308 §5 says, both within bounds that suit blocklists: a listing may be withdrawn
 * within the hour, and less than a minute of memory would ask the lists far too often.
 *
 * Expired entries may be served when asking fails (RFC 8767), but not alike: "not listed" does no harm for a day; a listing
 * is served for no longer than it was valid, and half an hour at most, since a host that was delisted must not be refused on
 * old data.
 */
import { LRUCache } from 'lru-cache';
import type { Finding, NegativeFinding } from './reply.ts';
import type { Answer, Provenance, RecordType } from './resolver.ts';

export interface CacheLimits {
  readonly entries: number;
  /** Seconds. */
  readonly minPositive: number;
  readonly maxPositive: number;
  readonly minNegative: number;
  readonly maxNegative: number;
  /** For negative answers without SOA, which are not to be cached: just enough to ask once for a burst. */
  readonly withoutSoa: number;
  /** How long after their end answers are served if asking fails; positive ones for their TTL at most. */
  readonly stalePositive: number;
  readonly staleNegative: number;
}

export const DEFAULT_CACHE_LIMITS: CacheLimits = {
  entries: 200_000,
  minPositive: 60,
  maxPositive: 3_600,
  minNegative: 10,
  maxNegative: 3_600,
  withoutSoa: 5,
  stalePositive: 1_800,
  staleNegative: 86_400,
};

/** After asking failed, a stale answer is good for so long before the next try (RFC 8767 §5: at least 30 s). */
const RECHECK = 30_000;
/** Refresh ahead of the end: in the last tenth of the time, if there were so many hits. */
const PREFETCH_PART = 0.1;
const PREFETCH_HITS = 2;

/** There may be many: times are whole milliseconds, which take less room than fractions. */
interface Entry {
  readonly finding: Finding;
  /** Milliseconds it was stored for. */
  readonly lifetime: number;
  readonly expires: number;
  /** Until then a stale answer is served without asking. */
  staleServedUntil: number;
  hits: number;
}

/** A hit, and whether the entry should be refreshed in the background. */
export interface Hit {
  readonly answer: Answer;
  readonly prefetch: boolean;
}

export class Cache {
  readonly #limits: CacheLimits;
  readonly #entries: LRUCache<string, Entry>;
  #lastNegative: NegativeFinding | undefined;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
    this.#entries = new LRUCache({ max: limits.entries });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A valid answer, or a stale one if asking has just failed. */
  get(key: string, now: number): Hit | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.hits++;
    const left = entry.expires - now;
    if (left > 0) {
      const prefetch = entry.hits >= PREFETCH_HITS && left <= entry.lifetime * PREFETCH_PART;
      return { answer: toAnswer(entry.finding, 'cache', left, ageOf(entry, now)), prefetch };
    }
    if (now >= entry.staleServedUntil) return undefined;
    const answer = toAnswer(entry.finding, 'stale', entry.staleServedUntil - now, ageOf(entry, now));
    return { answer, prefetch: false };
  }

  /** Stores an answer that has just come, and tells it with the TTL it is kept for. */
  store(key: string, finding: Finding, now: number): Answer {
    const lifetime = this.#lifetime(finding);
    const expires = Math.round(now) + lifetime;
    this.#entries.set(key, { finding: this.#share(finding), lifetime, expires, staleServedUntil: 0, hits: 0 });
    return toAnswer(finding, 'fresh', lifetime, 0);
  }

  /** What may be said although asking failed, just now, or undefined. */
  rescue(key: string, now: number): Answer | undefined {
    const entry = this.#entries.peek(key);
    if (!entry) return undefined;
    if (now < entry.expires) return toAnswer(entry.finding, 'cache', entry.expires - now, ageOf(entry, now));
    const staleUntil = entry.expires + this.#staleTime(entry);
    if (now >= staleUntil) return undefined;
    entry.staleServedUntil = Math.round(Math.min(staleUntil, now + RECHECK));
    return toAnswer(entry.finding, 'stale', entry.staleServedUntil - now, ageOf(entry, now));
  }

  /** Most entries of a blocklist say the same "no such name": they share one object. */
  #share(finding: Finding): Finding {
    if (finding.status === 'records') return finding;
    const { status, cname, soaOwner, ttl } = finding;
    const last = this.#lastNegative;
    if (last?.status === status && last.cname === cname && last.soaOwner === soaOwner && last.ttl === ttl) return last;
    this.#lastNegative = finding;
    return finding;
  }

  #lifetime(finding: Finding): number {
    const { minPositive, maxPositive, minNegative, maxNegative, withoutSoa } = this.#limits;
    if (finding.status === 'records') return clamp(finding.ttl, minPositive, maxPositive) * 1000;
    return (finding.ttl === undefined ? withoutSoa : clamp(finding.ttl, minNegative, maxNegative)) * 1000;
  }

  #staleTime({ finding, lifetime }: Entry): number {
    if (finding.status === 'records') return Math.min(lifetime, this.#limits.stalePositive * 1000);
    return finding.ttl === undefined ? 0 : this.#limits.staleNegative * 1000;
  }
}

function toAnswer(finding: Finding, from: Provenance, left: number, age: number): Answer {
  const ttl = Math.ceil(left / 1000);
  const { cname } = finding;
  if (finding.status === 'records') return { status: 'records', records: finding.records, cname, ttl, age, from };
  const { status, soaOwner } = finding;
  return soaOwner === undefined ? { status, cname, ttl, age, from } : { status, cname, soaOwner, ttl, age, from };
}

function ageOf({ expires, lifetime }: Entry, now: number): number {
  return Math.max(0, now - (expires - lifetime));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** The cache's key for a question; `name` is canonical and has no space in it. */
export function cacheKey(name: string, type: RecordType): string {
  return type === 'A' ? name : `${type} ${name}`; // nearly all are A: no new string for them
}
