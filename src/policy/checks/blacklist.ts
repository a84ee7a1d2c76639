/**
 * `blacklist`: clients whose address is on the administrator's list of unwelcome ones. Refused at RCPT, never at CONNECT,
 * where the client might yet authenticate and one MTA would lose our text.
 */
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { Check } from '../check.ts';
import type { Session } from '../envelope.ts';
import type { Replies } from '../replies.ts';

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
