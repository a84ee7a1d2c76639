import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../src/policy/check.ts';
import { standardChecks } from '../../src/policy/checks/standard.ts';
import type { MessageVerdict } from '../../src/policy/decision.ts';
import type { Envelope } from '../../src/policy/envelope.ts';
import type { PolicyParts } from '../../src/policy/policy.ts';
import {
  atOnce,
  benchOf,
  checkOf,
  decide,
  decideAll,
  envelopeOf,
  FakeGreylist,
  known,
  matured,
  never,
  rejecting,
  replies,
  sessionOf,
  tableOf,
  tell,
  waiting,
} from './support.ts';

const standard = standardChecks({ whitelist: tableOf('198.51.100.0/24'), blacklist: tableOf('192.0.2.0/24'), replies });
const stamp = 'by milter-greylist/1.0 at mx.example.org; Sat, 21 Nov 2026 08:53:48 +0000';

/** One message from MAIL to its end: `b1` and `b2` stand for recipients at example.org. */
async function message(
  recipients: readonly string[],
  answers: ConstructorParameters<typeof FakeGreylist>[0],
  fields: Partial<Envelope> = {},
  parts: Partial<PolicyParts> & { checks?: readonly Check[] } = {},
): Promise<{ end: MessageVerdict; atRcpt: string[]; asked: string[]; afterRcpt: string[] }> {
  const greylist = new FakeGreylist(answers);
  const { policy } = benchOf(parts.checks ?? standard, { greylist, ...parts });
  const decisions = await decideAll(policy, recipients, fields);
  const afterRcpt = [...greylist.asked];
  const end = await policy.endOfMessage(fields.session ?? sessionOf(), decisions);
  return { end, atRcpt: decisions.map(({ verdict }) => tell(verdict)), asked: greylist.asked, afterRcpt };
}

const headersOf = (end: MessageVerdict): readonly string[] => {
  assert.ok(end.action === 'accept', `the message got ${end.action}`);
  return end.headers.map(({ name, value }) => `${name}: ${value}`);
};
const decided = (end: MessageVerdict): string[] => end.decisions.map(({ verdict }) => tell(verdict));

for (const sender of ['', 'postmaster@example.net', 'double-bounce@mx.example.net']) {
  test(`<${sender}> is never greylisted at RCPT, and its triplets are read and written only at the end of the message`, async () => {
    const { end, atRcpt, asked, afterRcpt } = await message(['b1', 'b2'], {}, { sender });
    assert.deepEqual(atRcpt, ['accept end-of-message', 'accept end-of-message']);
    assert.deepEqual(afterRcpt, []);
    assert.deepEqual(asked, [`203.0.113.7 <${sender}> <b1>`, `203.0.113.7 <${sender}> <b2>`]);
    assert.equal(end.action, 'greylist');
  });
}

test('a callout, which never reaches the end of a message, matures nothing', async () => {
  const greylist = new FakeGreylist();
  const { policy } = benchOf(standard, { greylist });
  for (let turn = 0; turn < 3; turn++) assert.equal(await decide(policy, { sender: '' }), 'accept end-of-message');
  assert.deepEqual(greylist.asked, []);
});

test('the blacklist and the DNSBL act on the null sender at RCPT', async () => {
  const checks = standardChecks({
    blacklist: tableOf('192.0.2.0/24'),
    dnsbl: checkOf('dnsbl', ({ session }) => (session.address?.text === '203.0.113.66' ? rejecting() : undefined)),
    replies,
  });
  const { policy } = benchOf(checks);
  const at = (ip: string) => decide(policy, { sender: '', session: sessionOf({ ip }) });
  assert.equal(await at('192.0.2.1'), 'reject blacklist');
  assert.equal(await at('203.0.113.66'), 'reject dnsbl');
  assert.equal(await at('203.0.113.7'), 'accept end-of-message');
});

test('if no recipient of the null sender may pass, there is one 451 with the longest wait', async () => {
  const answers = { b1: waiting(120, 'early'), b2: waiting(300, 'new'), b3: waiting(60, 'early') };
  const { end } = await message(['b1', 'b2', 'b3'], answers, { sender: '' });
  assert.ok(end.action === 'greylist');
  assert.equal(end.wait, 300);
  assert.equal(end.reason, 'new');
  const text = 'Greylisting in action, please come back later (300 secs)';
  assert.deepEqual(end.reply, { code: 451, enhanced: '4.7.1', text });
  assert.deepEqual(decided(end), ['greylist early', 'greylist new', 'greylist early']);
  for (const [index, { verdict, check }] of end.decisions.entries()) {
    assert.ok(verdict.action === 'greylist');
    assert.deepEqual([verdict.wait, verdict.reply.text, check], [[120, 300, 60][index], text, 'greylist']);
  }
});

