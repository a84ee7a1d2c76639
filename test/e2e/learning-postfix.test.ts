/**
 * What the daemon learns from the clients of a real Postfix, and what comes of it.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '../support/smtp.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { type Postfix, type PostfixOptions, postfixMissing as skip } from './support/postfix.ts';
import { waitOf } from './support/waiting.ts';

/** Milliseconds; also in the files below. */
const DELAY = 2_000;
const client = { address: '203.0.113.7', helo: 'mx.example.net' };
const neighbour = { address: '203.0.113.250', helo: 'mx2.example.net' };
const stranger = { address: '198.51.100.7' };

function systemWith(text: string, postfix: PostfixOptions = {}): () => MailSystem<Postfix> {
  const owner = suiteOwner();
  let system: MailSystem<Postfix> | undefined;
  before(async () => {
    const file = join(tempDir(owner), 'milter-greylist.yaml');
    writeFileSync(file, text);
    system = await startPostfixSystem(owner, { flags: ['-c', file], postfix });
  });
  return () => system ?? assert.fail('not started');
}

async function codes(delivering: Promise<Delivery>): Promise<readonly number[]> {
  return (await delivering).rcpt.map(({ code }) => code);
}

/** One message that is told to wait, and does. */
async function mature(owner: Owner, system: MailSystem<Postfix>, from: string, who = client): Promise<void> {
  const mail = { from, to: ['b@example.org'] };
  assert.deepEqual(await codes(system.deliver(owner, who, mail)), [451]);
  await sleep(DELAY + 50);
  assert.deepEqual(await codes(system.deliver(owner, who, mail)), [250]);
  await system.daemon.decision({ reason: 'matured', sender: from });
}

describe('Postfix in front, two triplets make a network white', { skip }, () => {
  const started = systemWith(`
greylist: {delay: 2s}
learning:
  autowhite: {triplets: 2, hours: 1}
`);

  test('its other senders pass at once, a stranger does not, and a daemon killed since then knows it', async t => {
    const system = started();
    await mature(t, system, 'one@example.net');
    const from = 'before@example.net';
    assert.deepEqual(await codes(system.deliver(t, client, { from, to: ['b@example.org'] })), [451]);
    await mature(t, system, 'two@example.net');
    const attempt = (who: typeof stranger, sender: string): Promise<readonly number[]> =>
      codes(system.deliver(t, who, { from: sender, to: ['b@example.org', 'c@example.org'] }));
    assert.deepEqual(await attempt(neighbour, 'three@example.com'), [250, 250]);
    const { check } = await system.daemon.decision({ reason: 'learned', sender: 'three@example.com' });
    assert.equal(check, 'autowhite');
    assert.deepEqual(await attempt(stranger, 'three@example.com'), [451, 451]);
    // What is learned is written down within a second.
    await sleep(1_200);
    await system.daemon.kill();
    await system.startDaemon();
    assert.deepEqual(await attempt(client, 'four@example.com'), [250, 250]);
    await system.daemon.decision({ reason: 'learned', sender: 'four@example.com' });
  });

  test('callouts prove nothing', async t => {
    const system = started();
    const who = { address: '192.0.2.9' };
    for (let round = 0; round < 2; round++) {
      for (const to of ['b@example.org', 'c@example.org', 'd@example.org']) {
        const asking = await system.server.connect(t, who);
        await asking.expect(250, 'MAIL FROM:<>');
        await asking.expect(250, `RCPT TO:<${to}>`);
        await asking.quit();
      }
      await sleep(DELAY);
    }
    assert.deepEqual(await codes(system.deliver(t, who, { from: 'five@example.net', to: ['b@example.org'] })), [451]);
  });
});

describe('Postfix in front, our users have correspondents', { skip }, () => {
  const text = `
greylist: {delay: 1m}
learning: {correspondents: true}
`;
  // Stands for what lets users who have logged in write to the world.
  const started = systemWith(text, { mainCf: { relay_domains: 'example.org, example.net' } });

  test('the answer to a user who has logged in does not wait, from wherever it comes; to another user it does', async t => {
    const system = started();
    const ours = { from: 'us@example.org', to: ['them@example.net', 'they@example.net'] };
    const sent = await system.deliver(t, { address: '10.1.2.3', login: 'us' }, ours);
    assert.deepEqual(
      [...sent.rcpt, sent.data].map(reply => reply?.code),
      [250, 250, 250],
    );
    for (const from of ours.to) {
      const answered = await system.deliver(t, client, { from, to: ['us@example.org', 'other@example.org'] });
      assert.deepEqual(
        answered.rcpt.map(({ code }) => code),
        [250, 451],
      );
      await system.daemon.decision({ reason: 'correspondent', sender: from, recipient: 'us@example.org' });
    }
  });

  test('what a user wrote within the own domain lets no stranger in', async t => {
    const system = started();
    await system.deliver(t, { address: '10.1.2.3', login: 'us' }, { from: 'us@example.org', to: ['we@example.org'] });
    const forged = { from: 'we@example.org', to: ['us@example.org'] };
    assert.deepEqual(await codes(system.deliver(t, stranger, forged)), [451]);
  });
});

