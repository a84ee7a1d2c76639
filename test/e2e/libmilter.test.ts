/**
 * The MTA's side of the library against a filter on libmilter, the implementation that all others copy.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { connectMilter, type MilterClient } from '../../src/milter/client.ts';
import { ActionBit, ProtocolBit } from '../../src/milter/constants.ts';
import { PATIENCE } from '../support/bell.ts';
import { type Child, run, spawnChild, waitForListener } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';
import { missing } from './support/requirement.ts';

const python = '/usr/bin/python3'; // Debian's, which has Debian's modules
const skip = (await missing([python])) || (await missingModule());

async function missingModule(): Promise<string | false> {
  const { code } = await run(python, ['-c', 'import Milter']);
  return code === 0 ? false : 'python3-milter is not installed';
}

const PROCEED = { kind: 'proceed' };
const peer = { family: 'ipv4', address: '203.0.113.7', port: 40_000 } as const;

/** One for all tests: libmilter takes two seconds to stop. */
let filter: Child;
let address: string;

if (skip === false) {
  const path = join(tempDir({ after }), 'milter.sock');
  address = `unix:${path}`;
  filter = spawnChild({ after }, python, [join(import.meta.dirname, 'libmilter-filter.py'), address]);
  await waitForListener({ path }, filter);
}

/** What the filter has printed, once it fits. */
function heard(pattern: RegExp): Promise<RegExpExecArray> {
  return filter.printed(`${pattern}`, () => pattern.exec(filter.stdout) ?? undefined);
}

/** A client that has come as far as HELO. */
async function greeted(t: TestContext): Promise<MilterClient> {
  const mta = await connectMilter(address, { timeout: PATIENCE });
  t.after(() => mta.destroy());
  await mta.negotiate();
  assert.deepEqual(await mta.connect({ hostname: 'mail.example.net', peer }, { j: 'mx.example.org' }), PROCEED);
  assert.deepEqual(await mta.helo('mail.example.net'), { kind: 'no-reply' });
  return mta;
}

test('the client negotiates with libmilter: its actions and steps, versions 6 and 2', { skip }, async t => {
  for (const version of [6, 2]) {
    const mta = await connectMilter(address);
    t.after(() => mta.destroy());
    const answer = await mta.negotiate({ version });
    assert.equal(answer.version, version);
    const { noReplyHelo, noReplyHeader, noUnknown, skip: skipBody, noBody } = ProtocolBit;
    const asked = noReplyHelo | noReplyHeader | noUnknown | skipBody;
    assert.equal(answer.protocol & (asked | noBody), asked);
    for (const bit of Object.values(ActionBit)) assert.ok(answer.actions & bit, `action 0x${bit.toString(16)}`);
    assert.deepEqual(answer.macros, {}); // Debian's python3-milter can't ask for any
    mta.quit();
  }
});

test("libmilter's replies arrive as they were meant, and its filter hears what the client says", { skip }, async t => {
  const mta = await greeted(t);
  assert.deepEqual(await mta.unknown('XYZZY'), { kind: 'not-wanted' });
  assert.deepEqual(await mta.mail(['<a@example.net>', 'SIZE=10'], { i: 'Q1', '{auth_authen}': 'anna' }), PROCEED);
  for (const [recipient, expected] of [
    ['good', PROCEED],
    ['greylist', { kind: 'reply', code: 451, text: '451 4.7.1 Greylisted, 100% sure' }],
    ['lines', { kind: 'reply', code: 550, text: '550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 last' }],
    ['reject', { kind: 'reject' }],
    ['tempfail', { kind: 'tempfail' }],
  ] as const) {
    assert.deepEqual(await mta.rcpt([`<${recipient}@example.org>`, 'NOTIFY=NEVER']), expected);
  }
  mta.abort();
  assert.deepEqual(await mta.mail(['<discard@example.net>'], { i: 'Q2' }), { kind: 'discard' });
  assert.deepEqual(await mta.mail(['<accept@example.net>']), { kind: 'accept' });
  mta.quit();
  const [session] = await heard(/^connect .*\nhelo .*\nmail <a@(.*\n)*?close\n/m);
  assert.deepEqual(session.trimEnd().split('\n'), [
    "connect mail.example.net ('203.0.113.7', 40000) j=mx.example.org",
    'helo mail.example.net',
    "mail <a@example.net> ['SIZE=10'] auth_authen=anna",
    ...['good', 'greylist', 'lines', 'reject', 'tempfail'].map(to => `rcpt <${to}@example.org> ['NOTIFY=NEVER']`),
    'abort',
    'mail <discard@example.net> [] auth_authen=None',
    'mail <accept@example.net> [] auth_authen=None',
    'close',
  ]);
});

test('every edit that libmilter can make arrives, in order, before the verdict', { skip }, async t => {
  const mta = await greeted(t);
  await mta.mail(['<edits@example.net>']);
  await mta.rcpt(['<b@example.org>']);
  assert.deepEqual(await mta.data(), { kind: 'not-wanted' });
  assert.deepEqual(await mta.header('Subject', 'folded\n here'), { kind: 'no-reply' });
  assert.deepEqual(await mta.eoh(), PROCEED);
  assert.deepEqual(await mta.body(Buffer.from('line\r\n')), PROCEED);
  assert.deepEqual(await mta.body(Buffer.alloc(65_535, 'x')), { kind: 'skip' });
  const { edits, reply } = await mta.endOfMessage({ i: 'Q2' });
  assert.deepEqual(reply, PROCEED);
  assert.deepEqual(edits, [
    { kind: 'add-header', name: 'X-Last', value: 'one\n two' },
    { kind: 'insert-header', index: 0, name: 'X-First', value: 'top' },
    { kind: 'change-header', index: 2, name: 'Subject', value: 'new' },
    { kind: 'change-header', index: 1, name: 'X-Gone', value: '' },
    { kind: 'change-sender', argv: ['<new@example.net>', 'SIZE=10'] },
    { kind: 'add-recipient', argv: ['<more@example.org>'] },
    { kind: 'add-recipient', argv: ['<par@example.org>', 'NOTIFY=NEVER'] },
    { kind: 'delete-recipient', argv: ['<b@example.org>'] },
    { kind: 'replace-body', chunk: Buffer.from('other\r\n') },
    { kind: 'quarantine', reason: 'looks odd' },
  ]);
  await heard(/^header Subject 'folded\\n here'\nbody 6\nbody 65535\neom\n/m);

  await mta.mail(['<at-end@example.net>']);
  await mta.rcpt(['<b@example.org>']);
  assert.deepEqual(await mta.endOfMessage(), {
    edits: [],
    reply: { kind: 'reply', code: 554, text: '554 5.7.1 at the end' },
  });
});

test('commands sent without waiting are answered in order', { skip }, async t => {
  const mta = await greeted(t);
  const answers = await Promise.all([
    mta.mail(['<a@example.net>']),
    mta.rcpt(['<greylist@example.org>']),
    mta.rcpt(['<good@example.org>']),
    mta.endOfMessage().then(({ reply }) => reply),
    mta.mail(['<reject@example.net>']),
  ]);
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['proceed', 'reply', 'proceed', 'proceed', 'reject'],
  );
});
