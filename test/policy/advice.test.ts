import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Advice, combine, noAdvice } from '../../src/policy/advice.ts';
import { benchOf, checkOf, envelopeOf, FakeGreylist, known, rejecting, sessionOf, waiting } from './support.ts';

const advise = (advice: Omit<Advice, 'action'>): Advice => ({ action: 'advise', ...advice });

test('advice reaches the greylist; the first word on a matter holds, extra delays add up', async () => {
  const greylist = new FakeGreylist();
  const checks = [
    checkOf('one', () => advise({ greylist: { delay: 5, extraDelay: 1 } })),
    checkOf('two', async () => advise({ greylist: { delay: 9, extraDelay: 2, key: 'spf:example.net' } })),
  ];
  await benchOf(checks, { greylist }).policy.recipient(envelopeOf());
  assert.deepEqual(greylist.terms, [{ delay: 5, extraDelay: 3, key: 'spf:example.net' }]);
});

test('a later check is told the terms, and its verdict still ends the chain', async () => {
  const seen: unknown[] = [];
  const { policy } = benchOf([
    checkOf('one', () => advise({ greylist: { delay: 5 } })),
    {
      ...checkOf('two', () => undefined),
      run(_envelope, terms) {
        seen.push(terms);
        return rejecting();
      },
    },
  ]);
  const { check } = await policy.recipient(envelopeOf());
  assert.deepEqual([seen, check], [[{ delay: 5 }], 'two']);
});

for (const late of [false, true]) {
  test(`"greylist next" passes over the checks in between${late ? ', also if it comes late' : ''}`, async () => {
    const advice = advise({ next: 'greylist' });
    const checks = [checkOf('one', () => (late ? Promise.resolve(advice) : advice)), checkOf('two', () => rejecting())];
    const { verdict, check } = await benchOf(checks).policy.recipient(envelopeOf());
    assert.deepEqual([verdict.action, check], ['greylist', 'greylist']);
  });
}

test('who has to wait is told so in the advised words', async () => {
  const reply = (wait: number) => ({ code: 450, enhanced: '4.2.0', text: `come in ${wait}` });
  const greylist = new FakeGreylist({ 'b@example.org': waiting(60, 'early') });
  const { policy } = benchOf([checkOf('one', () => advise({ greylist: { reply } }))], { greylist });
  const { verdict } = await policy.recipient(envelopeOf());
  assert.deepEqual(verdict.action === 'greylist' && verdict.reply, reply(60));
});

test('a passing message gets the advised headers once, however many recipients they were advised for', async () => {
  const session = sessionOf();
  const greylist = new FakeGreylist({ 'b@example.org': known, 'c@example.org': known });
  const headers = [{ name: 'X-Rule', value: 'partner' }];
  const { policy } = benchOf([checkOf('one', () => advise({ headers }))], { greylist });
  const recipients = ['b@example.org', 'c@example.org'];
  const decisions = await Promise.all(
    recipients.map(recipient => policy.recipient(envelopeOf({ session, recipient }))),
  );
  const end = await policy.endOfMessage(session, decisions);
  assert.deepEqual(end.action === 'accept' && end.headers, headers);
});

test('a callout sender is judged at the end of the message on the terms advised at RCPT', async () => {
  const session = sessionOf();
  const greylist = new FakeGreylist();
  const { policy } = benchOf([checkOf('one', () => advise({ greylist: { key: 'k' } }))], { greylist });
  const decision = await policy.recipient(envelopeOf({ session, sender: '' }));
  assert.deepEqual(greylist.terms, []);
  await policy.endOfMessage(session, [decision]);
  assert.deepEqual(greylist.terms, [{ key: 'k' }]);
});

test('advised fields stand in the log line', async () => {
  const { policy } = benchOf([checkOf('one', () => advise({ fields: { rule: 'partner' } }))]);
  const { fields } = await policy.recipient(envelopeOf());
  assert.deepEqual(fields, { rule: 'partner' });
});

test('no advice stays no advice', () => {
  assert.deepEqual(combine(noAdvice, advise({})), noAdvice);
});
