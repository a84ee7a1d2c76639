/**
 * Blocklists as the clients of a real Postfix see them: rbldnsd and unbound behind the daemon, refused or marked mail before it.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { showReply } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { blocklistsMissing, startBlocklists } from './support/blocklists.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, postfixMissing } from './support/postfix.ts';
import { testEntry } from './support/rbldnsd.ts';
import { assertTold, timed, waitOf, waitUntil } from './support/waiting.ts';

const skip = [postfixMissing, blocklistsMissing].filter(Boolean).join(', ') || false;

const zones = {
  'bl.test': {
    ip4: [...testEntry.ip4, '203.0.113.0/24', '!203.0.113.9', '192.0.2.66'],
    ip6: [...testEntry.ip6, '2001:db8:bad::/48'],
  },
  'other.test': { ip4: [...testEntry.ip4, '203.0.113.250'], ip6: testEntry.ip6 },
};
const listed = { address: '203.0.113.7' };
const listedTwice = { address: '203.0.113.250' };
const unlisted = { address: '203.0.113.9' };
const from = 'a@example.net';

/** Starts the whole for the suite at hand. */
function systemWith(...flags: readonly string[]): () => MailSystem<Postfix> {
  const owner = suiteOwner();
  let system: MailSystem<Postfix> | undefined;
  before(async () => {
    const lists = await startBlocklists(owner, zones);
    system = await startPostfixSystem(owner, { flags: [...lists.flags, ...flags] });
    await lists.ready(system.daemon);
  });
  return () => system ?? assert.fail('not started');
}

describe('Postfix in front, listed clients are refused', { skip }, () => {
  const system = systemWith('--reject', '--greytimeout', '1m');

  test('a listed client is told which list it is on, and so is the log', async t => {
    const { rcpt } = await system().deliver(t, listed, { from, to: ['b@example.org', 'c@example.org'] });
    const refusal = '550 5.7.1 Rejected. Address 203.0.113.7 found in bl.test';
    assert.deepEqual(rcpt.map(showReply), [refusal, refusal]);
    const { reason, check, dnsbl } = await system().daemon.decision({ action: 'reject', recipient: 'b@example.org' });
    assert.deepEqual({ reason, check }, { reason: 'dnsbl', check: 'dnsbl' });
    assert.match(dnsbl ?? '', /^listed\b.* bl\.test=127\.0\.0\.2\b/);
  });

  test('an unlisted client is greylisted', async t => {
    const { rcpt } = await system().deliver(t, unlisted, { from, to: ['unlisted@example.org'] });
    assert.deepEqual(rcpt.map(waitOf), [{ still: false, seconds: 60 }]);
    const { dnsbl } = await system().daemon.decision({ action: 'greylist', recipient: 'unlisted@example.org' });
    assert.equal(dnsbl, 'clear bl.test=clear other.test=clear');
  });

  test('a listed IPv6 client is refused, an unlisted one is greylisted', async t => {
    const mail = { from, to: ['ipv6@example.org'] };
    const bad = await system().deliver(t, { address: '2001:db8:bad::7' }, mail);
    assert.deepEqual(bad.rcpt.map(showReply), ['550 5.7.1 Rejected. Address 2001:db8:bad::7 found in bl.test']);
    const good = await system().deliver(t, { address: '2001:db8:900d::7' }, mail);
    assert.deepEqual(good.rcpt.map(waitOf), [{ still: false, seconds: 60 }]);
  });

  test('a bounce from a listed client is refused at its recipient already', async t => {
    const { rcpt } = await system().deliver(t, listed, { from: '', to: ['bounce@example.org'] });
    assert.deepEqual(rcpt.map(showReply), ['550 5.7.1 Rejected. Address 203.0.113.7 found in bl.test']);
  });

  test('what a listed client writes to postmaster passes, marked', async t => {
    const mail = { from: 'mark@example.net', to: ['postmaster@example.org', 'other@example.org'] };
    const { rcpt, data } = await system().deliver(t, listed, mail);
    assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 550, 250]);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(message.recipients, ['postmaster@example.org']);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), ['203.0.113.7 found in bl.test']);
  });

  test('a listed client that has logged in passes, unmarked', async t => {
    const mail = { from: 'login@example.net', to: ['b@example.org'] };
    const { rcpt, data } = await system().deliver(t, { ...listed, login: 'alice' }, mail);
    assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 250]);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), []);
  });
});

describe('Postfix in front, listed clients are only marked', { skip }, () => {
  const system = systemWith('--no-reject', '--greytimeout', '1s');

  test('a listed client is greylisted, and all its mail that passes is marked', async t => {
    const mail = { from: 'listed@example.net', to: ['b@example.org'] };
    const [first, attempted] = await timed(() => system().deliver(t, listed, mail));
    assert.deepEqual(first.rcpt.map(waitOf), [{ still: false, seconds: 1 }]);
    await waitUntil(attempted.latest + 1_000);
    const [second, passed] = await timed(() => system().deliver(t, listed, mail));
    assert.deepEqual([...second.rcpt.map(({ code }) => code), second.data?.code], [250, 250]);
    const { sink } = system().server;
    const message = await sink.message(({ sender }) => sender === mail.from);
    assertTold(message, attempted, passed);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), ['203.0.113.7 found in bl.test']);
    const third = await system().deliver(t, listed, { ...mail, text: 'Subject: third\n\nHello.\n' });
    assert.equal(third.data?.code, 250);
    const known = await sink.message(each => each.sender === mail.from && each.text.includes('Subject: third'));
    assert.deepEqual(headers(known, 'X-Greylist'), []);
    assert.deepEqual(headers(known, 'X-RBL-Warning'), ['203.0.113.7 found in bl.test']);
  });

  test('an unlisted client is greylisted, and its mail is not marked', async t => {
    const mail = { from: 'unlisted@example.net', to: ['b@example.org'] };
    const [first, attempted] = await timed(() => system().deliver(t, unlisted, mail));
    assert.deepEqual(first.rcpt.map(waitOf), [{ still: false, seconds: 1 }]);
    await waitUntil(attempted.latest + 1_000);
    assert.equal((await system().deliver(t, unlisted, mail)).data?.code, 250);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), []);
  });
});

describe('Postfix in front, two lists must agree', { skip }, () => {
  const system = systemWith('--policy', 'all', '--greytimeout', '1m');

  test('a client on both is refused in the name of the first, and what passes of it is marked by both', async t => {
    const mail = { from: 'twice@example.net', to: ['abuse@example.org', 'other@example.org'] };
    const { rcpt, data } = await system().deliver(t, listedTwice, mail);
    assert.deepEqual(rcpt.map(showReply), [
      '250 2.1.5 Ok',
      '550 5.7.1 Rejected. Address 203.0.113.250 found in bl.test',
    ]);
    assert.equal(data?.code, 250);
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), [
      '203.0.113.250 found in bl.test',
      '203.0.113.250 found in other.test',
    ]);
  });

  test('a client on one of them is greylisted, and its mail is not marked', async t => {
    const mail = { from: 'once@example.net', to: ['abuse@example.org', 'other@example.org'] };
    const { rcpt } = await system().deliver(t, listed, mail);
    assert.deepEqual(waitOf(rcpt[1]), { still: false, seconds: 60 });
    const message = await system().server.sink.message(({ sender }) => sender === mail.from);
    assert.deepEqual(headers(message, 'X-RBL-Warning'), []);
  });
});
