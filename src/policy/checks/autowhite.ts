/**
 * `autowhite`: clients whose network, or whatever was advised to take its place, has let enough triplets mature. A blocklist
 * that lists the client takes that away at once (`learning/networks.ts`).
 */
import type { Address } from '../../net/address.ts';
import type { Check } from '../check.ts';
import type { SessionBallots } from '../session-ballots.ts';
import type { Accept } from '../verdict.ts';

/** Who knows what networks have shown of themselves. Both may throw. */
export interface MeritPort {
  /** Whether the network has proved itself; asking is using it. */
  isWhite(network: string): boolean;
  revoke(network: string): void;
}

export interface AutowhiteOptions {
  readonly merits: MeritPort;
  /** The names of the network of an address: the one in use, then those it had under earlier prefixes. */
  readonly networksOf: (address: Address) => readonly string[];
  readonly ballots: SessionBallots | undefined;
}

const learned: Accept = { action: 'accept', reason: 'learned' };

export function autowhiteCheck({ merits, networksOf, ballots }: AutowhiteOptions): Check {
  return {
    name: 'autowhite',
    canAccept: true,
    run({ session }, terms) {
      const { address } = session;
      if (address === undefined) return undefined;
      if (ballots?.begun(session)?.result?.outcome === 'listed') {
        if (terms?.key !== undefined) merits.revoke(terms.key);
        for (const network of networksOf(address)) merits.revoke(network);
        return undefined;
      }
      if (terms?.key !== undefined && merits.isWhite(terms.key)) return learned;
      return networksOf(address).some(network => merits.isWhite(network)) ? learned : undefined;
    },
    subject({ session: { address } }, { key }) {
      const names = [...(key === undefined ? [] : [key]), ...(address === undefined ? [] : networksOf(address))];
      return names.join(', ') || 'a client without an address';
    },
  };
}
