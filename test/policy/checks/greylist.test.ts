import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greylistCheck } from '../../../src/policy/checks/greylist.ts';
import { compileReplies } from '../../../src/policy/replies.ts';
import { envelopeOf, FakeGreylist, known, matured, replies, sessionOf, waiting } from '../support.ts';

const envelope = envelopeOf();
const firstText = (wait: number): string => `Greylisting in action, please come back later (${wait} secs)`;
const againText = (wait: number): string => `Greylisting still in action, please come back later (${wait} secs)`;

const texts = { new: firstText, late: firstText, expired: firstText, early: againText, 'too-soon': againText } as const;

for (const [reason, text] of Object.entries(texts) as [keyof typeof texts, (wait: number) => string][]) {
  test(`an attempt that is ${reason} is told to wait: "${text(273)}"`, async () => {
    const check = greylistCheck(new FakeGreylist({ 'b@example.org': waiting(273, reason) }), replies);
    assert.deepEqual(await check.run(envelope), {
      action: 'greylist',
      reason,
      wait: 273,
      reply: { code: 451, enhanced: '4.7.1', text: text(273) },
    });
  });
}

test('a triplet that matured is accepted and brings its delay along', async () => {
  const check = greylistCheck(new FakeGreylist({ 'b@example.org': matured(314_159) }), replies);
  assert.deepEqual(await check.run(envelope), { action: 'accept', reason: 'matured', delayed: 314_159 });
});

test('a triplet that passed before is accepted', async () => {
  const check = greylistCheck(new FakeGreylist({ 'b@example.org': known }), replies);
  assert.deepEqual(await check.run(envelope), { action: 'accept', reason: 'known' });
});

test('the greylist is asked about address, sender and recipient as given', async () => {
  const greylist = new FakeGreylist();
  await greylistCheck(greylist, replies).run(envelope);
  assert.deepEqual(greylist.asked, ['203.0.113.7 <a@example.net> <b@example.org>']);
});

for (const sender of ['', 'postmaster@example.net', 'double-bounce@example.net']) {
  test(`<${sender}> is let pass at RCPT without asking the greylist, and judged when that is wanted`, async () => {
    const greylist = new FakeGreylist();
    const check = greylistCheck(greylist, compileReplies());
    assert.deepEqual(check.run(envelopeOf({ sender })), { action: 'accept', reason: 'end-of-message' });
    assert.deepEqual(greylist.asked, []);
    assert.equal((await check.judge(envelopeOf({ sender }))).reason, 'new');
    assert.deepEqual(greylist.asked, [`203.0.113.7 <${sender}> <b@example.org>`]);
  });
}

test('without an address there is nothing to greylist', () => {
  const session = sessionOf({ address: undefined, transport: 'unix' });
  const check = greylistCheck(new FakeGreylist(), replies);
  assert.deepEqual(check.run(envelopeOf({ session })), { action: 'accept', reason: 'no-address' });
});
