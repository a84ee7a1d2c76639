/**
 * `dnsbl`: clients that DNS blocklists know. The lists are asked from CONNECT on, so that the client's own round trips hide
 * their latency, and awaited at the first recipient. A listed client is refused with its list's own code and text, or passed
 * on and its messages marked. Clear and unknown are no word: the next check is asked.
 */
import type { Result } from '../../dnsbl/result.ts';
import type { Zone } from '../../dnsbl/zone.ts';
import type { Address } from '../../net/address.ts';
import type { Check, Word } from '../check.ts';
import type { Envelope } from '../envelope.ts';
import { warningHeader } from '../headers.ts';
import { compileReplyText, type ReplyText } from '../reply-text.ts';
import { type BallotPort, createSessionBallots, type SessionBallots } from '../session-ballots.ts';
import type { Header } from '../verdict.ts';

export interface DnsblCheckOptions {
  readonly panel: BallotPort;
  /** The panel's ballots, if others look at them too. */
  readonly ballots?: SessionBallots | undefined;
  /** Those of the panel, in configured order. */
  readonly zones: readonly Zone[];
  /** `true` refuses listed clients, `false` marks their messages with `X-RBL-Warning`. */
  readonly reject: boolean;
}

/** Milliseconds; the panel keeps its own, shorter, limit. */
const deadline = 3_000;
const noHeaders: readonly Header[] = [];
const noFields: Readonly<Record<string, string>> = {};

/** @throws TemplateError for a zone's message that makes no sense */
export function dnsblCheck({ panel, ballots = createSessionBallots(panel), zones, reject }: DnsblCheckOptions): Check {
  const texts = new Map<Zone, ReplyText>();
  for (const zone of zones) texts.set(zone, compileReplyText(`message of ${zone.name}`, zone.reply.message));
  const word = (envelope: Envelope, { outcome, listing }: Result): Word => {
    const [first] = listing;
    if (!reject || outcome !== 'listed' || first === undefined) return undefined;
    const { id, session, sender, recipient } = envelope;
    const text = texts.get(first)?.({
      address: session.address?.text ?? '',
      dnsbl: first.name,
      sender,
      recipient,
      id,
    });
    if (text === undefined) throw new Error(`zone "${first.name}" is not one of this check's`);
    const { code, enhanced } = first.reply;
    const names = listing.map(({ name }) => name);
    return { action: 'reject', reason: 'dnsbl', reply: { code, enhanced, text }, zones: names };
  };

  return {
    name: 'dnsbl',
    canAccept: false,
    deadline,
    prefetch(session) {
      ballots.of(session);
    },
    run(envelope) {
      if (envelope.authenticated !== undefined) return undefined;
      const ballot = ballots.of(envelope.session);
      if (ballot === undefined) return undefined;
      if (ballot.result !== undefined) return word(envelope, ballot.result);
      return ballot.promise?.then(result => word(envelope, result));
    },
    // The ballot may still be under way if no recipient had to wait for it, since all of them were exempt.
    headers(session, { authenticated }) {
      const { address } = session;
      const ballot = ballots.begun(session);
      if (authenticated || address === undefined || ballot === undefined) return noHeaders;
      if (ballot.result !== undefined) return warnings(address, ballot.result);
      return ballot.promise?.then(result => warnings(address, result)) ?? noHeaders;
    },
    subject: ({ session }) => ballots.begun(session)?.fields.dnsbl ?? 'nobody is asked about this client',
    logFields: session => ballots.begun(session)?.fields ?? noFields,
  };
}

function warnings(address: Address, { outcome, listing }: Result): readonly Header[] {
  return outcome === 'listed' ? listing.map(({ name }) => warningHeader(address, name)) : noHeaders;
}
