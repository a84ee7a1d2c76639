/**
 * `exempt`: recipients to whom strangers must be able to write even if all else goes wrong (RFC 5321 section 4.5.1,
 * RFC 2142): in any domain, or none.
 */
import type { Check } from '../check.ts';
import { localPart } from '../local-part.ts';
import type { Accept } from '../verdict.ts';

const exempt: Accept = { action: 'accept', reason: 'exempt' };

export const defaultExempt: readonly string[] = ['postmaster', 'abuse'];

/** @param localParts in any case, without `+ext` */
export function exemptCheck(localParts: readonly string[] = defaultExempt): Check {
  const names: ReadonlySet<string> = new Set(localParts.map(name => name.toLowerCase()));
  return {
    name: 'exempt',
    canAccept: true,
    run: ({ recipient }) => (names.has(localPart(recipient)) ? exempt : undefined),
    subject: ({ recipient }) => `local part ${localPart(recipient)}, against ${[...names].join(', ')}`,
  };
}
