/**
 * Words for people about what checks look at, for `explain`.
 */
import { isLocal } from '../net/address-class.ts';
import { type ClientNames, clientName } from './client-name.ts';
import type { Envelope, Session } from './envelope.ts';

/** The client's address, and whether it is ours. */
export function clientWords({ address }: Session): string {
  if (address === undefined) return 'a client without an address';
  return `${address.text}, ${isLocal(address) ? 'a local address' : 'not a local address'}`;
}

/** All that lists can name: address, name and whether it is confirmed, sender and recipient. */
export async function partiesWords({ session, sender, recipient }: Envelope, names: ClientNames): Promise<string> {
  const name = clientName(session);
  const client = session.address?.text ?? 'no address';
  const called = name === undefined ? 'no name' : `${name} (${await names.standing(session)})`;
  return `${client}, ${called}, <${sender}>, <${recipient}>`;
}