describe('Postfix in front, a flood', { skip }, () => {
  const started = systemWith(`
greylist: {delay: 2s}
learning: {pendingLimit: 3}
`);

  test('triplets beyond the limit are not stored, and pass after their wait', async t => {
    const system = started();
    const waits = async (from: string): Promise<string | undefined> => {
      assert.deepEqual(await codes(system.deliver(t, stranger, { from, to: ['b@example.org'] })), [451]);
      return (await system.daemon.decision({ action: 'greylist', sender: from })).reason;
    };
    const reasons = [];
    for (const name of ['f1', 'f2', 'f3', 'f4', 'f5']) reasons.push(await waits(`${name}@example.com`));
    assert.deepEqual(reasons, ['new', 'new', 'new', 'crowded', 'crowded']);
    await sleep(DELAY);
    const mail = { from: 'f5@example.com', to: ['b@example.org'] };
    assert.deepEqual(await codes(system.deliver(t, stranger, mail)), [250]);
  });
});

describe('Postfix in front, the impatient', { skip }, () => {
  // Long enough for all attempts, also on a busy machine: who comes after the delay passes.
  const started = systemWith(`
greylist: {delay: 1m}
learning:
  impatient: {retries: 2, within: 30s, delay: 1h}
  relaySwitchers: {networks: 3, within: 30s, delay: 1h}
`);

  test('who comes back within seconds again and again waits much longer', async t => {
    const system = started();
    const who = { address: '192.0.2.7', helo: 'hasty.example.net' };
    const mail = { from: 'hasty@example.net', to: ['hasty@example.org'] };
    const attempt = async (): Promise<number> => waitOf((await system.deliver(t, who, mail)).rcpt[0]).seconds;
    assert.equal(await attempt(), 60);
    await sleep(1_050); // what comes together counts once
    assert.ok((await attempt()) < 60);
    await sleep(1_050);
    const third = await attempt();
    assert.ok(third > 3_500, `${third} secs`);
    const decision = await system.daemon.decision({ patience: 'impatient' });
    assert.equal(decision.action, 'greylist');
  });

  test('one HELO name from three networks within seconds waits much longer, with a 451 and never a 5xx', async t => {
    const system = started();
    const mail = { from: 'switch@example.net', to: ['switch@example.org'] };
    const waits = [];
    for (const address of ['192.0.2.77', '198.51.100.77', '203.0.113.77']) {
      const { rcpt } = await system.deliver(t, { address, helo: 'switch.example.net' }, mail);
      waits.push(waitOf(rcpt[0]).seconds);
    }
    assert.deepEqual(waits, [60, 60, 3_660]);
    await system.daemon.decision({ patience: 'relay-switcher', sender: mail.from });
  });
});

describe('Postfix in front, only the suspicious wait', { skip }, () => {
  // Nobody answers at this DNS server: a name can then not be confirmed, which speaks against no one.
  const started = systemWith(`
greylist:
  delay: 1m
  when: suspicious
  suspicious: {noName: {delay: 1h}}
dns: {resolvers: ["127.0.0.1:9"]}
`);

  test('a client without a name waits for what its class has to, one with a name passes', async t => {
    const system = started();
    const { rcpt } = await system.deliver(t, stranger, { from: 'nameless@example.net', to: ['b@example.org'] });
    assert.deepEqual(rcpt.map(waitOf), [{ still: false, seconds: 3_600 }]);
    assert.equal((await system.daemon.decision({ sender: 'nameless@example.net' })).suspicion, 'no-name');
    const named = { address: '198.51.100.8', name: 'mx.example.net' };
    const mail = { from: 'named@example.net', to: ['b@example.org'] };
    assert.deepEqual(await codes(system.deliver(t, named, mail)), [250]);
    assert.equal((await system.daemon.decision({ sender: mail.from })).reason, 'unsuspicious');
  });
});
