/**
 * What rules need from outside: lookups to begin early, and macros to ask the MTA for.
 */
import type { Conditions, Rule } from './rule.ts';

export interface Needs {
  /** The session's ballot. */
  readonly ballot: boolean;
  /** What every single zone says, not only the outcome. */
  readonly everyZone: boolean;
  readonly spf: boolean;
}

export function needsOf(rules: readonly Rule[]): Needs {
  const all = conditionsOf(rules);
  return {
    ballot: all.some(({ dnsbl }) => dnsbl !== undefined),
    everyZone: all.some(
      ({ dnsbl }) => dnsbl && (dnsbl.zones.length > 0 || dnsbl.listings !== undefined || dnsbl.score !== undefined),
    ),
    spf: all.some(({ spf }) => spf !== undefined),
  };
}

/** The macros that these rules look at, without braces, each once. */
export function macrosOf(rules: readonly Rule[]): readonly string[] {
  const names = new Set<string>();
  for (const { name, tls, macro } of conditionsOf(rules)) {
    // Whether a client without a name has none, or could not be asked about.
    if (name !== undefined) names.add('client_resolve');
    if (tls !== undefined) {
      for (const each of ['tls_version', 'cipher', 'cipher_bits', 'cert_subject', 'cert_issuer']) names.add(each);
    }
    for (const each of Object.keys(macro ?? {})) names.add(each);
  }
  return [...names];
}

/** All conditions of all rules, those within `not` too. */
export function conditionsOf(rules: readonly Rule[]): readonly Conditions[] {
  const within = (conditions: Conditions): readonly Conditions[] => [
    conditions,
    ...(conditions.not ?? []).flatMap(within),
  ];
  return rules.flatMap(({ conditions }) => within(conditions));
}
