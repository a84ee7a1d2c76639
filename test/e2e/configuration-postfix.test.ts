/**
 * The example configuration in use: Postfix in front, a DNS server of the test's own behind. One case for each thing that a
 * configuration can say; the greylist's wait is cut short by a flag, which wins over the file.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { createDaemon } from '../../src/create-daemon.ts';
import type { Check } from '../../src/policy/check.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { freePort } from '../support/process.ts';
import { deliver, showReply } from '../support/smtp.ts';
import { storedDecisions } from '../support/stored-decisions.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { tempDir } from '../support/temp-dir.ts';
import { reversed, startDnsTable } from './support/dns-table.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, postfixMissing as skip, startPostfix } from './support/postfix.ts';
import { waitUntil } from './support/waiting.ts';

const example = 'examples/milter-greylist.yaml';
/** Milliseconds. */
const delay = 5_000;
const wait = /^451 4\.7\.1 Greylisting in action, please come back in 00:00:05 \(\S+\)$/;
const stillWait = /^451 4\.7\.1 Greylisting still in action, please come back in 00:00:0[1-5] \(\S+\)$/;

const zones = ['zen.spamhaus.org', 'bl.spamcop.net', 'b.barracudacentral.org'] as const;
const partner = { address: '203.0.113.40', name: 'out.partner.example' };
const pretender = { address: '203.0.113.41', name: 'out.partner.example' };
const listedTwice = { address: '203.0.113.50' };
const listedOnce = { address: '203.0.113.51' };
/** Two hosts of one provider, far from each other. */
const provider = [{ address: '198.51.100.60' }, { address: '203.0.113.60' }] as const;

const dns = {
  A: {
    ...Object.fromEntries(zones.map(zone => [`2.0.0.127.${zone}`, '127.0.0.2'])),
    [reversed(listedTwice.address, zones[0])]: '127.0.0.4',
    [reversed(listedTwice.address, zones[1])]: '127.0.0.2',
    [reversed(listedOnce.address, zones[0])]: '127.0.0.4',
    'out.partner.example': partner.address,
  },
  PTR: {
    [reversed(partner.address)]: 'out.partner.example',
    [reversed(pretender.address)]: 'out.partner.example',
  },
  TXT: {
    'provider.example': 'v=spf1 include:pool.provider.example -all',
    'pool.provider.example': `v=spf1 ip4:${provider[0].address} ip4:203.0.113.56/29 -all`,
  },
};

