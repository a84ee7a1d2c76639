import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchOf, checkOf, envelopeOf, FakeGreylist, known, rejecting } from './support.ts';

test('an explanation has each check that was asked, what it looked at and said, and those that were not', async () => {
  const { policy } = benchOf([
    { ...checkOf('silent', () => undefined), subject: () => 'the sky' },
    {
      ...checkOf('adviser', () => ({ action: 'advise', greylist: { delay: 5 } })),
      subject: (_, { delay }) => `${delay}`,
    },
    { ...checkOf('late', async () => rejecting()), subject: async (_, { delay }) => `a delay of ${delay}` },
    checkOf('after', () => undefined),
  ]);
  const { steps, unasked, decision, end } = await policy.explain(envelopeOf());
  assert.deepEqual(
    steps.map(({ check, subject, word }) => [check, subject, word?.action]),
    [
      ['silent', 'the sky', undefined],
      ['adviser', 'undefined', 'advise'],
      ['late', 'a delay of 5', 'reject'],
    ],
  );
  assert.deepEqual(unasked, ['after', 'greylist']);
  assert.deepEqual([decision.verdict.action, decision.check, end], ['reject', 'late', undefined]);
});

test('a check that fails stands in the explanation with its cause, and what it looked at may fail too', async () => {
  const failing = checkOf('failing', () => {
    throw new Error('no ink');
  });
  const subject = (): string => {
    throw new Error('too dark');
  };
  const { policy } = benchOf([{ ...failing, subject }]);
  const { steps, decision } = await policy.explain(envelopeOf());
  assert.deepEqual(
    [steps[0]?.failure, steps[0]?.subject, decision.failed],
    ['no ink', 'could not be told: too dark', ['failing']],
  );
});

test('an explanation and a decision agree, and the message that passes has its headers', async () => {
  const headers = [{ name: 'X-Rule', value: 'partner' }];
  const checks = [checkOf('one', () => ({ action: 'advise' as const, headers }))];
  const { policy } = benchOf(checks, { greylist: new FakeGreylist({ 'b@example.org': known }) });
  const { decision, end } = await policy.explain(envelopeOf());
  const { verdict } = await policy.recipient(envelopeOf());
  assert.deepEqual(decision.verdict, verdict);
  assert.deepEqual(end?.action === 'accept' && end.headers, headers);
});
