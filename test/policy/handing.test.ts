import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Accept } from '../../src/policy/verdict.ts';
import { benchOf, checkOf, decide, envelopeOf, FakeGreylist, known, rejecting, sessionOf } from './support.ts';

const accept: Accept = { action: 'accept', reason: 'whitelist' };
const handing = checkOf('handing', () => ({ action: 'advise', next: 'greylist', greylist: { delay: 1 } }));

test('of the checks between one that hands to the greylist and the greylist, only those that advise are asked', async () => {
  const greylist = new FakeGreylist();
  const advising = checkOf('advising', () => ({ action: 'advise', greylist: { key: 'spf:example.net' } }), {
    advisory: true,
  });
  const { policy } = benchOf([handing, checkOf('deciding', () => accept), advising], { greylist });
  assert.equal(await decide(policy), 'greylist new');
  assert.deepEqual(greylist.terms, [{ key: 'spf:example.net', delay: 1 }]);
});

test('after a doubt there is no 5xx any more, and the log tells what was withheld', async () => {
  const doubting = checkOf('doubting', () => ({ action: 'advise', doubt: true, fields: { doubt: 'x' } }));
  const { policy } = benchOf([doubting, checkOf('rejecting', () => rejecting())]);
  const decision = await policy.recipient(envelopeOf());
  assert.equal(decision.verdict.action, 'greylist');
  assert.equal(decision.withheld, 'dnsbl');
  assert.equal(decision.fields.doubt, 'x');
});

test('a check may say itself that it withheld a rejection', async () => {
  const withholding = checkOf('withholding', () => ({ action: 'advise', doubt: true, withheld: 'rule' }));
  const decision = await benchOf([withholding]).policy.recipient(envelopeOf());
  assert.equal(decision.withheld, 'rule');
});

test('a verdict brings fields for the log, and an acceptance headers for the message', async () => {
  const speaking = checkOf('speaking', () => ({
    ...accept,
    headers: [{ name: 'X-A', value: '1' }],
    fields: { rule: 'r' },
  }));
  const { policy } = benchOf([speaking]);
  const decision = await policy.recipient(envelopeOf());
  assert.equal(decision.fields.rule, 'r');
  const end = await policy.endOfMessage(decision.envelope.session, [decision]);
  assert.deepEqual(end.action === 'accept' && end.headers, [{ name: 'X-A', value: '1' }]);
});

test('behind a check that is open, no acceptance is settled at CONNECT; but the lookups it makes needless stay undone', () => {
  const asked: string[] = [];
  const white = checkOf('white', () => accept, { settles: () => accept });
  const open = checkOf('open', () => undefined, { settles: () => ({ action: 'open' }) });
  const lookup = checkOf('lookup', () => undefined, { prefetch: () => void asked.push('lookup') });
  const { policy } = benchOf([open, white, lookup]);
  assert.equal(policy.settledAtConnect(sessionOf()), undefined);
  policy.connect(sessionOf());
  assert.deepEqual(asked, []);
  assert.deepEqual(benchOf([white, lookup]).policy.settledAtConnect(sessionOf()), accept);
});

test('a check that says so takes part on listeners for our own users, whatever it looks up', async () => {
  const session = sessionOf({ daemonName: 'ORIGINATING' });
  const greylist = new FakeGreylist({ 'b@example.org': known });
  const lookup = checkOf('lookup', () => accept, { prefetch: () => {}, originating: true });
  assert.equal(await decide(benchOf([lookup], { greylist }).policy, { session }), 'accept whitelist');
});