describe('Postfix in front, the example configuration', { skip }, () => {
  const owner = suiteOwner();
  let resolver: string;
  let system: MailSystem<Postfix>;
  before(async () => {
    resolver = await startDnsTable(owner, dns);
    const flags = ['-c', example, '--greytimeout', `${delay / 1_000}`, '--resolver', resolver, '-v'];
    // Stands for what lets users who have logged in write to the world.
    const mainCf = { relay_domains: 'example.org, far.example' };
    system = await startPostfixSystem(owner, { flags, postfix: { mainCf } });
    for (const zone of zones) await system.daemon.child.line(new RegExp(`DNSBL ${zone} is in use for IPv4`));
  });

  /** The replies to all recipients of one message. */
  async function replies(
    t: Parameters<typeof system.deliver>[0],
    who: Parameters<typeof system.deliver>[1],
    from: string,
    ...to: readonly string[]
  ): Promise<readonly string[]> {
    const { rcpt } = await system.deliver(t, who, { from, to });
    return rcpt.map(showReply);
  }

  const passed = /^250 /;
  function assertReplies(actual: readonly string[], ...shapes: readonly RegExp[]): void {
    assert.equal(actual.length, shapes.length);
    for (const [index, shape] of shapes.entries()) assert.match(actual[index] ?? '', shape);
  }

  test('the file is checked without a warning, and says what it says', async t => {
    const output = new CapturedOutput();
    const options = { output, serve: () => assert.fail('it is only checked') };
    assert.equal(await runProgram(['check-config', '-c', example], options), 0);
    assert.equal(output.complained, '');
    assert.match(output.printed, /^examples\/milter-greylist\.yaml: good, no warnings\n/);
    const client = { address: '203.0.113.7' };
    const [first = ''] = await replies(t, client, 'a@example.net', 'config@example.org');
    assert.match(first, wait);
    const id = /\((\S+)\)$/.exec(first)?.[1] ?? '';
    await system.daemon.decision({ recipient: 'config@example.org', id });
    assertReplies(await replies(t, client, 'a@example.net', 'config@example.org'), stillWait);
    await waitUntil(Date.now() + delay);
    assertReplies(await replies(t, client, 'a@example.net', 'config@example.org'), passed);
  });

  test('rules: a verified name, a list file, a wait of their own, and one that only watches', async t => {
    assertReplies(await replies(t, partner, 'a@partner.example', 'rules@example.org'), passed);
    await system.daemon.decision({ action: 'accept', reason: 'rule', recipient: 'rules@example.org' });
    assertReplies(await replies(t, pretender, 'a@partner.example', 'rules@example.org'), wait);
    assertReplies(
      await replies(t, pretender, 'a@x.example', 'SpamTrap@example.org'),
      /^550 5\.1\.1 No such user here$/,
    );
    const waits = /^451 4\.7\.1 Bulk mail waits 1800 seconds here$/;
    assertReplies(await replies(t, pretender, 'news@x.example', 'rules@example.org'), waits);
    const from = system.daemon.child.mark();
    assertReplies(await replies(t, { ...pretender, helo: 'localhost' }, 'b@x.example', 'rules@example.org'), wait);
    await system.daemon.child.line(/broken-helo/, { from });
  });

  test('opting out, white triples, and the message as a whole', async t => {
    const client = { address: '192.0.2.30' };
    const to = ['hotline@example.org', 'any@support.example.org', 'out@example.org'];
    assertReplies(await replies(t, client, 'a@example.net', ...to), passed, passed, wait);
    await system.daemon.decision({ reason: 'opted-out', recipient: 'hotline@example.org' });
    assertReplies(await replies(t, client, 'orders@shop.example', 'sales@example.org'), passed);
    assertReplies(await replies(t, { address: '203.0.113.30' }, 'orders@shop.example', 'sales@example.org'), wait);

    const directory = tempDir(t);
    const file = join(directory, 'message.yaml');
    for (const list of ['blacklist', 'traps']) writeFileSync(join(directory, list), readFileSync(`examples/${list}`));
    writeFileSync(file, readFileSync(example, 'utf8').replace('scope: recipient', 'scope: message'));
    const flags = ['-c', file, '--greytimeout', `${delay / 1_000}`, '--resolver', resolver];
    const whole = await startPostfixSystem(t, { flags });
    const data = async (...to: readonly string[]): Promise<string> => {
      const delivery = await whole.deliver(t, client, { from: 'a@example.net', to });
      assertReplies(delivery.rcpt.map(showReply), ...to.map(() => passed));
      return delivery.data ? showReply(delivery.data) : 'no answer to the message';
    };
    assert.match(await data('one@example.org'), wait);
    await waitUntil(Date.now() + delay);
    assert.match(await data('one@example.org', 'two@example.org'), wait);
    assert.deepEqual(whole.server.sink.messages, []);
    await waitUntil(Date.now() + delay);
    assert.match(await data('one@example.org', 'two@example.org'), passed);
  });

  test('a list that changes its sender with every mail is one sender', async t => {
    const client = { address: '203.0.113.70' };
    const first = 'discuss-bounces+1234-verp=example.org@lists.example';
    const again = 'discuss-bounces+1235-verp=example.org@lists.example';
    assertReplies(await replies(t, client, first, 'verp@example.org'), wait);
    await waitUntil(Date.now() + delay);
    assertReplies(await replies(t, client, again, 'verp@example.org'), passed);
    await system.daemon.decision({ reason: 'matured', sender: again });
  });

  test('SPF: a provider may come back from any of its hosts, a stranger may not', async t => {
    const from = 'a@provider.example';
    assertReplies(await replies(t, provider[0], from, 'spf@example.org'), wait);
    await waitUntil(Date.now() + delay);
    assertReplies(await replies(t, { address: '203.0.113.99' }, from, 'spf@example.org'), wait);
    assertReplies(await replies(t, provider[1], from, 'spf@example.org'), passed);
    await system.daemon.decision({ reason: 'matured', sender: from, client_address: provider[1].address });
  });

  test('learning: whom our users wrote to need not wait', async t => {
    const friend = 'friend@far.example';
    const far = { address: '203.0.113.80' };
    assertReplies(await replies(t, far, friend, 'stranger@example.org'), wait);
    assertReplies(await replies(t, { address: '203.0.113.81', login: 'alice' }, 'alice@example.org', friend), passed);
    assertReplies(await replies(t, far, friend, 'alice@example.org'), passed);
  });

  test('two blocklists together refuse, one alone does not', async t => {
    const refused = /^5\d\d 5\.7\.1 Rejected\. Address 203\.0\.113\.50 found in zen\.spamhaus\.org/;
    assertReplies(await replies(t, listedTwice, 'a@example.net', 'dnsbl@example.org'), refused);
    assertReplies(await replies(t, listedOnce, 'a@example.net', 'dnsbl@example.org'), wait);
  });

  test('explain: by the id in a reply, and for a mail that was not sent', async t => {
    const [, database = ''] = /^ {2}database +(\S+)$/m.exec(system.daemon.child.stdout) ?? [];
    const explain = async (...args: readonly string[]): Promise<string> => {
      const output = new CapturedOutput();
      const options = { output, serve: () => assert.fail('it is only explained') };
      const daemon = ['-c', example, '--cachedb', database, '--resolver', resolver];
      assert.equal(await runProgram(['explain', ...daemon, ...args], options), 0, output.complained);
      return output.printed;
    };
    const [reply = ''] = await replies(t, { address: '203.0.113.8' }, 'a@example.net', 'why@example.org');
    const id = /\((\S+)\)$/.exec(reply)?.[1] ?? '';
    await storedDecisions(database, id);
    assert.ok((await explain('--id', id)).includes(`reply     ${reply}\n`));
    const mail = ['--from', 'a@example.net', '--to', 'why@example.org'];
    assert.match(await explain('--ip', '203.0.113.8', ...mail), /<why@example\.org>: pending since .*, 1 attempt,/);
    const listed = await explain('--ip', listedTwice.address, ...mail);
    assert.match(
      listed,
      /dnsbl +reject \(dnsbl\)\n +listed zen\.spamhaus\.org=127\.0\.0\.4 bl\.spamcop\.net=127\.0\.0\.2/,
    );
    assert.match(listed, /^reply {5}5\d\d 5\.7\.1 Rejected\. Address 203\.0\.113\.50 found in zen\.spamhaus\.org/m);
    const vouched = ['--ip', provider[0].address, '--from', 'a@provider.example', '--to', 'why@example.org'];
    assert.match(await explain(...vouched), /spf +advice: key spf:provider\.example\n +pass of provider\.example$/m);
  });

  test('the same daemon as a library, with a check of its own', async t => {
    const refuse: Check = {
      name: 'customers',
      canAccept: false,
      run: ({ sender }) =>
        sender === 'nobody@example.net'
          ? { action: 'reject', reason: 'own-check', reply: { code: 554, enhanced: '5.7.1', text: 'Not a customer' } }
          : undefined,
    };
    const port = await freePort();
    const daemon = await createDaemon(
      { socket: `inet:${port}@127.0.0.1`, database: ':memory:', dns: { resolvers: resolver } },
      { checks: [refuse] },
    );
    t.after(() => daemon.stop());
    const postfix = await startPostfix(t, { milters: `inet:127.0.0.1:${port}` });
    const answers: string[] = [];
    for (const from of ['nobody@example.net', 'a@example.net']) {
      const client = await postfix.connect(t, { address: '203.0.113.9' });
      const { rcpt } = await deliver(client, { from, to: ['own@example.org'] });
      answers.push(...rcpt.map(showReply));
      await client.quit();
    }
    assertReplies(answers, /^554 5\.7\.1 .*Not a customer$/, /^451 4\.7\.1 Greylisting in action, /);
  });
});
