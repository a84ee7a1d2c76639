/**
 * Opting in and out of the greylist, by recipient. As sqlgrey has it: with opting in, only recipients of the listed domains are
 * greylisted, less the addresses excepted, and the listed addresses in any case; with opting out all but those are.
 *
 *     in:  greylisted if (domain listed and address not excepted) or address listed
 *     out: spared     if (domain listed and address not excepted) or address listed
 *
 * `user@` in any domain counts as an address; an address with `+ext` is also looked up without.
 */
import type { ListFiles, ListRequest } from '../lists/list-files.ts';
import type { Pattern } from '../lists/pattern.ts';
import { PatternError } from '../lists/pattern-error.ts';
import { PatternTable } from '../lists/pattern-table.ts';
import type { Subject } from '../lists/subject.ts';
import type { Values } from './rules/rule.ts';

export interface OptEntries {
  /** Domains and addresses. */
  readonly recipients: Values<Pattern>;
  /** Addresses in those domains that are not meant. */
  readonly except: Values<Pattern>;
}

export function optFiles({ recipients, except }: OptEntries): readonly ListRequest[] {
  return [...recipients.files, ...except.files].map(file => ({ kind: 'mail', file }));
}

/** Whom one of the two formulas holds for. */
export class OptList {
  readonly #domains: readonly PatternTable<true>[];
  readonly #addresses: readonly PatternTable<true>[];
  readonly #except: readonly PatternTable<true>[];

  constructor({ recipients, except }: OptEntries, files: ListFiles) {
    const patterns = (values: Values<Pattern>): readonly Pattern[] => [
      ...values.values,
      ...values.files.flatMap(file => files.items('mail', file).map(({ value }) => value)),
    ];
    const listed = patterns(recipients);
    this.#domains = tablesOf(listed.filter(isDomain));
    this.#addresses = tablesOf(listed.filter(pattern => !isDomain(pattern)));
    this.#except = tablesOf(patterns(except));
  }

  holds(recipient: Subject): boolean {
    if (has(this.#addresses, recipient)) return true;
    return has(this.#domains, recipient) && !has(this.#except, recipient);
  }
}

/** @throws PatternError: an exception is an address, since the formula knows no other */
export function checkException(pattern: Pattern): Pattern {
  if (isDomain(pattern)) throw new PatternError('expected an address such as user@example.org, or user@');
  return pattern;
}

/** A regular expression may be about anything: it is taken for one about addresses. */
function isDomain(pattern: Pattern): boolean {
  return typeof pattern === 'string' && pattern.startsWith('@');
}

function tablesOf(patterns: readonly Pattern[]): readonly PatternTable<true>[] {
  const table = new PatternTable<true>();
  for (const pattern of patterns) table.add(pattern, true);
  return table.size > 0 ? [table] : [];
}

function has(tables: readonly PatternTable<true>[], subject: Subject): boolean {
  return tables.some(table => table.find(subject) !== undefined);
}
