/**
 * Who is not greylisted: with a real Postfix in front, users who have logged in, local mail, clients and recipients on a list.
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
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, postfixMissing as skip } from './support/postfix.ts';
import { waitOf } from './support/waiting.ts';

const wait = { still: false, seconds: 60 };
const mx = { address: '203.0.113.7', name: 'mail.example.net' };
const from = 'a@example.net';

describe('with Postfix in front', { skip }, () => {
  const owner = suiteOwner();
  let system: MailSystem<Postfix>;
  let whitelist: string;
  let blacklist: string;
  before(async () => {
    const directory = tempDir(owner);
    whitelist = join(directory, 'whitelist');
    blacklist = join(directory, 'blacklist');
    writeFileSync(whitelist, '# our backup MXs\n198.51.100.0/25\n192.0.2.66 # in the middle of bad company\n');
    writeFileSync(blacklist, '192.0.2.*\n2001:db8:bad::/48\n');
    system = await startPostfixSystem(owner, {
      flags: ['--greytimeout', '1m', '--custom-wl', whitelist, '--custom-bl', blacklist, '-v'],
      nonSmtpd: true,
    });
  });

  test('a client that has logged in passes at once, and leaves no trace for one that has not', async t => {
    const to = ['authenticated@example.org'];
    const { rcpt, data } = await system.deliver(t, { ...mx, login: 'alice' }, { from, to });
    assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 250]);
    await system.daemon.decision({ action: 'accept', reason: 'authenticated', recipient: 'authenticated@example.org' });
    const message = await system.server.sink.message(({ recipients }) => recipients.includes(to[0] ?? ''));
    assert.deepEqual(headers(message, 'X-Greylist'), []);
    assert.deepEqual((await system.deliver(t, mx, { from, to })).rcpt.map(waitOf), [wait]);
  });

  test('mail from the sendmail command passes untouched, though Postfix asks about it too', async () => {
    const from = system.daemon.child.mark();
    await system.server.sendmail('From: root@mx.example.org\nTo: cron@example.org\nSubject: from cron\n\nHello.\n');
    const message = await system.server.sink.message(({ recipients }) => recipients.includes('cron@example.org'));
    assert.deepEqual(headers(message, 'Subject'), ['from cron']);
    assert.deepEqual(headers(message, 'X-Greylist'), []);
    await system.daemon.child.line(/action=accept reason=non-smtp .*scope=connection/, { from });
    assert.doesNotMatch(system.server.log(), /milter configuration error/);
  });

  test('a whitelisted client passes at once, and its neighbours outside the list wait', async t => {
    const to = ['whitelisted@example.org'];
    const { rcpt, data } = await system.deliver(t, { address: '198.51.100.127' }, { from, to });
    assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 250]);
    await system.daemon.child.line(
      /action=accept reason=whitelist .*client_address=198\.51\.100\.127 .*scope=connection/,
    );
    assert.deepEqual((await system.deliver(t, { address: '198.51.100.128' }, { from, to })).rcpt.map(waitOf), [wait]);
  });

  test('a blacklisted client is refused, not even its mail to postmaster passes', async t => {
    for (const address of ['192.0.2.7', '2001:db8:bad::7']) {
      const to = ['blacklisted@example.org', 'postmaster@example.org'];
      const { rcpt } = await system.deliver(t, { address }, { from, to });
      const refusal = `550 5.7.1 Rejected. Address ${address} is blacklisted`;
      assert.deepEqual(rcpt.map(showReply), [refusal, refusal]);
      await system.daemon.decision({ action: 'reject', reason: 'blacklist', client_address: address });
    }
  });

  test('an address on both lists passes', async t => {
    const { rcpt } = await system.deliver(t, { address: '192.0.2.66' }, { from, to: ['both@example.org'] });
    assert.deepEqual(
      rcpt.map(({ code }) => code),
      [250],
    );
  });

  test('postmaster and abuse are reached at once, others of the same message are not', async t => {
    const to = ['Postmaster@example.org', 'abuse+list@example.org', 'postmaster.not@example.org'];
    const { rcpt, data } = await system.deliver(t, mx, { from: 'exempt@example.net', to });
    assert.deepEqual(
      rcpt.map(({ code }) => code),
      [250, 250, 451],
    );
    assert.deepEqual(waitOf(rcpt[2]), wait);
    assert.equal(data?.code, 250);
    const message = await system.server.sink.message(({ sender }) => sender === 'exempt@example.net');
    assert.deepEqual(message.recipients.toSorted(), ['Postmaster@example.org', 'abuse+list@example.org']);
    await system.daemon.decision({ action: 'accept', reason: 'exempt', recipient: 'Postmaster@example.org' });
  });

  test('a bounce to postmaster passes at once too', async t => {
    const { rcpt, data } = await system.deliver(t, mx, { from: '', to: ['postmaster@example.org'] });
    assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 250]);
  });

  test('recipients that Postfix refuses by itself are not asked about', async t => {
    const { rcpt } = await system.deliver(t, mx, { from, to: ['relay@example.com', 'asked@example.org'] });
    assert.deepEqual(
      rcpt.map(({ code }) => code),
      [554, 451],
    );
    await system.daemon.decision({ recipient: 'asked@example.org' });
    assert.deepEqual(
      system.daemon.decisions().filter(({ recipient }) => recipient === 'relay@example.com'),
      [],
    );
  });

  test('a list that changes holds from the next message on after a reload', async t => {
    const client = await system.server.connect(t, { address: '203.0.113.99' });
    await client.expect(250, `MAIL FROM:<${from}>`);
    assert.deepEqual(waitOf(await client.rcpt('before@example.org')), wait);
    writeFileSync(blacklist, '203.0.113.99\n');
    assert.equal(await system.daemon.reload(), true);
    assert.deepEqual(waitOf(await client.rcpt('meanwhile@example.org')), wait);
    await client.expect(250, 'RSET');
    const { rcpt } = await deliver(client, { from, to: ['afterwards@example.org'] });
    assert.deepEqual(rcpt.map(showReply), ['550 5.7.1 Rejected. Address 203.0.113.99 is blacklisted']);
    assert.deepEqual(
      (await system.deliver(t, { address: '192.0.2.7' }, { from, to: ['no.more@example.org'] })).rcpt.map(waitOf),
      [wait],
    );
  });

  test('a list with a mistake is not loaded: the log names file and line, and all lists stay as they were', async t => {
    writeFileSync(blacklist, '203.0.113.98\n');
    assert.equal(await system.daemon.reload(), true);
    writeFileSync(whitelist, '203.0.113.98\n\n203.0.113.256\n');
    writeFileSync(blacklist, '198.51.100.7\n');
    assert.equal(await system.daemon.reload(), false);
    assert.ok(system.daemon.log.includes(`${whitelist}:3:`), system.daemon.log);
    const answers = [];
    for (const address of ['203.0.113.98', '198.51.100.7']) {
      const { rcpt } = await system.deliver(t, { address }, { from, to: ['mistake@example.org'] });
      answers.push(rcpt[0]?.code);
    }
    assert.deepEqual(answers, [550, 250]);
  });
});
