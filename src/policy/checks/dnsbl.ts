/**
 * `dnsbl`: clients that DNS blocklists know. The lists are asked from CONNECT on, so that the client's own round trips hide
 * their latency, and awaited at the first recipient. A listed client is refused with its list's own code and text, or passed
 * on and its messages marked. Clear and unknown are no word: the next check is asked.
 */
import { describe, type Result } from '../../dnsbl/result.ts';
import type { Zone } from '../../dnsbl/zone.ts';
import type { Address } from '../../net/address.ts';
import { mayLookUp } from '../../net/address-class.ts';
import type { Check, Word } from '../check.ts';
import type { Envelope, Session } from '../envelope.ts';
import { warningHeader } from '../headers.ts';
import { compileReplyText, type ReplyText } from '../reply-text.ts';
import type { Header } from '../verdict.ts';

/** Who holds the ballots; see `dnsbl/panel.ts`. */
export interface BallotPort {
  /** The result if it takes no query. */
  decideNow(address: Address): Result | undefined;
  /** The result, in 2.5 s at most; never rejects. */
  decide(address: Address): Promise<Result>;
}

export interface DnsblCheckOptions {
  readonly panel: BallotPort;
  /** Those of the panel, in configured order. */
  readonly zones: readonly Zone[];
  /** `true` refuses listed clients, `false` marks their messages with `X-RBL-Warning`. */
  readonly reject: boolean;
}

/** A session's ballot: under way, and when it has ended its result. */
interface Ballot {
  promise: Promise<Result> | undefined;
  result: Result | undefined;
  fields: Readonly<Record<string, string>>;
}

/** Milliseconds; the panel keeps its own, shorter, limit. */
const deadline = 3_000;
const noHeaders: readonly Header[] = [];
const noFields: Readonly<Record<string, string>> = {};
const undecided: Readonly<Record<string, string>> = { dnsbl: 'undecided' };

/** @throws TemplateError for a zone's message that makes no sense */
export function dnsblCheck({ panel, zones, reject }: DnsblCheckOptions): Check {
  const texts = new Map<Zone, ReplyText>();
  for (const zone of zones) texts.set(zone, compileReplyText(`message of ${zone.name}`, zone.reply.message));
  const ballots = new WeakMap<Session, Ballot>();

  const start = (session: Session, address: Address): Ballot => {
    const result = panel.decideNow(address);
    const ballot: Ballot = { promise: undefined, result, fields: result ? tell(result) : undecided };
    ballots.set(session, ballot);
    if (result) return ballot;
    ballot.promise = panel.decide(address).then(late => {
      ballot.result = late;
      ballot.fields = tell(late);
      return late;
    });
    ballot.promise.catch(() => {}); // `run` hands it to the chain, which reports it; a session may end before
    return ballot;
  };
  const ballotOf = (session: Session): Ballot | undefined => {
    const { address } = session;
    if (address === undefined) return undefined;
    return ballots.get(session) ?? (mayLookUp(address) ? start(session, address) : undefined);
  };

  const word = (envelope: Envelope, { outcome, listing }: Result): Word => {
    const [first] = listing;
    if (!reject || outcome !== 'listed' || first === undefined) return undefined;
    const { session, sender, recipient } = envelope;
    const text = texts.get(first)?.({
      address: session.address?.text ?? '',
      dnsbl: first.name,
      sender,
      recipient,
      id: session.id,
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
      ballotOf(session);
    },
    run(envelope) {
      if (envelope.authenticated !== undefined) return undefined;
      const ballot = ballotOf(envelope.session);
      if (ballot === undefined) return undefined;
      if (ballot.result !== undefined) return word(envelope, ballot.result);
      return ballot.promise?.then(result => word(envelope, result));
    },
    // The ballot may still be under way if no recipient had to wait for it, since all of them were exempt.
    headers(session, { authenticated }) {
      const { address } = session;
      const ballot = ballots.get(session);
      if (authenticated || address === undefined || ballot === undefined) return noHeaders;
      if (ballot.result !== undefined) return warnings(address, ballot.result);
      return ballot.promise?.then(result => warnings(address, result)) ?? noHeaders;
    },
    logFields: session => ballots.get(session)?.fields ?? noFields,
  };
}

function warnings(address: Address, { outcome, listing }: Result): readonly Header[] {
  return outcome === 'listed' ? listing.map(({ name }) => warningHeader(address, name)) : noHeaders;
}

function tell(result: Result): Readonly<Record<string, string>> {
  return { dnsbl: describe(result) };
}
