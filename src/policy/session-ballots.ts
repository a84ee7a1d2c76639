/**
 * The ballots of sessions: what the DNS blocklists say about a client, asked once a session, whoever wants to know.
 */
import { describe, type Result } from '../dnsbl/result.ts';
import type { Address } from '../net/address.ts';
import { mayLookUp } from '../net/address-class.ts';
import type { Session } from './envelope.ts';

/** Who holds the ballots; see `dnsbl/panel.ts`. */
export interface BallotPort {
  /** The result if it takes no query. */
  decideNow(address: Address): Result | undefined;
  /** The result, in 2.5 s at most; never rejects. */
  decide(address: Address): Promise<Result>;
  /** What a result is worth by now; the same object if nothing has changed. */
  review(address: Address, result: Result): Result;
}

/** A session's ballot: under way, and when it has ended its result. */
export interface SessionBallot {
  readonly promise: Promise<Result> | undefined;
  readonly result: Result | undefined;
  /** For the log. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface SessionBallots {
  /** The session's ballot, begun now if it was not before; undefined for clients that nobody may be asked about. */
  of(session: Session): SessionBallot | undefined;
  /** The session's ballot if it has begun. */
  begun(session: Session): SessionBallot | undefined;
}

const undecided: SessionBallot['fields'] = { dnsbl: 'undecided' };

/** `ended` is told of each session's result; what it throws is its own affair, and must be nothing. */
export function createSessionBallots(
  panel: BallotPort,
  ended: (session: Session, result: Result) => void = () => {},
): SessionBallots {
  const ballots = new WeakMap<Session, SessionBallot>();

  const start = (session: Session, address: Address): SessionBallot => {
    const result = panel.decideNow(address);
    if (result !== undefined) ended(session, result);
    if (result !== undefined) return { promise: undefined, result, fields: tell(result) };
    const promise = panel.decide(address).then(late => {
      ballots.set(session, { promise, result: late, fields: tell(late) });
      ended(session, late);
      return late;
    });
    promise.catch(() => {}); // whoever awaits it reports it; a session may end before
    return { promise, result: undefined, fields: undecided };
  };

  const begun = (session: Session): SessionBallot | undefined => {
    const ballot = ballots.get(session);
    const { address } = session;
    if (ballot?.result === undefined || address === undefined) return ballot;
    const result = panel.review(address, ballot.result);
    if (result === ballot.result) return ballot;
    const revised = { promise: ballot.promise, result, fields: tell(result) };
    ballots.set(session, revised);
    return revised;
  };

  return {
    of(session) {
      const { address } = session;
      if (address === undefined) return undefined;
      const ballotBefore = begun(session);
      if (ballotBefore !== undefined || !mayLookUp(address)) return ballotBefore;
      const ballot = start(session, address);
      ballots.set(session, ballot);
      return ballot;
    },
    begun,
  };
}

function tell(result: Result): Readonly<Record<string, string>> {
  return { dnsbl: describe(result) };
}