test('one recipient that came back too early is told that it is still greylisted', async () => {
  const { end } = await message(['b1'], { b1: waiting(273, 'early') }, { sender: '' });
  assert.ok(end.action === 'greylist');
  assert.equal(end.reply.text, 'Greylisting still in action, please come back later (273 secs)');
});

for (const [what, recipients, answers, ends] of [
  ['one recipient has matured', ['b1', 'b2'], { b2: matured(314_999) }, ['accept another-recipient', 'accept matured']],
  ['one recipient passed before', ['b1', 'b2'], { b1: known }, ['accept known', 'accept another-recipient']],
  ['all have passed before', ['b1', 'b2'], { b1: known, b2: known }, ['accept known', 'accept known']],
] as const) {
  test(`if ${what}, the null sender’s message is accepted`, async () => {
    const { end, asked } = await message(recipients, answers, { sender: '' });
    assert.equal(end.action, 'accept');
    assert.deepEqual(decided(end), ends);
    assert.equal(asked.length, 2);
  });
}

test('if one recipient is exempt, the null sender’s message is accepted and the greylist is not asked', async () => {
  const { end, atRcpt, asked } = await message(['b1', 'postmaster@example.org', 'b2'], {}, { sender: '' });
  assert.deepEqual(atRcpt, ['accept end-of-message', 'accept exempt', 'accept end-of-message']);
  assert.equal(end.action, 'accept');
  assert.deepEqual(decided(end), ['accept another-recipient', 'accept another-recipient']);
  assert.deepEqual(
    end.decisions.map(({ envelope }) => envelope.recipient),
    ['b1', 'b2'],
  );
  assert.deepEqual(asked, []);
});

test('if one recipient is whitelisted by a check of its own, the null sender’s message is accepted', async () => {
  const own = checkOf('own', ({ recipient }) =>
    recipient === 'b2' ? { action: 'accept', reason: 'whitelist' } : undefined,
  );
  const { end, asked } = await message(['b1', 'b2'], {}, { sender: '' }, { checks: [...standard, own] });
  assert.equal(end.action, 'accept');
  assert.deepEqual(asked, []);
});

test('a recipient that the MTA has refused does not make the null sender’s message pass', async () => {
  const greylist = new FakeGreylist();
  const { policy } = benchOf(standard, { greylist });
  const decisions = [
    ...(await decideAll(policy, ['b1'], { sender: '' })),
    ...(await decideAll(policy, ['unknown@example.org', 'postmaster'], { sender: '', rejectedByMta: true })),
  ];
  const end = await policy.endOfMessage(sessionOf(), decisions);
  assert.equal(end.action, 'greylist');
  assert.deepEqual(decided(end), ['greylist new']);
  assert.deepEqual(greylist.asked, ['203.0.113.7 <> <b1>']);
});

test('a recipient that we have refused does not either', async () => {
  const black = checkOf('black', ({ recipient }) => (recipient === 'b2' ? rejecting('blacklist') : undefined));
  const { end, asked } = await message(['b1', 'b2'], {}, { sender: '' }, { checks: [black] });
  assert.equal(end.action, 'greylist');
  assert.deepEqual(asked, ['203.0.113.7 <> <b1>']);
});

test('a greylist that fails at the end of the message accepts it', async () => {
  const { end } = await message(['b1', 'b2'], { b1: new Error('disk full') }, { sender: '' });
  assert.deepEqual(decided(end), ['accept fault', 'accept another-recipient']);
  assert.deepEqual(headersOf(end), []);
});

test('a greylist that fails at the end of the message gives 451 if failure is to be temporary', async () => {
  const { end } = await message(['b1'], { b1: new Error('disk full') }, { sender: '' }, { onFailure: 'tempfail' });
  assert.ok(end.action === 'greylist');
  assert.equal(end.reason, 'fault');
  assert.equal(end.reply.text, 'Temporary failure, please come back later');
  assert.deepEqual(end.decisions[0]?.failed, ['greylist']);
});

test('a recipient that passes outweighs another one’s fault', async () => {
  const answers = { b1: new Error('disk full'), b2: known };
  const { end } = await message(['b1', 'b2'], answers, { sender: '' }, { onFailure: 'tempfail' });
  assert.deepEqual(decided(end), ['accept another-recipient', 'accept known']);
});

test('a greylist that never answers is given up after three seconds', async () => {
  const { policy, timers, faults } = benchOf(standard, { greylist: { recipient: () => never<never>() } });
  const decisions = await decideAll(policy, ['b1', 'b2'], { sender: '' });
  const pending = policy.endOfMessage(sessionOf(), decisions);
  await timers.advance(3_000);
  assert.deepEqual(decided(await pending), ['accept fault', 'accept fault']);
  assert.deepEqual(faults.counts(), [{ check: 'greylist', effect: 'accepted', count: 2 }]);
});

