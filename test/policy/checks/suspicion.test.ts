import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../../../src/dnsbl/result.ts';
import type { Vote } from '../../../src/dnsbl/vote.ts';
import { Zone } from '../../../src/dnsbl/zone.ts';
import type { Word } from '../../../src/policy/check.ts';
import { type SuspicionOptions, suspicionCheck } from '../../../src/policy/checks/suspicion.ts';
import type { NameStanding } from '../../../src/policy/client-name.ts';
import type { Envelope } from '../../../src/policy/envelope.ts';
import { createSessionBallots, type SessionBallots } from '../../../src/policy/session-ballots.ts';
import { benchOf, checkOf, decide, envelopeOf, FakeGreylist, known, sessionOf } from '../support.ts';

const zones = [Zone.parse('a.example'), Zone.parse('b.example')] as const;
const listed = (score: number): Vote => ({ vote: 'listed', codes: ['127.0.0.2'], score });
const clear: Vote = { vote: 'clear' };

function ballotsOf(votes: readonly (Vote | undefined)[], late = false): SessionBallots {
  const words = votes.map((vote, index) => ({ zone: zones[index] ?? zones[0], vote }));
  const result: Result = { outcome: 'unknown', listing: [], words };
  return createSessionBallots({
    decideNow: () => (late ? undefined : result),
    decide: async () => result,
    review: (_, same) => same,
  });
}

const plain = { delay: undefined };
const options: SuspicionOptions = {
  when: 'suspicious',
  dnsbl: { ...plain, score: 1 },
  noName: plain,
  spfSoftfail: plain,
  spfFail: plain,
  ballots: undefined,
  names: undefined,
  spf: undefined,
  originating: new Set(['ORIGINATING']),
};
const named = sessionOf({ name: 'mx.example.net' });

/** What it says of a client with a name: the suspicions, or that there are none. */
async function said(fields: Partial<SuspicionOptions>, envelope: Partial<Envelope> = {}): Promise<string> {
  const check = suspicionCheck({ ...options, ...fields });
  return tell(await check.run(envelopeOf({ session: named, ...envelope })));
}

function tell(word: Word): string {
  if (word === undefined) return 'nothing';
  if (word.action !== 'advise') return `${word.action} ${word.reason}`;
  const { delay } = word.greylist ?? {};
  return `${word.fields?.suspicion}${delay === undefined ? '' : ` ${delay}`}`;
}

const none = 'accept unsuspicious';
const standing = (is: NameStanding, late = false) => ({ standing: () => (late ? Promise.resolve(is) : is) });

const cases: readonly (readonly [what: string, fields: Partial<SuspicionOptions>, expected: string])[] = [
  ['nothing is known', {}, none],
  ['a list has it', { ballots: ballotsOf([listed(1), clear]) }, 'dnsbl'],
  ['a list has it, which is known later', { ballots: ballotsOf([listed(1)], true) }, 'dnsbl'],
  ['no list has it', { ballots: ballotsOf([clear, clear]) }, none],
  ['the lists are silent', { ballots: ballotsOf([{ vote: 'abstain', cause: 'timeout' }, undefined]) }, none],
  ['lists are too few', { dnsbl: { ...plain, score: 2 }, ballots: ballotsOf([listed(1), clear]) }, none],
  ['lists are enough', { dnsbl: { ...plain, score: 2 }, ballots: ballotsOf([listed(1), listed(1)]) }, 'dnsbl'],
  ['an allow list outweighs', { ballots: ballotsOf([listed(2), listed(-5)]) }, none],
  ['lists do not count', { dnsbl: undefined, ballots: ballotsOf([listed(1)]) }, none],
  ['its name is confirmed', { names: standing('confirmed') }, none],
  ['its name leads elsewhere', { names: standing('unconfirmed') }, 'no-name'],
  ['its name leads elsewhere, which is known later', { names: standing('unconfirmed', true) }, 'no-name'],
  ['its name can not be confirmed', { names: standing('unknown') }, none],
  ['names do not count', { noName: undefined, names: standing('unconfirmed') }, none],
  ['SPF says fail', { spf: () => 'fail' }, 'spf-fail'],
  ['SPF says softfail', { spf: async () => 'softfail' }, 'spf-softfail'],
  ['SPF says pass', { spf: () => 'pass' }, none],
  ['SPF has a fault', { spf: () => 'temperror' }, none],
  ['nobody has asked SPF', { spf: () => undefined }, none],
  ['fail does not count', { spfFail: undefined, spf: () => 'fail' }, none],
  ['softfail does not count', { spfSoftfail: undefined, spf: () => 'softfail' }, none],
  [
    'all speaks against it',
    { ballots: ballotsOf([listed(1)]), names: standing('unconfirmed'), spf: async () => 'fail' },
    'dnsbl,no-name,spf-fail',
  ],
];
for (const [what, fields, expected] of cases) {
  test(`where only the suspicious are greylisted and ${what}: ${expected}`, async () => {
    assert.equal(await said(fields), expected);
  });
}

