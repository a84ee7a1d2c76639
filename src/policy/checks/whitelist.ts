/**
 * `whitelist`: clients whose address is on the administrator's list of welcome ones.
 */
import type { PrefixLookup } from '../../net/prefix-table.ts';
import type { Check } from '../check.ts';
import type { Session } from '../envelope.ts';
import type { Accept } from '../verdict.ts';

const whitelisted: Accept = { action: 'accept', reason: 'whitelist' };

export function whitelistCheck(list: PrefixLookup<string>): Check {
  const settles = ({ address }: Session): Accept | undefined =>
    address !== undefined && list.find(address) !== undefined ? whitelisted : undefined;
  return { name: 'whitelist', canAccept: true, settles, run: ({ session }) => settles(session) };
}
