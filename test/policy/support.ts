/**
 * What the tests of the policy share: sessions and envelopes with sensible fields, checks that say what they are told to, a
 * greylist that remembers what it was asked, and a policy around them whose time is moved by hand.
 */
import assert from 'node:assert/strict';
import type { Outcome } from '../../src/greylist/timing.ts';
import { parseAddress } from '../../src/net/address.ts';
import { parseNetwork } from '../../src/net/network.ts';
import { PrefixTable } from '../../src/net/prefix-table.ts';
import type { Terms } from '../../src/policy/advice.ts';
import type { Check, Word } from '../../src/policy/check.ts';
import type { GreylistPort } from '../../src/policy/checks/greylist.ts';
import type { Decision } from '../../src/policy/decision.ts';
import { type Envelope, noMacros, type Session } from '../../src/policy/envelope.ts';
import { Faults } from '../../src/policy/faults.ts';
import { createPolicy, type ExplainingPolicy, type Policy, type PolicyParts } from '../../src/policy/policy.ts';
import { compileReplies, type Replies } from '../../src/policy/replies.ts';
import type { Reject, Verdict } from '../../src/policy/verdict.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

export const replies: Replies = compileReplies();

/** A stranger over SMTP; `ip` stands for the address. */
export function sessionOf({ ip = '203.0.113.7', ...fields }: Partial<Session> & { ip?: string } = {}): Session {
  const address = parseAddress(ip);
  return { id: 's1', address, transport: 'tcp', name: `[${ip}]`, daemonName: undefined, ...fields };
}

/** A stranger's first recipient. */
export function envelopeOf(fields: Partial<Envelope> = {}): Envelope {
  return {
    id: 's1.1',
    session: sessionOf(),
    helo: 'mx.example.net',
    sender: 'a@example.net',
    recipient: 'b@example.org',
    authenticated: undefined,
    macros: noMacros,
    rejectedByMta: false,
    ...fields,
  };
}

export function tableOf(...networks: readonly string[]): PrefixTable<string> {
  const table = new PrefixTable<string>();
  for (const network of networks) table.add(parseNetwork(network), network);
  return table;
}

/** The verdict in a few words. */
export function tell(verdict: Verdict): string {
  return `${verdict.action} ${verdict.reason}`;
}

export function rejecting(reason: Reject['reason'] = 'dnsbl'): Reject {
  return { action: 'reject', reason, reply: { code: 550, enhanced: '5.7.1', text: 'Rejected.' } };
}

/** A check that says what `run` says. */
export function checkOf(
  name: string,
  run: (envelope: Envelope) => Word | Promise<Word>,
  more: Partial<Check> = {},
): Check {
  return { name, canAccept: false, run, ...more };
}

/** A promise that never settles. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

type Answer = Outcome | Error | Promise<Outcome>;

/** Answers by recipient, `new` for those it was not told of, and remembers the triplets it was asked about, and on what terms. */
export class FakeGreylist implements GreylistPort {
  readonly asked: string[] = [];
  readonly terms: (Terms | undefined)[] = [];
  readonly #answers: Readonly<Record<string, Answer>>;

  constructor(answers: Readonly<Record<string, Answer>> = {}) {
    this.#answers = answers;
  }

  async recipient(...[address, sender, recipient, terms]: Parameters<GreylistPort['recipient']>): Promise<Outcome> {
    this.terms.push(terms);
    this.asked.push(`${address.text} <${sender}> <${recipient}>`);
    const answer = this.#answers[recipient] ?? waiting(300);
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

export function waiting(
  waitSeconds: number,
  reason: 'new' | 'early' | 'too-soon' | 'late' | 'expired' = 'new',
): Outcome {
  return { pass: false, reason, waitSeconds };
}
export const known: Outcome = { pass: true, reason: 'known', delayed: 0 };
export function matured(delayed: number): Outcome {
  return { pass: true, reason: 'matured', delayed };
}

interface Line {
  readonly cause: string;
  readonly message: string;
}

/** A policy whose surroundings a test can see and move. */
export interface Bench {
  readonly policy: ExplainingPolicy;
  readonly clock: FixedClock;
  readonly timers: FixedTimers;
  readonly faults: Faults;
  /** What was handed to the rate-limited log. */
  readonly lines: readonly Line[];
}

export function benchOf(checks: readonly Check[], parts: Partial<PolicyParts> = {}): Bench {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const lines: Line[] = [];
  const faults = new Faults({ error: (cause, message) => lines.push({ cause, message }) });
  const policy = createPolicy({
    checks,
    greylist: new FakeGreylist(),
    replies,
    author: { product: 'milter-greylist/1.0', host: 'mx.example.org' },
    clock,
    timers,
    faults,
    ...parts,
  });
  return { policy, clock, timers, faults, lines };
}

/** The decision, which must be there at once. */
export function atOnce<T>(answer: T | Promise<T>): T {
  assert.ok(!(answer instanceof Promise), 'expected an answer without a promise');
  return answer;
}

/** Decides on one recipient in the words of `tell`. */
export async function decide(policy: Policy, fields: Partial<Envelope> = {}): Promise<string> {
  return tell((await policy.recipient(envelopeOf(fields))).verdict);
}

/** The decisions on several recipients of one message. */
export async function decideAll(
  policy: Policy,
  recipients: readonly string[],
  fields: Partial<Envelope>,
): Promise<Decision[]> {
  return Promise.all(recipients.map(async recipient => policy.recipient(envelopeOf({ ...fields, recipient }))));
}

/** The reason of what a check said; undefined for no word and for advice. */
export function reasonOf(word: Word): Verdict['reason'] | undefined {
  return word === undefined || word.action === 'advise' ? undefined : word.reason;
}
