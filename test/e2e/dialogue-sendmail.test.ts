/**
 * What a real Sendmail and the daemon say to each other, packet by packet: the macros that were asked for come, each directly before
 * its command; CONNECT is answered at once, HELO and MAIL are not; of the message itself nothing is sent.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { deliver } from '../support/smtp.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { MilterTap, macrosOf, showPacket } from './support/milter-tap.ts';
import { saslMissing } from './support/saslauthd.ts';
import { type Sendmail, sendmailMissing as skip, socketDir, startSendmail } from './support/sendmail.ts';

const greeting = '< y 451 4.7.1 Greylisting in action, please come back later (60 secs)';

describe('between Sendmail and the daemon', { skip }, () => {
  const owner = suiteOwner();
  let tap: MilterTap;
  let sendmail: Sendmail;
  before(async () => {
    const directory = socketDir(owner);
    const daemon = await startDaemon(owner, {
      socket: join(directory, 'milter.sock'),
      flags: ['--greytimeout', '1m'],
    });
    tap = await MilterTap.open(owner, join(directory, 'tap.sock'), join(directory, 'milter.sock'));
    const [, equates = ''] = await daemon.child.line(/`(S=local:.*)'\)dnl$/);
    sendmail = await startSendmail(owner, {
      milter: equates.replace('milter.sock', 'tap.sock'),
      hosts: { '203.0.113.7': 'mail.example.net' },
      ...(!saslMissing && { users: { 'alice=x+y': 'secret' } }),
    });
  });

  /** The whole session of the client whose CONNECT shows this text, in words. */
  async function session(client: string): Promise<readonly string[]> {
    const packets = await tap.session(
      each => each.some(packet => showPacket(packet).startsWith(`> C ${client}`)) && each.at(-1)?.command === 'Q',
    );
    return packets.map(showPacket);
  }

  test('a session with two messages and a RSET', async t => {
    const client = await sendmail.connect(t, { address: '203.0.113.7', helo: 'mx.example.net' });
    await client.expect(250, 'MAIL FROM:<reset@example.net>');
    await client.rcpt('postmaster@example.org');
    await client.expect(250, 'RSET');
    await deliver(client, { from: 'a@example.net', to: ['b@example.org', 'abuse@example.org'] });
    await deliver(client, { from: '', to: ['c@example.org'] });
    await client.quit();
    const envelope = (sender: string) => [`> D M i {mail_mailer} {mail_host} {mail_addr}`, `> M <${sender}>`];
    const recipient = (address: string, answer: string) => [
      '> D R i {rcpt_mailer} {rcpt_host} {rcpt_addr}',
      `> R <${address}>`,
      answer,
    ];
    assert.deepEqual(await session('mail.example.net'), [
      '> O',
      '< O',
      '> D C j _ v {daemon_name} {daemon_addr} {if_name}',
      '> C mail.example.net 4 203.0.113.7',
      '< c',
      '> D H',
      '> H mx.example.net',
      ...envelope('reset@example.net'),
      ...recipient('postmaster@example.org', '< c'),
      // no ABORT: a MAIL that needs no answer does not make Sendmail send one
      ...envelope('a@example.net'),
      ...recipient('b@example.org', greeting),
      ...recipient('abuse@example.org', '< c'),
      '> D E i {msg_id}',
      '> E',
      '< c',
      ...envelope(''),
      ...recipient('c@example.org', '< c'),
      '> D E i {msg_id}',
      '> E',
      greeting,
      '> Q',
    ]);
  });

  test('IPv6 addresses come with a prefix and without abbreviation', async t => {
    const client = await sendmail.connect(t, { address: '2001:db8::7' });
    await client.quit();
    const [connect] = (await session('[IPv6:2001')).filter(line => line.startsWith('> C'));
    assert.equal(connect, '> C [IPv6:2001:db8:0:0:0:0:0:7] 6 IPv6:2001:db8:0:0:0:0:0:7');
  });

  test('local programs have no address, over a pipe or a socket, and are not asked about any further', async t => {
    for (const [over, family] of [
      ['pipe', 'U'],
      ['socket', 'L'],
    ] as const) {
      const client = await sendmail.connectLocally(t, over);
      const { rcpt, data } = await deliver(client, { from: 'root', to: ['b@example.org'] });
      await client.quit();
      assert.deepEqual([rcpt[0]?.code, data?.code], [250, 250]);
      const rest = ['> O', '< O', '> D C j _ v', `> C localhost ${family}`, '< a', '> Q'];
      assert.deepEqual(await session(`localhost ${family}`), rest);
    }
  });

  test('the name of who has logged in comes in xtext', { skip: saslMissing }, async t => {
    const client = await sendmail.connect(t, { address: '198.51.100.7' });
    await client.expect(235, `AUTH PLAIN ${Buffer.from('\0alice=x+y\0secret').toString('base64')}`);
    await deliver(client, { from: 'a@example.net', to: ['b@example.org'] });
    await client.quit();
    const packets = await tap.session(
      each => each.some(packet => showPacket(packet).includes('198.51.100.7')) && each.at(-1)?.command === 'Q',
    );
    const { '{auth_type}': type, '{auth_authen}': name } = macrosOf(packets, 'M');
    assert.deepEqual({ type, name }, { type: 'PLAIN', name: 'alice+3Dx+2By' });
    assert.equal(packets.map(showPacket).at(-2), '< c');
  });
});
