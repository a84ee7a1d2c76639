/**
 * The decision log beside a real Postfix, in its three formats: one line a recipient, with the documented keys in their order,
 * and none that a sender could forge.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { suiteOwner } from '../support/suite-owner.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, postfixMissing as skip } from './support/postfix.ts';
import { timed, waitUntil } from './support/waiting.ts';

const mx = { address: '203.0.113.7', name: 'mail.example.net' };
const stranger = { address: '192.0.2.66' };

describe('the log beside Postfix', { skip }, () => {
  const owner = suiteOwner();
  let system: MailSystem<Postfix>;
  let flags: readonly string[];
  before(async () => {
    const blacklist = join(tempDir(owner), 'blacklist');
    writeFileSync(blacklist, `${stranger.address}\n`);
    flags = ['--greytimeout', '3s', '--custom-bl', blacklist];
    system = await startPostfixSystem(owner, { flags });
  });

  /** Has a daemon that logs in a format decide on six recipients, the sender's first, and returns what it has said of them. */
  async function linesIn(format: string, sender: string): Promise<readonly string[]> {
    await system.daemon.stop();
    await system.startDaemon([...flags, '--log-format', format]);
    const { child } = system.daemon;
    const client = await system.server.connect(owner, mx);
    const [replies, attempted] = await timed(() =>
      client.pipeline(
        `MAIL FROM:<${sender}>`,
        'RCPT TO:<b@example.org>',
        'RCPT TO:<b@example.org>',
        'RCPT TO:<abuse@example.org>',
        'RSET',
        'MAIL FROM:<"a action=accept, reason=known"@example.net>',
        `RCPT TO:<${format}@example.org>`,
      ),
    );
    assert.deepEqual(
      replies.map(({ code }) => code),
      [250, 451, 451, 250, 250, 250, 451],
    );
    await client.quit();
    const refused = await system.deliver(owner, stranger, { from: sender, to: ['c@example.org'] });
    assert.equal(refused.rcpt[0]?.code, 550);
    await waitUntil(attempted.latest + 3_000);
    const passed = await system.deliver(owner, mx, { from: sender, to: ['b@example.org'] });
    assert.equal(passed.data?.code, 250);
    // Who says XCLIENT connects from 127.0.0.1, and is accepted as that first.
    const decided = () =>
      child.stderr.split('\n').filter(line => line.includes('action') && !line.includes('127.0.0.1'));
    return child.printed('six decisions', () => (decided().length >= 6 ? decided() : undefined));
  }

  test('logfmt, the default', async () => {
    const lines = await linesIn('logfmt', 'logfmt@example.net');
    const client = 'client_name=mail.example.net client_address=203.0.113.7 sender=logfmt@example.net';
    const expected = [
      `action=greylist reason=new ${client} recipient=b@example.org session=ID id=ID check=greylist wait=3`,
      `action=greylist reason=early ${client} recipient=b@example.org session=ID id=ID check=greylist wait=N`,
      `action=accept reason=exempt ${client} recipient=abuse@example.org session=ID id=ID check=exempt`,
      'action=greylist reason=new client_name=mail.example.net client_address=203.0.113.7 ' +
        'sender="\\"a action=accept, reason=known\\"@example.net" recipient=logfmt@example.org session=ID id=ID check=greylist wait=3',
      'action=reject reason=blacklist client_name=[192.0.2.66] client_address=192.0.2.66 sender=logfmt@example.net ' +
        'recipient=c@example.org session=ID id=ID check=blacklist list=blacklist:1',
      `action=accept reason=matured delay=N ${client} recipient=b@example.org session=ID id=ID check=greylist`,
    ];
    const found = lines.map(line =>
      line
        .replace(/^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, '')
        .replace(/ session=[\w-]+ id=[\w.-]+ /, ' session=ID id=ID ')
        .replace(/ delay=\d+ /, ' delay=N ')
        .replace(/( reason=early .* wait)=[123]$/, '$1=N')
        .replace(/ list=.*\//, ' list='),
    );
    assert.deepEqual(found, expected);
  });

  test('json', async () => {
    const lines = await linesIn('json', 'json@example.net');
    const found = lines.map(line => JSON.parse(line) as Record<string, unknown>);
    for (const { time, session, id } of found) {
      assert.equal(new Date(String(time)).toISOString(), time);
      assert.match(String(session), /^[\w-]+$/);
      assert.match(String(id).replace(String(session), ''), /^\.\d+$/);
    }
    const head = (action: string, reason: string) => ({ level: 'info', time: 0, msg: 'decision', action, reason });
    const client = { client_name: 'mail.example.net', client_address: '203.0.113.7', sender: 'json@example.net' };
    const bad = { client_name: '[192.0.2.66]', client_address: '192.0.2.66', sender: 'json@example.net' };
    const sender = '"a action=accept, reason=known"@example.net';
    const [b, greylist] = [{ recipient: 'b@example.org', session: 0, id: 0 }, { check: 'greylist' }];
    const expected = [
      { ...head('greylist', 'new'), ...client, ...b, ...greylist, wait: 3 },
      { ...head('greylist', 'early'), ...client, ...b, ...greylist, wait: 0 },
      { ...head('accept', 'exempt'), ...client, recipient: 'abuse@example.org', session: 0, id: 0, check: 'exempt' },
      {
        ...head('greylist', 'new'),
        ...client,
        sender,
        recipient: 'json@example.org',
        session: 0,
        id: 0,
        ...greylist,
        wait: 3,
      },
      {
        ...head('reject', 'blacklist'),
        ...bad,
        recipient: 'c@example.org',
        session: 0,
        id: 0,
        check: 'blacklist',
        list: 'blacklist:1',
      },
      { ...head('accept', 'matured'), delay: 1, ...client, ...b, ...greylist },
    ];
    // As text, so that the order of the keys counts too.
    assert.deepEqual(
      found.map(({ list, ...line }) =>
        JSON.stringify({
          ...{ ...line, time: 0, session: 0, id: 0 },
          ...('delay' in line && { delay: 1 }),
          ...(line.reason === 'early' && { wait: 0 }),
          ...(list !== undefined && { list: basename(String(list)) }),
        }),
      ),
      expected.map(line => JSON.stringify(line)),
    );
  });

  test('postgrey', async () => {
    const client = 'client_name=mail.example.net, client_address=203.0.113.7, sender=postgrey@example.net';
    const lines = await linesIn('postgrey', 'postgrey@example.net');
    const found = lines.map(line =>
      line.replace(/, delay=\d+, /, ', delay=N, ').replace(/\([123]s missing/, '(Ns missing'),
    );
    assert.deepEqual(found, [
      `action=greylist, reason=new, ${client}, recipient=b@example.org`,
      `action=greylist, reason=early-retry (Ns missing), ${client}, recipient=b@example.org`,
      `action=pass, reason=recipient whitelist, ${client}, recipient=abuse@example.org`,
      'action=greylist, reason=new, client_name=mail.example.net, client_address=203.0.113.7, ' +
        'sender=\\"a\\u0020action=accept\\u002c\\u0020reason=known\\"@example.net, recipient=postgrey@example.org',
      'action=reject, reason=blacklist, client_name=unknown, client_address=192.0.2.66, sender=postgrey@example.net, recipient=c@example.org',
      `action=pass, reason=triplet found, delay=N, ${client}, recipient=b@example.org`,
    ]);
  });
});