test('the end of an ordinary message is answered at once and asks the greylist nothing', async () => {
  const greylist = new FakeGreylist({ b1: known });
  const { policy } = benchOf(standard, { greylist });
  const decisions = await decideAll(policy, ['b1'], {});
  const end = atOnce(policy.endOfMessage(sessionOf(), decisions));
  assert.deepEqual(end, { action: 'accept', headers: [], decisions: [] });
  assert.equal(greylist.asked.length, 1);
});

test('a message that matured says so once, with the longest delay among its newly passed recipients', async () => {
  const answers = { b1: matured(314_999), b2: matured(700_001), b3: known, b4: waiting(300) };
  const { end } = await message(['b1', 'b2', 'b3', 'b4'], answers);
  assert.deepEqual(headersOf(end), [`X-Greylist: delayed 700 seconds ${stamp}`]);
  assert.deepEqual(end.decisions, []);
});

test('a recipient that was refused meanwhile lends its delay to no header', async () => {
  const { policy } = benchOf(standard, { greylist: new FakeGreylist({ b1: matured(500_000) }) });
  const decisions = await decideAll(policy, ['b1'], {});
  const refused = decisions.map(decision => ({ ...decision, envelope: envelopeOf({ rejectedByMta: true }) }));
  assert.deepEqual(headersOf(await policy.endOfMessage(sessionOf(), refused)), []);
});

test('a message whose triplets all passed before gets no X-Greylist header', async () => {
  const { end } = await message(['b1', 'b2'], { b1: known, b2: known });
  assert.deepEqual(headersOf(end), []);
});

test('the null sender’s message that matured gets its header too', async () => {
  const { end } = await message(['b1', 'b2'], { b1: matured(301_500) }, { sender: '' });
  assert.deepEqual(headersOf(end), [`X-Greylist: delayed 301 seconds ${stamp}`]);
});

const warning = { name: 'X-RBL-Warning', value: '203.0.113.7 found in bl.test' };
/** A DNSBL that only tags. */
const tagging = checkOf('dnsbl', () => undefined, {
  headers: (_, { authenticated }) => (authenticated ? [] : [warning]),
});
const warningLine = `${warning.name}: ${warning.value}`;

test('the headers of the checks follow, also on triplets that passed before', async () => {
  const checks = standardChecks({ dnsbl: tagging, replies });
  const { end } = await message(['b1'], { b1: known }, {}, { checks });
  assert.deepEqual(headersOf(end), [warningLine]);
  const { end: first } = await message(['b1'], { b1: matured(400_000) }, {}, { checks });
  assert.deepEqual(headersOf(first), [`X-Greylist: delayed 400 seconds ${stamp}`, warningLine]);
});

test('a message to an exempt recipient is still tagged', async () => {
  const { end } = await message(['postmaster'], {}, {}, { checks: standardChecks({ dnsbl: tagging, replies }) });
  assert.deepEqual(headersOf(end), [warningLine]);
});

test('a greylisted message gets no headers', async () => {
  const checks = standardChecks({ dnsbl: tagging, replies });
  const { end } = await message(['b1'], {}, { sender: '' }, { checks });
  assert.equal(end.action, 'greylist');
  assert.equal('headers' in end, false);
});

test('checks learn that the message is an authenticated user’s', async () => {
  const checks = standardChecks({ dnsbl: tagging, replies });
  const { end } = await message(['b1'], {}, { authenticated: 'ann' }, { checks });
  assert.deepEqual(headersOf(end), []);
});

for (const [what, ip] of [
  ['whitelisted', '198.51.100.1'],
  ['private', '10.1.2.3'],
] as const) {
  test(`the message of a ${what} client is not tagged: its votes are never asked for`, async () => {
    const checks = standardChecks({ whitelist: tableOf('198.51.100.0/24'), dnsbl: tagging, replies });
    const { end } = await message(['b1'], {}, { session: sessionOf({ ip }) }, { checks });
    assert.deepEqual(headersOf(end), []);
  });
}

for (const [how, headers] of [
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
  ['never answers', () => never<never>()],
] as const) {
  test(`a check whose headers it ${how} costs the headers, never the message`, async () => {
    const broken = checkOf('broken', () => undefined, { headers });
    const { policy, timers, faults } = benchOf([broken, tagging], { greylist: new FakeGreylist({ b1: known }) });
    const decisions = await decideAll(policy, ['b1'], {});
    const pending = policy.endOfMessage(sessionOf(), decisions);
    await timers.advance(3_000);
    assert.deepEqual(headersOf(await pending), [warningLine]);
    assert.deepEqual(faults.counts(), [{ check: 'broken', effect: 'no-headers', count: 1 }]);
  });
}

test('a message about whose recipients nothing is known passes', () => {
  const { policy } = benchOf(standard);
  assert.deepEqual(atOnce(policy.endOfMessage(sessionOf(), [])), { action: 'accept', headers: [], decisions: [] });
});
