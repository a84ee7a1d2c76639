/**
 * Rules as they are written: conditions and what to do where they hold. Plain data, read and checked by the configuration's
 * schema, compiled by `compile.ts`; `docs/rules.md` says what everything means.
 */
import type { Pattern } from '../../lists/pattern.ts';
import type { Network } from '../../net/network.ts';
import type { SpfResult } from '../../spf/spf.ts';
import type { Header } from '../verdict.ts';
import type { TimeSpan } from './time-span.ts';

/** Any of these values, or what stands in these files. */
export interface Values<T> {
  readonly values: readonly T[];
  readonly files: readonly string[];
}

/** Any of these. */
export interface DnsblCondition {
  /** The outcome of the ballot, by the configured policy. */
  readonly outcomes: readonly ('listed' | 'clear')[];
  /** Names of zones that list the client. */
  readonly zones: readonly string[];
  /** So many zones list the client. */
  readonly listings?: number;
  /** The weights of the listings come to so much. */
  readonly score?: number;
}

/** All of these; of a session without TLS none holds. */
export interface TlsCondition {
  readonly version?: Values<Pattern> | undefined;
  readonly cipher?: Values<Pattern> | undefined;
  /** At least. */
  readonly bits?: number | undefined;
  readonly subject?: Values<Pattern> | undefined;
  readonly issuer?: Values<Pattern> | undefined;
}

/** All that are given must hold. */
export interface Conditions {
  readonly client?: Values<Network> | undefined;
  readonly name?: Values<Pattern> | undefined;
  /** Take the MTA's word for the client's name. */
  readonly unverified?: boolean | undefined;
  readonly helo?: Values<Pattern> | undefined;
  readonly sender?: Values<Pattern> | undefined;
  readonly recipient?: Values<Pattern> | undefined;
  /** Logged in or not, or as one of these. */
  readonly auth?: boolean | Values<Pattern> | undefined;
  readonly tls?: boolean | TlsCondition | undefined;
  readonly spf?: readonly SpfResult[] | undefined;
  readonly dnsbl?: DnsblCondition | undefined;
  /** By name without braces: set or not, or one of these values. */
  readonly macro?: Readonly<Record<string, boolean | Values<Pattern>>> | undefined;
  readonly time?: readonly TimeSpan[] | undefined;
  /** None of these may hold. */
  readonly not?: readonly Conditions[] | undefined;
}

/** What ends the search. */
export type Ending =
  | { readonly action: 'accept' }
  /** `delay` in milliseconds; `reply` is a template. */
  | { readonly action: 'greylist'; readonly delay?: number; readonly reply?: string }
  | { readonly action: 'reject' | 'defer'; readonly code: number; readonly enhanced: string; readonly text: string };

export interface Rule {
  readonly name: string;
  /** Where it stands: `file:line`. */
  readonly at: string;
  readonly conditions: Conditions;
  /** Values are templates. */
  readonly headers: readonly Header[];
  /** Undefined: the rules that follow are asked. */
  readonly ending?: Ending;
  /** Only tell the log what would have been done. */
  readonly monitor: boolean;
}
