/**
 * Who is not greylisted: with a real Sendmail in front, users who have logged in, local mail, clients and recipients on a list.
 * The greylist's own wait is a minute here: whoever passes, passes for another reason.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { deliver, showReply } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { tempDir } from '../support/temp-dir.ts';
import { codes, localParts } from './support/greylist-cases.ts';
import type { MailSystem } from './support/mail-system.ts';
import { saslMissing } from './support/saslauthd.ts';
import { type Sendmail, sendmailMissing as skip } from './support/sendmail.ts';
import { startSendmailSystem } from './support/sendmail-system.ts';
import { waitOf } from './support/waiting.ts';

const wait = { still: false, seconds: 60 };
const mx = { address: '203.0.113.7' };
const from = 'a@example.net';

describe('with Sendmail in front', { skip, concurrency: true }, () => {
  const owner = suiteOwner();
  let system: MailSystem<Sendmail>;
  before(async () => {
    const directory = tempDir(owner);
    const [whitelist, blacklist] = [join(directory, 'whitelist'), join(directory, 'blacklist')];
    writeFileSync(whitelist, '198.51.100.0/25\n2001:db8:900d::/48\n192.0.2.66\n');
    writeFileSync(blacklist, '192.0.2.*\n2001:db8:bad::/48\n');
    system = await startSendmailSystem(owner, {
      flags: ['--greytimeout', '1m', '--custom-wl', whitelist, '--custom-bl', blacklist, '-v'],
      // A client without a name would be refused for the time being only.
      sendmail: { hosts: { [mx.address]: 'mail.example.net' }, ...(!saslMissing && { users: { alice: 'secret' } }) },
    });
  });

  test('a client that has logged in passes at once, and leaves no trace for one that has not', {
    skip: saslMissing,
  }, async t => {
    const to = ['authenticated@example.org'];
    const client = await system.server.connect(t, mx);
    await client.expect(235, `AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`);
    const { rcpt, data } = await deliver(client, { from, to });
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
    await system.daemon.decision({ action: 'accept', reason: 'authenticated', recipient: 'authenticated@example.org' });
    const message = await system.server.sink.message(({ recipients }) => recipients.includes('authenticated'));
    assert.deepEqual(headers(message, 'X-Greylist'), []);
    assert.deepEqual((await system.deliver(t, mx, { from, to })).rcpt.map(waitOf), [wait]);
  });

  for (const over of ['pipe', 'socket'] as const) {
    test(`mail of a program that talks to sendmail -bs over a ${over} passes untouched`, async t => {
      const client = await system.server.connectLocally(t, over);
      const { rcpt, data } = await deliver(client, { from: 'root', to: [`${over}@example.org`] });
      assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
      const message = await system.server.sink.message(({ recipients }) => recipients.includes(over));
      assert.deepEqual(headers(message, 'X-Greylist'), []);
      await system.daemon.child.line(/action=accept reason=no-address client_name=localhost .*scope=connection/);
    });
  }

  test('the daemon is not asked about mail that sendmail -t queues by itself', async () => {
    await system.server.sendmail('From: root\nTo: cron@example.org\nSubject: from cron\n\nHello.\n');
    const message = await system.server.sink.message(({ recipients }) => recipients.includes('cron'));
    assert.deepEqual(headers(message, 'Subject'), ['from cron']);
    assert.deepEqual(
      system.daemon.decisions().filter(({ recipient }) => recipient?.startsWith('cron')),
      [],
    );
  });

  test('whitelisted and private clients pass at once, and neighbours outside the list wait', async t => {
    for (const [address, reason] of [
      ['198.51.100.127', 'whitelist'],
      ['2001:db8:900d::7', 'whitelist'],
      ['192.0.2.66', 'whitelist'], // the blacklist has it too
      ['10.0.0.7', 'local-client'],
      ['fd00::7', 'local-client'],
    ] as const) {
      const { rcpt, data } = await system.deliver(t, { address }, { from, to: ['welcome@example.org'] });
      assert.deepEqual([...codes(rcpt), data?.code], [250, 250], address);
      const client = `client_address=${address.replaceAll('.', '\\.')} `;
      await system.daemon.child.line(new RegExp(`action=accept reason=${reason} .*${client}.*scope=connection`));
    }
    for (const address of ['198.51.100.128', '2001:db8:900e::7']) {
      const { rcpt } = await system.deliver(t, { address }, { from, to: ['neighbour@example.org'] });
      assert.deepEqual(rcpt.map(waitOf), [wait]);
    }
  });

  test('a blacklisted client is refused in our words behind the recipient, not even its mail to postmaster passes', async t => {
    for (const address of ['192.0.2.7', '2001:db8:bad::7']) {
      const to = ['blacklisted@example.org', 'postmaster@example.org'];
      const { rcpt } = await system.deliver(t, { address }, { from, to });
      const refusals = to.map(each => `550 5.7.1 <${each}>... Rejected. Address ${address} is blacklisted`);
      assert.deepEqual(rcpt.map(showReply), refusals);
      await system.daemon.decision({ action: 'reject', reason: 'blacklist', client_address: address });
    }
  });

  test('postmaster and abuse are reached at once, others of the same message are not', async t => {
    const mail = { from: 'exempt@example.net', to: ['Postmaster@example.org', 'abuse@example.org', 'c@example.org'] };
    const { rcpt, data } = await system.deliver(t, mx, mail);
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250, 451, 250]);
    const message = await system.server.sink.message(({ sender }) => sender === mail.from);
    // Sendmail writes it like this for its mailer.
    assert.deepEqual(localParts(message.recipients), ['abuse', 'postmaster']);
  });

  test('relay attempts that Sendmail refuses by itself are not asked about', async t => {
    const { rcpt } = await system.deliver(t, mx, { from, to: ['relay@example.com', 'asked@example.org'] });
    assert.deepEqual(codes(rcpt), [550, 451]);
    await system.daemon.decision({ recipient: 'asked@example.org' });
    assert.deepEqual(
      system.daemon.decisions().filter(({ recipient }) => recipient === 'relay@example.com'),
      [],
    );
  });
});
