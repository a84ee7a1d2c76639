/**
 * Blocklists as the clients of a real Sendmail see them: rbldnsd and unbound behind the daemon, refused or marked mail before it.
 * Into a refusal Sendmail itself puts the recipient.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { showReply } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { blocklistsMissing, startBlocklists } from './support/blocklists.ts';
import { codes, localParts } from './support/greylist-cases.ts';
import type { MailSystem } from './support/mail-system.ts';
import { testEntry } from './support/rbldnsd.ts';
import { sendmailMissing } from './support/sendmail.ts';
import { startSendmailSystem } from './support/sendmail-system.ts';
import { assertTold, timed, waitOf, waitUntil } from './support/waiting.ts';

const skip = [sendmailMissing, blocklistsMissing].filter(Boolean).join(', ') || false;

const zones = {
  'bl.test': {
    ip4: [...testEntry.ip4, '203.0.113.7', '203.0.113.8'],
    ip6: [...testEntry.ip6, '2001:db8:bad::/48'],
  },
  'other.test': { ip4: [...testEntry.ip4, '203.0.113.8'], ip6: testEntry.ip6 },
};
const [listed, listedTwice, unlisted] = ['203.0.113.7', '203.0.113.8', '203.0.113.9'].map(address => ({ address })) as [
  { address: string },
  { address: string },
  { address: string },
];
const from = 'a@example.net';

/** Starts the whole for the suite at hand. */
function systemWith(...flags: readonly string[]): () => MailSystem {
  const owner = suiteOwner();
  let system: MailSystem | undefined;
  before(async () => {
    const lists = await startBlocklists(owner, zones);
    system = await startSendmailSystem(owner, { flags: [...lists.flags, ...flags] });
    await lists.ready(system.daemon);
  });
  return () => system ?? assert.fail('not started');
}

describe('Sendmail in front, listed clients are refused', { skip, concurrency: true }, () => {
  const system = systemWith('--reject', '--greytimeout', '1m');

  test('a listed client, IPv4 or IPv6, is told which list it is on, also if it sends a bounce', async t => {
    for (const address of ['203.0.113.7', '2001:db8:bad::7']) {
      for (const sender of [from, '']) {
        const { rcpt } = await system().deliver(t, { address }, { from: sender, to: ['b@example.org'] });
        assert.deepEqual(rcpt.map(showReply), [
          `550 5.7.1 <b@example.org>... Rejected. Address ${address} found in bl.test`,
        ]);
      }
    }
  });

  test('an unlisted client is greylisted', async t => {
    for (const who of [unlisted, { address: '2001:db8:900d::7' }]) {
      const { rcpt } = await system().deliver(t, who, { from, to: ['unlisted@example.org'] });
      assert.deepEqual(rcpt.map(waitOf), [{ still: false, seconds: 60 }]);
    }
  });

  test('what a listed client writes to postmaster passes, marked', async t => {
    const mail = { from: 'mark@example.net', to: ['postmaster@example.org', 'other@example.org'] };
    const { rcpt, data } = await system().deliver(t, listed, mail);
    assert.deepEqual([...codes(rcpt), data?.code], [250, 550, 250]);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(localParts(message.recipients), ['postmaster']);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), ['203.0.113.7 found in bl.test']);
  });
});

describe('Sendmail in front, listed clients are only marked', { skip, concurrency: true }, () => {
  const system = systemWith('--no-reject', '--policy', 'all', '--greytimeout', '1s');

  test('a listed client is greylisted, and all its mail that passes is marked, above all other headers', async t => {
    const mail = { from: 'listed@example.net', to: ['b@example.org'] };
    const [first, attempted] = await timed(() => system().deliver(t, listedTwice, mail));
    assert.deepEqual(first.rcpt.map(waitOf), [{ still: false, seconds: 1 }]);
    await waitUntil(attempted.latest + 1_000);
    const [second, passed] = await timed(() => system().deliver(t, listedTwice, mail));
    assert.deepEqual([...codes(second.rcpt), second.data?.code], [250, 250]);
    const { sink } = system().server;
    const message = await sink.message(({ sender }) => sender === mail.from);
    assertTold(message, attempted, passed);
    const warnings = ['203.0.113.8 found in bl.test', '203.0.113.8 found in other.test'];
    assert.deepEqual(headers(message, 'X-RBL-Warning'), warnings);
    const names = message.text.split('\n').map(line => line.split(':')[0]);
    // Return-Path is the local mailer's.
    assert.deepEqual(names.slice(0, 5), ['Return-Path', 'X-Greylist', 'X-RBL-Warning', 'X-RBL-Warning', 'Received']);
    const third = await system().deliver(t, listedTwice, { ...mail, text: 'Subject: third\n\nHello.\n' });
    assert.equal(third.data?.code, 250);
    const known = await sink.message(each => each.sender === mail.from && each.text.includes('Subject: third'));
    assert.deepEqual(headers(known, 'X-Greylist'), []);
    assert.deepEqual(headers(known, 'X-RBL-Warning'), warnings);
  });

  test('a client that not all lists know is greylisted, and its mail is not marked', async t => {
    const mail = { from: 'unmarked@example.net', to: ['b@example.org'] };
    const [first, attempted] = await timed(() => system().deliver(t, listed, mail));
    assert.deepEqual(first.rcpt.map(waitOf), [{ still: false, seconds: 1 }]);
    await waitUntil(attempted.latest + 1_000);
    assert.equal((await system().deliver(t, listed, mail)).data?.code, 250);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), []);
  });
});
