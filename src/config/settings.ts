/**
 * A configuration given by a program: an object in the shape of the file (`docs/configuration.md`), with numbers and booleans
 * where the file has their texts. The schema reads it as it reads a file; the types here only help whoever writes one.
 */
import type { SpfResult } from '../spf/spf.ts';

/** One value or several. */
export type Some<T> = T | readonly T[];
/** Values and files of values, one a line. */
export type Listed = Some<string | { readonly file: string }>;
/** A duration: seconds, or a text such as `5m`. */
export type Duration = number | string;
/** Off, on, or on with details. */
export type Switch<T> = boolean | T;

export interface Settings {
  readonly name?: string;
  readonly socket?: Some<string>;
  /** Permission bits, such as `0o660`, or a text of octal digits. */
  readonly socketMode?: number | string;
  readonly socketGroup?: string;
  readonly user?: string;
  readonly database?: string;
  readonly synchronous?: 'normal' | 'full';
  readonly log?: { readonly format?: 'logfmt' | 'json' | 'postgrey'; readonly verbosity?: number };
  readonly history?: number;
  readonly onFailure?: 'accept' | 'tempfail';
  readonly acceptLocal?: boolean;
  readonly acceptAuthenticated?: boolean;
  readonly exempt?: Some<string>;
  readonly originating?: Some<string>;
  readonly greylist?: GreylistSettings;
  readonly rules?: Some<RuleSettings>;
  readonly optIn?: OptSettings;
  readonly optOut?: OptSettings;
  readonly whitelist?: ListSettings;
  readonly blacklist?: ListSettings;
  readonly dnsbl?: {
    readonly zones?: Some<string | ZoneSettings>;
    readonly policy?: 'any' | 'all' | 'majority' | number | { readonly score: number };
    readonly action?: 'reject' | 'tag';
  };
  readonly spf?: 'off' | 'bypass' | 'key';
  readonly dns?: { readonly resolvers?: Some<string>; readonly debugFile?: string };
  readonly learning?: LearningSettings;
  readonly replies?: {
    readonly greylisted?: string;
    readonly early?: string;
    readonly fault?: string;
    readonly blacklisted?: string;
  };
}

export interface GreylistSettings {
  readonly delay?: Duration;
  readonly retryWindow?: Duration;
  readonly lifetime?: Duration;
  readonly tooSoon?: Duration;
  readonly prefix?: { readonly ipv4?: number; readonly ipv6?: number };
  readonly senderKey?: 'normalized' | 'exact';
  readonly scope?: 'recipient' | 'message';
  readonly when?: 'always' | 'suspicious';
  readonly suspicious?: {
    readonly dnsbl?: Switch<{ readonly delay?: Duration; readonly score?: number }>;
    readonly noName?: Switch<{ readonly delay?: Duration }>;
    readonly spfSoftfail?: Switch<{ readonly delay?: Duration }>;
    readonly spfFail?: Switch<{ readonly delay?: Duration }>;
  };
}

export interface LearningSettings {
  readonly autowhite?: Switch<{ readonly triplets?: number; readonly hours?: number }>;
  readonly pendingLimit?: number;
  readonly correspondents?: Switch<{ readonly lifetime?: Duration }>;
  readonly impatient?: Switch<{
    readonly retries?: number;
    readonly within?: Duration;
    readonly per?: 'triplet' | 'network';
    readonly delay?: Duration;
  }>;
  readonly relaySwitchers?: Switch<{
    readonly networks?: number;
    readonly within?: Duration;
    readonly delay?: Duration;
  }>;
}

export interface ZoneSettings {
  readonly zone: string;
  readonly filters?: Some<string>;
  readonly weight?: number;
  readonly message?: string;
  readonly code?: number;
  readonly enhanced?: string;
  readonly ipv6?: boolean;
  readonly publicName?: string;
  readonly testEntries?: boolean;
  readonly force?: boolean;
}

export interface ListSettings {
  readonly files?: Some<string>;
  readonly clients?: Listed;
  readonly names?: Listed;
  readonly unverified?: boolean;
  readonly senders?: Listed;
  readonly recipients?: Listed;
  readonly triples?: Some<string | TripleSettings | { readonly file: string }>;
}

/** One of `sender`, `helo` and `name`. */
export interface TripleSettings {
  readonly client: string;
  readonly sender?: string;
  readonly helo?: string;
  readonly name?: string;
  readonly recipient: string;
}

export type OptSettings = Listed | { readonly recipients: Listed; readonly except?: Listed };

export interface RuleSettings {
  readonly name?: string;
  readonly if?: ConditionSettings & { readonly not?: Some<ConditionSettings> };
  readonly then: Some<StepSettings>;
  readonly monitor?: boolean;
}

export interface ConditionSettings {
  readonly client?: Listed;
  readonly name?: Listed;
  readonly unverified?: boolean;
  readonly helo?: Listed;
  readonly sender?: Listed;
  readonly recipient?: Listed;
  readonly auth?: boolean | Listed;
  readonly tls?:
    | boolean
    | {
        readonly version?: Listed;
        readonly cipher?: Listed;
        readonly bits?: number;
        readonly subject?: Listed;
        readonly issuer?: Listed;
      };
  readonly spf?: Some<SpfResult>;
  readonly dnsbl?: Some<string | { readonly listings: number } | { readonly score: number }>;
  readonly macro?: Readonly<Record<string, boolean | Listed>>;
  readonly time?: Some<string>;
}

export interface RefusalSettings {
  readonly code?: number;
  readonly enhanced?: string;
  readonly text?: string;
}

export type StepSettings =
  | 'accept'
  | 'greylist'
  | 'reject'
  | 'defer'
  | { readonly greylist: { readonly delay?: Duration; readonly reply?: string } }
  | { readonly reject: RefusalSettings }
  | { readonly defer: RefusalSettings }
  | { readonly header: { readonly name: string; readonly value: string } };

/**
 * Settings as the schema reads them: texts, lists and objects of them. Keys without a value are left out.
 *
 * @throws RangeError for what has no place in a file; `place` is the key
 */
export function textsOf(settings: unknown, place = ''): unknown {
  if (typeof settings === 'string' || settings === null) return settings;
  if (place === 'socketMode' && typeof settings === 'number') return settings.toString(8).padStart(3, '0');
  if (typeof settings === 'number' || typeof settings === 'boolean') return String(settings);
  if (Array.isArray(settings)) return settings.map((value, index) => textsOf(value, `${place}[${index}]`));
  if (isPlain(settings)) {
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    // Without a prototype: `__proto__` is a key like any other.
    return Object.assign(
      Object.create(null),
      Object.fromEntries(given.map(([key, value]) => [key, textsOf(value, place === '' ? key : `${place}.${key}`)])),
    );
  }
  const what = Object.prototype.toString.call(settings).slice('[object '.length, -1).toLowerCase();
  throw new RangeError(
    `${place === '' ? '' : `${place}: `}${what}: expected a text, a number, true or false, a list or a plain object`,
  );
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
