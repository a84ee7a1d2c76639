/**
 * The SPF port (RFC 7208): whether a domain lets a client send in its name. The sender's domain is asked, and for the null
 * sender the HELO name (section 2.4). `mailauth-spf.ts` is the adapter.
 */
import type { Address } from '../net/address.ts';

/** RFC 7208 section 2.6; the same words in rules and in the log. */
export const spfResults = ['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror'] as const;
export type SpfResult = (typeof spfResults)[number];

export interface SpfQuery {
  readonly address: Address;
  readonly helo: string | undefined;
  /** Without angle brackets; empty for the null sender. */
  readonly sender: string;
}

export interface SpfFinding {
  readonly result: SpfResult;
  /** The domain that was asked, in lower case and A-labels; empty if there was none to ask. */
  readonly domain: string;
  /** A `pass` that any client in the world would get: it says nothing of this one. */
  readonly everyone: boolean;
}

/** SPF is wanted, and the library for it is not there. */
export class SpfMissingError extends Error {
  override readonly name = 'SpfMissingError';
}

export interface SpfPort {
  /** In 3 s at most; never rejects: what goes wrong is a `temperror`. */
  check(query: SpfQuery): Promise<SpfFinding>;
}
