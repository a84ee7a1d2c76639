/**
 * The policy: what a frontend asks about sessions, recipients and messages. An immutable whole made of configured parts: a
 * reload makes a new one, and a message keeps the policy that it began with.
 */
import type { Clock, Timers } from '../clock.ts';
import { Chain } from './chain.ts';
import type { Check } from './check.ts';
import { type GreylistPort, greylistCheck } from './checks/greylist.ts';
import type { Decision, MessageVerdict } from './decision.ts';
import { endMessage } from './end-of-message.ts';
import type { Envelope, MessageStart, Session } from './envelope.ts';
import { type Explanation, explain } from './explanation.ts';
import type { FaultEffect, Faults } from './faults.ts';
import type { Author } from './headers.ts';
import type { Replies } from './replies.ts';
import { judgedAtEnd, type Scope } from './scope.ts';
import type { Accept, Verdict } from './verdict.ts';

export interface PolicyParts {
  /** All checks but the greylist, in the order in which they are asked; see `standardChecks`. */
  readonly checks: readonly Check[];
  readonly greylist: GreylistPort;
  readonly replies: Replies;
  /** Whether the greylist answers for each recipient (default) or for the message. */
  readonly scope?: Scope;
  /** What becomes of a recipient if the greylist fails; default `accept`. */
  readonly onFailure?: 'accept' | 'tempfail';
  /** `{daemon_name}`s of listeners for our own users' mail: checks that look things up take no part there. */
  readonly originating?: readonly string[];
  readonly author: Author;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
}

export interface Policy {
  /** The client is known: look-ups that take time start now. */
  connect(session: Session): void;
  /**
   * The acceptance that every recipient of this session would get by the client's address alone, if nothing that comes later
   * could change it. Only then may a frontend accept the connection as a whole.
   */
  settledAtConnect(session: Session): Accept | undefined;
  /** Whether `mail` may have work to do: then a frontend had better hear of MAIL at once. */
  readonly startsAtMail: boolean;
  /** The sender is known: look-ups that need it start now. */
  mail(message: MessageStart): void;
  /** Decides on one recipient, within 7 s; never throws, never rejects. A promise only if a check needs one. */
  recipient(envelope: Envelope): Decision | Promise<Decision>;
  /** Decides on a message; `decisions` are those of all its recipients. Never throws, never rejects. */
  endOfMessage(session: Session, decisions: readonly Decision[]): MessageVerdict | Promise<MessageVerdict>;
}

/** A policy that can be asked why. */
export interface ExplainingPolicy extends Policy {
  /** Decides on one recipient as `recipient` does, and tells all that was asked on the way. */
  explain(envelope: Envelope): Promise<Explanation>;
}

const defaultOriginating: readonly string[] = ['ORIGINATING'];

const acceptedByFault: Accept = { action: 'accept', reason: 'fault' };
const atEnd: Accept = { action: 'accept', reason: 'end-of-message' };
/** Seconds. Nobody knows how long a fault lasts; this is for the log and for templates that show a wait. */
const faultWait = 60;

export function createPolicy(parts: PolicyParts): ExplainingPolicy {
  const {
    checks,
    replies,
    onFailure = 'accept',
    originating = defaultOriginating,
    scope = 'recipient',
    faults,
  } = parts;
  const faultEffect: FaultEffect = onFailure === 'accept' ? 'accepted' : 'tempfailed';
  const fault = (envelope: Envelope): Verdict => {
    if (onFailure === 'accept') return acceptedByFault;
    return { action: 'greylist', reason: 'fault', wait: faultWait, reply: replies.fault(envelope, faultWait) };
  };
  const common = { ...parts, greylist: greylistCheck(parts.greylist, replies, scope), faultEffect, scope };
  const ending = { ...common, fault };
  // What is judged at the end is not the greylist's business yet, even if the time is up.
  const deciding = {
    ...common,
    fault: (envelope: Envelope) => (judgedAtEnd(scope, envelope.sender) ? atEnd : fault(envelope)),
  };

  const chain = new Chain(deciding);
  const withoutLookups = checks.filter(check => check.originating ?? (check.prefetch ?? check.begin) === undefined);
  const chainWithoutLookups = new Chain({ ...deciding, checks: withoutLookups });
  const startsAtMail = checks.some(check => check.begin !== undefined);
  const originatingNames: ReadonlySet<string> = new Set(originating);
  const isOriginating = ({ daemonName }: Session): boolean =>
    daemonName !== undefined && originatingNames.has(daemonName);

  const chainFor = (session: Session): Chain => (isOriginating(session) ? chainWithoutLookups : chain);

  /** The checks that take part in a session, up to the one that settles it by the client's address. */
  const concerned = (session: Session): readonly Check[] => {
    const taking = isOriginating(session) ? withoutLookups : checks;
    const last = taking.findIndex(check => {
      const settled = settledBy(check, session, faults);
      return settled !== undefined && settled.action !== 'open';
    });
    return last === -1 ? taking : taking.slice(0, last);
  };

  return {
    connect(session) {
      for (const check of concerned(session)) {
        try {
          check.prefetch?.(session);
        } catch (error) {
          faults.report(check.name, 'no-prefetch', error);
        }
      }
    },

    settledAtConnect(session) {
      for (const check of isOriginating(session) ? withoutLookups : checks) {
        if (check.settles === undefined) return undefined;
        const settled = settledBy(check, session, faults);
        if (settled !== undefined) return settled.action === 'accept' ? settled : undefined;
      }
      return undefined;
    },

    startsAtMail,

    mail(message) {
      const { session } = message;
      if (!startsAtMail || isOriginating(session)) return;
      for (const check of concerned(session)) {
        try {
          check.begin?.(message);
        } catch (error) {
          faults.report(check.name, 'no-prefetch', error);
        }
      }
    },

    recipient: envelope => chainFor(envelope.session).decide(envelope),

    endOfMessage: (session, decisions) => endMessage(session, decisions, concerned(session), ending),

    explain(envelope) {
      const { session } = envelope;
      const own = chainFor(session);
      return explain(envelope, {
        checks: own.checks,
        decide: (one, witness) => own.decide(one, witness),
        end: decision => endMessage(session, [decision], concerned(session), ending),
      });
    },
  };
}

function settledBy(check: Check, session: Session, faults: Faults): ReturnType<NonNullable<Check['settles']>> {
  try {
    return check.settles?.(session);
  } catch (error) {
    faults.report(check.name, 'no-word', error);
    return undefined;
  }
}
