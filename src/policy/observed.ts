/**
 * A policy that is watched: what it decides is told to those who learn from it. They can't change a decision, and one that
 * fails costs nothing but what it would have learned.
 */
import type { Decision, MessageVerdict } from './decision.ts';
import type { Faults } from './faults.ts';
import type { ExplainingPolicy } from './policy.ts';

export interface Observer {
  /** Kebab-case, for the log of faults. */
  readonly name: string;
  /** A recipient has been decided on. */
  decided?(decision: Decision): void;
  /** A message has ended, and its verdict says whether it passes. `decisions` are those of all its recipients at RCPT. */
  ended?(decisions: readonly Decision[], verdict: MessageVerdict): void;
  /** It must hear of sessions too that are settled at CONNECT: those who log in later are among them. */
  readonly hearsAll?: boolean;
}

/** What is only explained is not told. */
export function observedPolicy(
  policy: ExplainingPolicy,
  observers: readonly Observer[],
  faults: Faults,
): ExplainingPolicy {
  if (observers.length === 0) return policy;
  const hearsAll = observers.some(observer => observer.hearsAll);
  const tell = (observe: (observer: Observer) => void): void => {
    for (const observer of observers) {
      try {
        observe(observer);
      } catch (error) {
        faults.report(observer.name, 'no-word', error);
      }
    }
  };
  const decided = (decision: Decision): Decision => {
    tell(observer => observer.decided?.(decision));
    return decision;
  };
  return {
    ...policy,
    // Without an address there is no session to log in to.
    settledAtConnect: session =>
      hearsAll && session.transport === 'tcp' ? undefined : policy.settledAtConnect(session),
    recipient(envelope) {
      const decision = policy.recipient(envelope);
      return decision instanceof Promise ? decision.then(decided) : decided(decision);
    },
    endOfMessage(session, decisions) {
      const ended = (verdict: MessageVerdict): MessageVerdict => {
        tell(observer => observer.ended?.(decisions, verdict));
        return verdict;
      };
      const verdict = policy.endOfMessage(session, decisions);
      return verdict instanceof Promise ? verdict.then(ended) : ended(verdict);
    },
  };
}

/** Tells whom our users have written to, once the message has passed. */
export function correspondenceObserver(wrote: (ours: string, theirs: string) => void): Observer {
  return {
    name: 'correspondents',
    hearsAll: true,
    ended(decisions, verdict) {
      if (verdict.action !== 'accept') return;
      for (const { envelope, verdict: own } of decisions) {
        if (envelope.authenticated === undefined || envelope.rejectedByMta || own.action !== 'accept') continue;
        wrote(envelope.sender, envelope.recipient);
      }
    },
  };
}

/** Tells of recipients that were refused with a 5xx. */
export function refusalObserver(refused: (envelope: Decision['envelope']) => void): Observer {
  return {
    name: 'patience',
    decided({ envelope, verdict }) {
      if (verdict.action === 'reject' && verdict.reply.code >= 500) refused(envelope);
    },
  };
}
