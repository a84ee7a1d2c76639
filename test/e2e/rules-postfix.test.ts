/**
 * Rules, lists and the scope of the greylist as the clients of a real Postfix meet them, and what a reload makes of them.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { showReply } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { reversed, startDnsTable } from './support/dns-table.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, postfixMissing as skip } from './support/postfix.ts';

const owner1 = { address: '203.0.113.40', name: 'out.partner.test' };
const forger = { address: '203.0.113.41', name: 'out.partner.test' };
const stranger = { address: '203.0.113.42' };
const dns = {
  A: { 'out.partner.test': owner1.address },
  PTR: { [reversed(owner1.address)]: 'out.partner.test', [reversed(forger.address)]: 'out.partner.test' },
};

const text = `
greylist: {delay: 1s}
rules:
  - name: watched
    if: {helo: watched.test}
    then: reject
    monitor: true
  - name: marked
    if: {sender: marked@}
    then:
      - header: {name: X-Marked, value: 'from {SENDER}'}
      - accept
  - name: partner
    if: {name: .partner.test, not: {sender: bulk@}}
    then: accept
  - name: refused
    if: {sender: '@.refused.test'}
    then: {reject: {code: 554, enhanced: 5.7.0, text: 'Not {SENDER}'}}
  - name: deferred
    if: {recipient: later@example.org}
    then: {defer: {code: 450, enhanced: 4.2.0, text: 'Try later'}}
  - name: slow
    if: {sender: slow@}
    then: {greylist: {delay: 1h, reply: 'Wait {WAIT}'}}
whitelist:
  triples: 203.0.113.0/24 helo=mx.known.test b@example.org
blacklist:
  senders: ['@black.test']
`;

describe('Postfix in front, rules and lists', { skip }, () => {
  const owner = suiteOwner();
  let system: MailSystem<Postfix>;
  let file: string;
  before(async () => {
    const resolver = await startDnsTable(owner, dns);
    file = join(tempDir(owner), 'milter-greylist.yaml');
    writeFileSync(file, text);
    system = await startPostfixSystem(owner, { flags: ['-c', file, '--resolver', resolver] });
  });

  async function reply(
    t: Owner,
    who: Parameters<typeof system.deliver>[1],
    from: string,
    to = 'b@example.org',
  ): Promise<string> {
    const { rcpt } = await system.deliver(t, who, { from, to: [to] });
    return showReply(rcpt[0] ?? assert.fail('no reply'));
  }

  test('a name counts if it leads back to the address, and `not` makes an exception', async t => {
    assert.match(await reply(t, owner1, 'a@x.test'), /^250 /);
    const { rule, rule_at } = await system.daemon.decision({ reason: 'rule', sender: 'a@x.test' });
    assert.equal(rule, 'partner');
    assert.equal(rule_at, `${file}:13`);
    assert.match(await reply(t, owner1, 'bulk@x.test'), /^451 /);
    assert.match(await reply(t, forger, 'a@x.test'), /^451 /);
  });

  test('rules refuse and defer in their own words, and greylist with a wait of their own', async t => {
    assert.equal(await reply(t, stranger, 'a@sub.refused.test'), '554 5.7.0 Not a@sub.refused.test');
    assert.equal(await reply(t, stranger, 'a@x.test', 'later@example.org'), '450 4.2.0 Try later');
    const { action } = await system.daemon.decision({ recipient: 'later@example.org' });
    assert.equal(action, 'defer');
    assert.equal(await reply(t, stranger, 'slow@x.test'), '451 4.7.1 Wait 3600');
  });

  test('a monitored rule only tells what it would have done', async t => {
    assert.match(await reply(t, { ...stranger, helo: 'watched.test' }, 'w@x.test'), /^451 /);
    const { would, reason } = await system.daemon.decision({ sender: 'w@x.test' });
    assert.equal(reason, 'new');
    assert.equal(would, `reject by watched (${file}:4)`);
  });

  test('a header is added to a message that passes', async t => {
    assert.match(await reply(t, stranger, 'marked@x.test'), /^250 /);
    const message = await system.server.sink.message(({ sender }) => sender === 'marked@x.test');
    assert.deepEqual(headers(message, 'X-Marked'), ['from marked@x.test']);
  });

  test('triples accept by HELO, and a blacklist refuses by sender', async t => {
    assert.match(await reply(t, { ...stranger, helo: 'mx.known.test' }, 'k@x.test'), /^250 /);
    assert.match(await reply(t, { ...stranger, helo: 'mx.known.test' }, 'k@x.test', 'c@example.org'), /^451 /);
    assert.match(await reply(t, stranger, 'a@black.test'), /^550 5\.7\.1 /);
  });

  test('after a reload rules look at macros that were not asked for before, on new connections', async t => {
    writeFileSync(
      file,
      `${text.replace('rules:', "rules:\n  - {name: port, if: {macro: {client_port: '/^[0-9]+$/'}}, then: accept}")}`,
    );
    assert.ok(await system.daemon.reload());
    assert.match(await reply(t, stranger, 'macro@x.test'), /^250 /);
    assert.equal((await system.daemon.decision({ sender: 'macro@x.test' })).rule, 'port');
  });

  test('a mistake changes nothing, and with scope message the end tells one wait for all', async t => {
    writeFileSync(file, 'rules: [{then: acept}]');
    assert.equal(await system.daemon.reload(), false);
    writeFileSync(file, 'greylist: {delay: 2s, scope: message}\nrules: [{if: {recipient: white@}, then: accept}]');
    assert.ok(await system.daemon.reload());
    const mail = { from: 'scope@x.test', to: ['one@example.org', 'two@example.org', 'white@example.org'] };
    const first = await system.deliver(t, stranger, mail);
    assert.deepEqual(
      first.rcpt.map(({ code }) => code),
      [250, 250, 250],
    );
    assert.equal(first.data?.code, 451);
    await system.daemon.decision({ recipient: 'white@example.org', reason: 'another-recipient' });
    await sleep(2_100);
    assert.equal((await system.deliver(t, stranger, mail)).data?.code, 250);
  });
});
