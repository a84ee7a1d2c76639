import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageVerdict } from '../../src/policy/decision.ts';
import type { Envelope } from '../../src/policy/envelope.ts';
import { benchOf, checkOf, decideAll, FakeGreylist, known, matured, rejecting, tell, waiting } from './support.ts';

const answers = {
  'new@example.org': waiting(300),
  'early@example.org': waiting(120, 'early'),
  'long@example.org': waiting(900),
  'known@example.org': known,
  'ripe@example.org': matured(400_000),
  'riper@example.org': matured(500_000),
  'broken@example.org': new Error('disk full'),
};

/** Accepts `white@`, refuses `bad@`. */
const lists = checkOf('lists', ({ recipient }) => {
  if (recipient.startsWith('white@')) return { action: 'accept', reason: 'whitelist' };
  return recipient.startsWith('bad@') ? rejecting('blacklist') : undefined;
});

interface Told {
  readonly atRcpt: readonly string[];
  readonly end: MessageVerdict;
  readonly asked: readonly string[];
}

async function send(
  people: readonly string[],
  fields: Partial<Envelope> = {},
  onFailure: 'accept' | 'tempfail' = 'accept',
): Promise<Told> {
  const greylist = new FakeGreylist(answers);
  const { policy } = benchOf([lists], { greylist, scope: 'message', onFailure });
  const recipients = people.map(name => `${name}@example.org`);
  const decisions = await decideAll(policy, recipients, fields);
  const session = decisions[0]!.envelope.session;
  const end = await policy.endOfMessage(session, decisions);
  return { atRcpt: decisions.map(({ verdict }) => tell(verdict)), end, asked: greylist.asked };
}

function told({ decisions }: MessageVerdict): readonly string[] {
  return decisions.map(({ envelope, verdict }) => `${envelope.recipient.split('@')[0]}: ${tell(verdict)}`);
}

test('nobody has to wait at RCPT, and the greylist is not asked there', async () => {
  const { atRcpt } = await send(['new', 'known']);
  assert.deepEqual(atRcpt, ['accept end-of-message', 'accept end-of-message']);
});

test('as long as one triplet has not matured, all recipients get one 451 with the longest wait', async () => {
  const { end } = await send(['early', 'long', 'ripe', 'new']);
  assert.equal(end.action, 'greylist');
  assert.equal(end.action === 'greylist' && end.wait, 900);
  assert.match(end.action === 'greylist' ? end.reply.text : '', /\(900 secs\)/);
  assert.deepEqual(told(end), [
    'early: greylist early',
    'long: greylist new',
    'ripe: greylist another-recipient',
    'new: greylist new',
  ]);
  const replies = end.decisions.map(({ verdict }) => verdict.action === 'greylist' && verdict.reply);
  assert.equal(new Set(replies).size, 1);
});

test('every triplet is judged and stored, so that all mature at the same time', async () => {
  const { asked } = await send(['new', 'known', 'long']);
  assert.equal(asked.length, 3);
});

test('when all have matured the message passes, with the longest delay in its header', async () => {
  const { end } = await send(['ripe', 'known', 'riper']);
  assert.equal(end.action, 'accept');
  assert.match(end.action === 'accept' ? (end.headers[0]?.value ?? '') : '', /^delayed 500 seconds/);
  assert.deepEqual(told(end), ['ripe: accept matured', 'known: accept known', 'riper: accept matured']);
});

test('recipients that something else accepts wait with the others, and the log says so; the greylist is not asked about them', async () => {
  const { end, asked } = await send(['white', 'new']);
  assert.equal(end.action, 'greylist');
  assert.deepEqual(told(end), ['white: greylist another-recipient', 'new: greylist new']);
  assert.equal(asked.length, 1);
});

test('a message whose recipients something else accepts passes unjudged', async () => {
  const { end, asked } = await send(['white']);
  assert.deepEqual([end.action, end.decisions.length, asked.length], ['accept', 0, 0]);
});

test('recipients refused at RCPT are no part of the message', async () => {
  const { atRcpt, end } = await send(['bad', 'known']);
  assert.deepEqual(atRcpt, ['reject blacklist', 'accept end-of-message']);
  assert.deepEqual(told(end), ['known: accept known']);
});

test('nor are those that the mail server has refused', async () => {
  const { end, asked } = await send(['new'], { rejectedByMta: true });
  assert.deepEqual([end.action, asked.length], ['accept', 0]);
});

test('a greylist that fails for one recipient does not hold the message, unless told so', async () => {
  assert.equal((await send(['broken', 'known'])).end.action, 'accept');
  const { end } = await send(['broken', 'known'], {}, 'tempfail');
  assert.deepEqual(told(end), ['broken: greylist fault', 'known: greylist another-recipient']);
});

test("a callout sender's message passes as soon as one recipient lets it, as ever", async () => {
  const { end } = await send(['new', 'known'], { sender: '' });
  assert.equal(end.action, 'accept');
});
