/**
 * `blacklist`: whom the administrator refuses, by address or by what else is listed. Refused at RCPT, never at CONNECT, where the
 * client might yet authenticate and one MTA would lose our text.
 */
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { AccessList, Listing } from '../access-list.ts';
import type { Check, Settled } from '../check.ts';
import type { ClientNames } from '../client-name.ts';
import { partiesWords } from '../describe.ts';
import type { Envelope, Session } from '../envelope.ts';
import { questionOf } from '../question.ts';
import type { Replies } from '../replies.ts';
import type { Reject } from '../verdict.ts';

/** By address alone. */
export function blacklistCheck(list: PrefixLookup<string>, replies: Replies): Check {
  const isListed = ({ address }: Session): boolean => address !== undefined && list.find(address) !== undefined;
  return {
    name: 'blacklist',
    canAccept: false,
    settles: session => (isListed(session) ? { action: 'reject' } : undefined),
    run(envelope) {
      if (!isListed(envelope.session)) return undefined;
      return { action: 'reject', reason: 'blacklist', reply: replies.blacklisted(envelope) };
    },
  };
}

/** By whatever the list holds. A name that can't be confirmed is not refused for. */
export function refusalCheck(list: AccessList, names: ClientNames, replies: Replies): Check {
  const { hasMore } = list;
  const word = (envelope: Envelope, listing: Listing): Reject | undefined => {
    if (listing === undefined || listing === 'unknown') return undefined;
    const fields = { list: listing.at };
    return { action: 'reject', reason: 'blacklist', reply: replies.blacklisted(envelope), fields };
  };
  return {
    name: 'blacklist',
    canAccept: false,
    originating: true,
    settles: (session): Settled | undefined => {
      if (list.client(session) !== undefined) return { action: 'reject' };
      return hasMore ? { action: 'open' } : undefined;
    },
    prefetch(session) {
      if (list.mayAskName(session)) void names.standing(session);
    },
    run(envelope) {
      const listing = list.find(questionOf(envelope), names);
      return listing instanceof Promise ? listing.then(late => word(envelope, late)) : word(envelope, listing);
    },
    subject: envelope => partiesWords(envelope, names),
  };
}
