/**
 * The end of a message. Recipients of a callout sender (`callout.ts`) were accepted at RCPT unjudged; now that there is a
 * message, the greylist judges them, unless another recipient has made the message pass already. So callouts, which never
 * come this far, mature nothing. With scope `message` (`scope.ts`) all senders' recipients are judged here, and all must pass.
 * Every message that passes gets its headers here.
 */
import type { Clock, Timers } from '../clock.ts';
import { isCalloutSender } from './callout.ts';
import { defaultDeadline } from './chain.ts';
import type { Check } from './check.ts';
import type { GreylistCheck } from './checks/greylist.ts';
import { within } from './deadline.ts';
import type { Decision, MessageVerdict } from './decision.ts';
import type { Envelope, Session } from './envelope.ts';
import type { FaultEffect, Faults } from './faults.ts';
import { type Author, greylistHeader } from './headers.ts';
import { held, longestWait, type Scope } from './scope.ts';
import type { Accept, Header, Verdict } from './verdict.ts';

export interface EndOfMessageParts {
  readonly greylist: GreylistCheck;
  readonly scope: Scope;
  /** The verdict when the greylist has failed. */
  readonly fault: (envelope: Envelope) => Verdict;
  readonly faultEffect: FaultEffect;
  readonly author: Author;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: Faults;
}

const anotherRecipient: Accept = { action: 'accept', reason: 'another-recipient' };
const noHeaders: readonly Header[] = [];
const noDecisions: readonly Decision[] = [];

/**
 * @param decisions those of the message's recipients, as RCPT decided them
 * @param checks those whose headers the message may get, in order
 */
export function endMessage(
  session: Session,
  decisions: readonly Decision[],
  checks: readonly Check[],
  parts: EndOfMessageParts,
): MessageVerdict | Promise<MessageVerdict> {
  const recipients = decisions.filter(
    ({ verdict, envelope }) => verdict.action === 'accept' && !envelope.rejectedByMta,
  );
  const waiting = recipients.filter(({ verdict }) => verdict.reason === 'end-of-message');
  const [first] = waiting;
  if (first === undefined) return pass(session, recipients, noDecisions, checks, parts);
  if (!isCalloutSender(first.envelope.sender)) return judgeMessage(session, recipients, checks, parts);
  if (waiting.length < recipients.length) {
    const carried = waiting.map(decision => ({ ...decision, verdict: anotherRecipient }));
    return pass(session, recipients, carried, checks, parts);
  }
  return judgeAll(session, waiting, checks, parts);
}

/** All must pass, or none does. */
async function judgeMessage(
  session: Session,
  recipients: readonly Decision[],
  checks: readonly Check[],
  parts: EndOfMessageParts,
): Promise<MessageVerdict> {
  const isWaiting = ({ verdict }: Decision): boolean => verdict.reason === 'end-of-message';
  const judged = await Promise.all(recipients.map(each => (isWaiting(each) ? judge(each, parts) : each)));
  const longest = longestWait(judged);
  if (longest !== undefined) return { ...longest, decisions: judged.map(decision => held(decision, longest)) };
  const fallen = judged.filter((_, index) => isWaiting(recipients[index] as Decision));
  return pass(session, judged, fallen, checks, parts);
}

async function judgeAll(
  session: Session,
  waiting: readonly Decision[],
  checks: readonly Check[],
  parts: EndOfMessageParts,
): Promise<MessageVerdict> {
  const judged = await Promise.all(waiting.map(decision => judge(decision, parts)));
  const longest = longestWait(judged);
  if (longest !== undefined && judged.every(({ verdict }) => verdict.action === 'greylist')) {
    return { ...longest, decisions: judged.map(decision => held(decision, longest)) };
  }
  const passed = judged.map(decision =>
    decision.verdict.action === 'accept' ? decision : { ...decision, verdict: anotherRecipient },
  );
  return pass(session, passed, passed, checks, parts);
}

async function judge(decision: Decision, parts: EndOfMessageParts): Promise<Decision> {
  const { greylist, fault, faultEffect, clock, timers, faults } = parts;
  const { envelope, advised } = decision;
  const started = clock.monotonic();
  const ended = (verdict: Verdict, failed: readonly string[]): Decision => {
    return { ...decision, verdict, check: greylist.name, elapsed: clock.monotonic() - started, failed };
  };
  try {
    const word = Promise.resolve(greylist.judge(envelope, advised.terms));
    return ended(await within(word, greylist.deadline ?? defaultDeadline, timers), decision.failed);
  } catch (error) {
    faults.report(greylist.name, faultEffect, error);
    return ended(fault(envelope), [...decision.failed, greylist.name]);
  }
}

function pass(
  session: Session,
  recipients: readonly Decision[],
  decisions: readonly Decision[],
  checks: readonly Check[],
  parts: EndOfMessageParts,
): MessageVerdict | Promise<MessageVerdict> {
  const own = [...delayHeader(recipients, parts), ...advisedHeaders(recipients)];
  const talking = checks.filter(check => check.headers !== undefined);
  if (talking.length === 0) return { action: 'accept', headers: own, decisions };
  const authenticated = recipients.some(({ envelope }) => envelope.authenticated !== undefined);
  return Promise.all(talking.map(check => headersOf(check, session, authenticated, parts))).then(others => {
    return { action: 'accept', headers: [...own, ...others.flat()], decisions };
  });
}

/** One header at most: the longest delay among the recipients that pass for the first time. */
function delayHeader(recipients: readonly Decision[], { author, clock }: EndOfMessageParts): readonly Header[] {
  let longest = -1;
  for (const { verdict } of recipients) {
    if (verdict.action === 'accept' && verdict.reason === 'matured') longest = Math.max(longest, verdict.delayed ?? 0);
  }
  return longest < 0 ? noHeaders : [greylistHeader(author, longest, clock.now())];
}

/** What was advised for several recipients stands in the message once. */
function advisedHeaders(recipients: readonly Decision[]): readonly Header[] {
  const headers = new Map<string, Header>();
  for (const { advised } of recipients) {
    for (const header of advised.headers) headers.set(`${header.name}: ${header.value}`, header);
  }
  return [...headers.values()];
}

/** A check whose headers can't be had costs the headers, never the message. */
async function headersOf(
  check: Check,
  session: Session,
  authenticated: boolean,
  { timers, faults }: EndOfMessageParts,
): Promise<readonly Header[]> {
  try {
    const headers = Promise.resolve(check.headers?.(session, { authenticated }) ?? noHeaders);
    return await within(headers, check.deadline ?? defaultDeadline, timers);
  } catch (error) {
    faults.report(check.name, 'no-headers', error);
    return noHeaders;
  }
}
