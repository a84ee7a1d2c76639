/**
 * The order of the built-in checks: the one place that knows it. The greylist comes behind them, always.
 *
 * What is ours passes before anything can refuse it; then come the checks of whoever uses this as a library, and the
 * administrator's own rules; the whitelist comes before the blacklist, so that an exception from a blocked network is one
 * line; who may always be written to is exempt from blocklists, but not from the administrator's own blacklist. Opting in
 * and out is about the greylist alone, and comes behind the blocklists.
 */
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { Check } from '../check.ts';
import type { Replies } from '../replies.ts';
import { blacklistCheck } from './blacklist.ts';
import { exemptCheck } from './exempt.ts';
import { type LocalOptions, localCheck } from './local.ts';
import { whitelistCheck } from './whitelist.ts';

/** What own checks can be put in front of, in the order in which they are asked. `learned` are the checks by experience. */
export const places = [
  'rules',
  'whitelist',
  'blacklist',
  'exempt',
  'dnsbl',
  'opt',
  'spf',
  'learned',
  'greylist',
] as const;
export type Place = (typeof places)[number];

/** A check of one's own, and where it stands: without `before` in front of the rules. */
export interface OwnCheck {
  readonly check: Check;
  readonly before?: Place;
}

export interface StandardParts extends LocalOptions {
  readonly rules?: Check | undefined;
  /** By address alone, or a check of its own. */
  readonly whitelist?: PrefixLookup<string> | Check;
  readonly blacklist?: PrefixLookup<string> | Check;
  /** Recipients' local parts; default `postmaster` and `abuse`. */
  readonly exempt?: readonly string[];
  readonly opt?: Check | undefined;
  readonly dnsbl?: Check;
  readonly spf?: Check;
  /** Those that know what was learned, and those that advise by it. */
  readonly learned?: readonly Check[];
  /** In front of the same place they keep their order. */
  readonly own?: readonly OwnCheck[] | undefined;
  readonly replies: Replies;
}

/** The checks to hand to `createPolicy`; those without a part are left out. */
export function standardChecks(parts: StandardParts): readonly Check[] {
  const { rules, whitelist, blacklist, opt, dnsbl, spf, learned = [], own = [], replies } = parts;
  const built: Readonly<Record<Place, readonly (Check | undefined)[]>> = {
    rules: [rules],
    whitelist: [whitelist && ('run' in whitelist ? whitelist : whitelistCheck(whitelist))],
    blacklist: [blacklist && ('run' in blacklist ? blacklist : blacklistCheck(blacklist, replies))],
    exempt: [exemptCheck(parts.exempt)],
    dnsbl: [dnsbl],
    opt: [opt],
    spf: [spf],
    learned,
    greylist: [],
  };
  const ownAt = (place: Place): readonly Check[] =>
    own.filter(({ before = 'rules' }) => before === place).map(({ check }) => check);
  const rest = places.flatMap(place => [...ownAt(place), ...built[place]]);
  return [localCheck(parts), ...rest.filter(check => check !== undefined)];
}
