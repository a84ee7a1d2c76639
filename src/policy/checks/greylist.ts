/**
 * `greylist`: the last check, which always speaks. Callout senders, and with scope `message` all, it lets pass at RCPT and judges
 * at the end of the message.
 */
import type { Peek } from '../../greylist/greylist.ts';
import type { Entry } from '../../greylist/store.ts';
import type { Outcome } from '../../greylist/timing.ts';
import type { Address } from '../../net/address.ts';
import type { Terms } from '../advice.ts';
import type { Check } from '../check.ts';
import type { Envelope } from '../envelope.ts';
import type { Replies } from '../replies.ts';
import { judgedAtEnd, type Scope } from '../scope.ts';
import type { Accept, Verdict } from '../verdict.ts';

/** What the policy asks of the greylist (`greylist/greylist.ts`). */
export interface GreylistPort {
  /** Judges one attempt; resolves when what the answer promises is stored. */
  recipient(address: Address, sender: string, recipient: string, terms?: Terms): Promise<Outcome>;
  /** What is stored, for explanations; a greylist may not be able to tell. */
  peek?(address: Address, sender: string, recipient: string, terms?: Terms): Promise<Pick<Peek, 'triplet' | 'stored'>>;
}

export interface GreylistCheck extends Check {
  run(envelope: Envelope, terms?: Terms): Verdict | Promise<Verdict>;
  /** Reads and writes the recipient's triplet, whoever the sender is. */
  judge(envelope: Envelope, terms?: Terms): Verdict | Promise<Verdict>;
}

const atEnd: Accept = { action: 'accept', reason: 'end-of-message' };
const known: Accept = { action: 'accept', reason: 'known' };
const noAddress: Accept = { action: 'accept', reason: 'no-address' };

export function greylistCheck(greylist: GreylistPort, replies: Replies, scope: Scope = 'recipient'): GreylistCheck {
  const judge = (envelope: Envelope, terms: Terms = {}): Verdict | Promise<Verdict> => {
    const { session, sender, recipient } = envelope;
    if (session.address === undefined) return noAddress;
    return greylist
      .recipient(session.address, sender, recipient, terms)
      .then(outcome => verdictOf(outcome, envelope, terms, replies));
  };
  return {
    name: 'greylist',
    canAccept: true,
    judge,
    run: (envelope, terms) => (judgedAtEnd(scope, envelope.sender) ? atEnd : judge(envelope, terms)),
    async subject({ session, sender, recipient }, terms) {
      if (session.address === undefined || greylist.peek === undefined) return 'nothing';
      const { triplet, stored } = await greylist.peek(session.address, sender, recipient, terms);
      return `${triplet.network} <${triplet.sender}> <${triplet.recipient}>: ${entryWords(stored)}`;
    },
  };
}

function entryWords(entry: Entry | undefined): string {
  if (entry === undefined) return 'nothing is stored';
  const { firstSeen, lastSeen, passed, attempts } = entry;
  const time = (epoch: number): string => new Date(epoch).toISOString();
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  if (passed === null) return `pending since ${time(firstSeen)}, ${tries}, last ${time(lastSeen)}`;
  return `passed ${time(passed)}, first seen ${time(firstSeen)}, last ${time(lastSeen)}`;
}

function verdictOf(outcome: Outcome, envelope: Envelope, terms: Terms, replies: Replies): Verdict {
  if (outcome.pass) {
    if (outcome.reason === 'known') return known;
    return { action: 'accept', reason: outcome.reason, delayed: outcome.delayed };
  }
  const { reason, waitSeconds: wait } = outcome;
  const again = reason === 'early' || reason === 'too-soon';
  const reply = terms.reply?.(wait) ?? (again ? replies.early : replies.greylisted)(envelope, wait);
  return { action: 'greylist', reason, wait, reply };
}
