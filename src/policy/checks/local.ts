/**
 * `local`: mail that is ours or that nobody could answer for: without a client address, from a client of our own, from an
 * authenticated user; and recipients that the MTA has refused already.
 */
import { isLocal } from '../../net/address-class.ts';
import type { Check } from '../check.ts';
import { clientWords } from '../describe.ts';
import type { Session } from '../envelope.ts';
import type { Accept } from '../verdict.ts';

const noAddress: Accept = { action: 'accept', reason: 'no-address' };
const nonSmtp: Accept = { action: 'accept', reason: 'non-smtp' };
const localClient: Accept = { action: 'accept', reason: 'local-client' };
const authenticated: Accept = { action: 'accept', reason: 'authenticated' };
const rejectedByMta: Accept = { action: 'accept', reason: 'rejected-by-mta' };

export interface LocalOptions {
  /**
   * Whether loopback, private, link-local and unique-local clients are accepted; default true. Behind NAT or a proxy in a
   * container every client looks private. The rest of the check stays in force.
   */
  readonly localAccepts?: boolean;
  /** Whether clients that have logged in are accepted; default true. */
  readonly authenticatedAccepts?: boolean;
}

export function localCheck({ localAccepts = true, authenticatedAccepts = true }: LocalOptions = {}): Check {
  const settles = ({ transport, address }: Session): Accept | undefined => {
    if (transport === 'no-port') return nonSmtp;
    if (address === undefined) return noAddress;
    return localAccepts && isLocal(address) ? localClient : undefined;
  };
  return {
    name: 'local',
    canAccept: true,
    settles,
    run(envelope) {
      if (envelope.rejectedByMta) return rejectedByMta;
      if (authenticatedAccepts && envelope.authenticated !== undefined) return authenticated;
      return settles(envelope.session);
    },
    subject: ({ session, authenticated }) =>
      authenticated === undefined ? clientWords(session) : `${clientWords(session)}, logged in as ${authenticated}`,
  };
}
