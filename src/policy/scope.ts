/**
 * The scope of the greylist: each recipient for itself, at RCPT, or the message as a whole, at its end. Callout senders are
 * judged at the end in either case.
 *
 * With scope `message` one answer goes for all: the message passes when every recipient that the greylist has a say in has
 * matured, and until then all get one 451 with the longest wait, also those that something else accepted. Recipients that were
 * refused at RCPT are no part of it.
 */
import { isCalloutSender } from './callout.ts';
import type { Decision } from './decision.ts';
import type { Greylist } from './verdict.ts';

export type Scope = 'recipient' | 'message';

/** Whether the greylist speaks at the end of the message only. */
export function judgedAtEnd(scope: Scope, sender: string): boolean {
  return scope === 'message' || isCalloutSender(sender);
}

/** The longest of the waits; undefined if nobody has to wait. */
export function longestWait(decisions: readonly Decision[]): Greylist | undefined {
  let longest: Greylist | undefined;
  for (const { verdict } of decisions) {
    if (verdict.action === 'greylist' && (longest === undefined || verdict.wait > longest.wait)) longest = verdict;
  }
  return longest;
}

/** What becomes of one recipient of a message that has to wait: the client is told the same for all. */
export function held(decision: Decision, longest: Greylist): Decision {
  const { verdict } = decision;
  if (verdict.action === 'greylist') return { ...decision, verdict: { ...verdict, reply: longest.reply } };
  const { wait, reply } = longest;
  return { ...decision, verdict: { action: 'greylist', reason: 'another-recipient', wait, reply } };
}
