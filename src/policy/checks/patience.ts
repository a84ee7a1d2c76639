/**
 * `patience`: clients that come back every few seconds, go on after a 5xx or switch relays wait longer. Never more than
 * that: it gives advice, and no verdict.
 */
import type { Address } from '../../net/address.ts';
import type { Check } from '../check.ts';
import type { Envelope } from '../envelope.ts';

/** One attempt as `learning/patience.ts` sees it. */
export interface Try {
  readonly network: string;
  readonly helo: string | undefined;
  readonly sender: string;
  readonly recipient: string;
}

export interface PatiencePort {
  /** Takes note of an attempt; says what it has to wait longer for, and how many milliseconds. */
  tried(attempt: Try): { readonly extraDelay: number; readonly why: readonly string[] } | undefined;
}

export function patienceCheck(patience: PatiencePort, networkOf: (address: Address) => string): Check {
  return {
    name: 'patience',
    canAccept: false,
    advisory: true,
    run(envelope) {
      const attempt = tryOf(envelope, networkOf);
      const impatience = attempt && patience.tried(attempt);
      if (impatience === undefined) return undefined;
      const { extraDelay, why } = impatience;
      return { action: 'advise', greylist: { extraDelay }, fields: { patience: why.join(',') } };
    },
    subject: () => 'what the daemon keeps in memory, which is not seen from here',
  };
}

/** Undefined for a client without an address. */
export function tryOf(envelope: Envelope, networkOf: (address: Address) => string): Try | undefined {
  const { session, helo, sender, recipient } = envelope;
  return session.address && { network: networkOf(session.address), helo, sender, recipient };
}
