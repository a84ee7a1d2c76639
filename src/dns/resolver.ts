/**
 * The resolver port: what the rest of the daemon may ask of the DNS. `stub-resolver.ts` is the real one; tests use zone
 * tables (`test/support`).
 */

export type RecordType = 'A' | 'AAAA' | 'TXT' | 'PTR' | 'MX';

/** Why no usable answer came. A closed set; the same words in log and metrics. */
export type FailureCause =
  | 'timeout'
  | 'refused-connection'
  | 'servfail'
  | 'refused'
  | 'rcode'
  | 'malformed'
  | 'truncated'
  | 'queue-full'
  | 'breaker-open'
  | 'aborted';

/** Where an answer came from: `fresh` cost a query, `cache` did not, `stale` is an expired entry served because asking failed. */
export type Provenance = 'fresh' | 'cache' | 'stale';

/**
 * The outcome of a look-up; a resolver never throws for what the network does.
 * `records` holds text: dotted or colon addresses, TXT strings joined, PTR names, `preference exchange` for MX.
 * `cname` tells that the owner is an alias. `ttl` is in seconds and what is left of it. `age` is how many milliseconds ago the
 * answer came from the network, 0 if it is not told. `soaOwner` names the zone of a negative answer, if the server told.
 */
export type Answer =
  | {
      readonly status: 'records';
      readonly records: readonly string[];
      readonly cname: boolean;
      readonly ttl: number;
      readonly age?: number;
      readonly from: Provenance;
    }
  | {
      readonly status: 'nxdomain' | 'nodata';
      readonly cname: boolean;
      readonly soaOwner?: string;
      readonly ttl: number;
      readonly age?: number;
      readonly from: Provenance;
    }
  | { readonly status: 'failed'; readonly cause: FailureCause; readonly detail: string };

export interface ResolveOptions {
  /** Detaches the caller: the promise settles with cause `aborted`; a reply on its way still fills the cache. */
  readonly signal?: AbortSignal;
  /** Milliseconds this look-up may take in all; the resolver has its own, lower or equal, limit. */
  readonly timeout?: number;
  /** Ask the network even if the cache knows (self-tests, `dnsbl --check`). The answer is still stored. */
  readonly bypassCache?: boolean;
}

export interface Resolver {
  resolve(name: string, type: RecordType, options?: ResolveOptions): Promise<Answer>;
  /** What the cache knows, without a query; undefined on a miss. Synchronous: the hot path asks it first. */
  cached(name: string, type: RecordType): Answer | undefined;
  close(): Promise<void>;
}