test('a client that the MTA knows no name of is suspicious, unless the MTA could not ask', async () => {
  assert.equal(await said({}, { session: sessionOf() }), 'no-name');
  assert.equal(await said({}, { session: sessionOf({ name: 'unknown' }) }), 'no-name');
  const macros = { get: (name: string) => (name === 'client_resolve' ? 'TEMP' : undefined) };
  assert.equal(await said({}, { session: sessionOf(), macros }), none);
});

test('who has logged in, or comes by a listener for our own users, is never suspicious, and nothing is asked', async () => {
  const refuse = (): never => assert.fail('asked');
  const asking = { names: { standing: refuse }, spf: refuse, ballots: { of: refuse, begun: refuse } };
  assert.equal(await said(asking, { authenticated: 'user' }), none);
  assert.equal(await said(asking, { session: sessionOf({ daemonName: 'ORIGINATING' }) }), none);
});

test('of the delays of several suspicions the longest holds', async () => {
  const all = {
    ballots: ballotsOf([listed(1)]),
    names: standing('unconfirmed'),
    dnsbl: { score: 1, delay: 7 },
    noName: { delay: 9 },
    spf: () => 'fail',
  };
  assert.equal(await said(all), 'dnsbl,no-name,spf-fail 9');
  assert.equal(await said({ ...all, when: 'always' }), 'dnsbl,no-name,spf-fail 9');
  assert.equal(await said({ ...all, names: undefined }), 'dnsbl,spf-fail 7');
});

test('where everyone is greylisted nobody is accepted for lack of suspicion', async () => {
  assert.equal(await said({ when: 'always' }), 'nothing');
  assert.equal(await said({ when: 'always' }, { authenticated: 'user' }), 'nothing');
});

test('in the chain the unsuspicious pass, and the suspicious get their delay, unless a rule has named one', async () => {
  const greylist = new FakeGreylist({ 'k@example.org': known });
  const suspicious = suspicionCheck({ ...options, noName: { delay: 7 } });
  const { policy } = benchOf([suspicious], { greylist });
  assert.equal(await decide(policy, { session: named }), 'accept unsuspicious');
  assert.deepEqual(greylist.asked, []);
  assert.equal(await decide(policy), 'greylist new');
  const rule = checkOf('rules', () => ({ action: 'advise', greylist: { delay: 1 } }));
  await decide(benchOf([rule, suspicious], { greylist }).policy);
  assert.deepEqual(greylist.terms, [{ delay: 7 }, { delay: 1 }]);
});

test('whom a rule greylists waits as long as the suspicion says, unless the rule does', async () => {
  const greylist = new FakeGreylist();
  const advising = suspicionCheck({ ...options, when: 'always', noName: { delay: 7 } });
  const handing = (delay?: number) =>
    checkOf('rules', () => ({ action: 'advise', next: 'greylist', greylist: delay === undefined ? {} : { delay } }));
  await decide(benchOf([handing(), advising], { greylist }).policy);
  await decide(benchOf([handing(1), advising], { greylist }).policy);
  assert.deepEqual(greylist.terms, [{ delay: 7 }, { delay: 1 }]);
});

test('an SPF result that takes all of its 3 s is waited for', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { policy, timers, lines } = benchOf([suspicionCheck({ ...options, spf: () => promise })]);
  const decision = decide(policy, { session: named });
  timers.after(3_001, () => resolve('temperror'));
  await timers.advance(3_001);
  assert.equal(await decision, 'accept unsuspicious');
  assert.deepEqual(lines, []);
});

test('what fails to be found out leaves the decision to the greylist', async () => {
  const { policy } = benchOf([suspicionCheck({ ...options, spf: () => Promise.reject(new Error('x')) })]);
  assert.equal(await decide(policy, { session: named }), 'greylist new');
});
