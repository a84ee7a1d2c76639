/**
 * `whitelist`: whom the administrator welcomes, by address or by what else is listed.
 */
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { AccessList, Listing } from '../access-list.ts';
import type { Check, Word } from '../check.ts';
import type { ClientNames } from '../client-name.ts';
import { partiesWords } from '../describe.ts';
import type { Session } from '../envelope.ts';
import { questionOf } from '../question.ts';
import type { Accept } from '../verdict.ts';

const whitelisted: Accept = { action: 'accept', reason: 'whitelist' };

/** By address alone. */
export function whitelistCheck(list: PrefixLookup<string>): Check {
  const settles = ({ address }: Session): Accept | undefined =>
    address !== undefined && list.find(address) !== undefined ? whitelisted : undefined;
  return { name: 'whitelist', canAccept: true, settles, run: ({ session }) => settles(session) };
}

/** By whatever the list holds. */
export function welcomeCheck(list: AccessList, names: ClientNames): Check {
  const settles = (session: Session): Accept | undefined => {
    const at = list.client(session);
    return at === undefined ? undefined : { ...whitelisted, fields: { list: at } };
  };
  return {
    name: 'whitelist',
    canAccept: true,
    originating: true,
    settles,
    prefetch(session) {
      if (list.mayAskName(session)) void names.standing(session);
    },
    run(envelope) {
      const listing = list.find(questionOf(envelope), names);
      return listing instanceof Promise ? listing.then(word) : word(listing);
    },
    subject: envelope => partiesWords(envelope, names),
  };
}

function word(listing: Listing): Word {
  if (listing === undefined) return undefined;
  if (listing === 'unknown') return { action: 'advise', doubt: true, fields: { doubt: 'whitelist' } };
  return { ...whitelisted, fields: { list: listing.at } };
}
