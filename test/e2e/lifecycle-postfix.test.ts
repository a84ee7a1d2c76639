/**
 * The daemon is stopped, killed, away, or comes back, while a real Postfix asks it: nothing promised is forgotten, and no mail
 * is lost or held up.
 */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { run } from '../support/process.ts';
import { deliver } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { startPostfixSystem } from './support/mail-system.ts';
import { postfixMissing as skip, startPostfix } from './support/postfix.ts';
import { assertTold, secondsBetween, timed, waitOf, waitUntil } from './support/waiting.ts';

const mx = { address: '203.0.113.7' };
const mail = { from: 'a@example.net', to: ['b@example.org'] };
/** Nobody passes by having waited; or whoever has waited for a second does. */
const [patient, impatient] = [
  ['--greytimeout', '1m'],
  ['--greytimeout', '1s'],
];
const wait = { still: false, seconds: 60 };

const ends = {
  restarted: async daemon => assert.deepEqual(await daemon.stop(), { code: 0, signal: null }),
  killed: daemon => daemon.kill(),
} satisfies Record<string, (daemon: Awaited<ReturnType<typeof startDaemon>>) => Promise<void>>;

for (const [how, end] of Object.entries(ends)) {
  test(`a daemon that is ${how} right after its 451 remembers who waits, since when, and who has passed`, {
    skip,
  }, async t => {
    const system = await startPostfixSystem(t, { flags: patient });
    const [first, attempted] = await timed(() => system.deliver(t, mx, mail));
    await end(system.daemon);
    assert.deepEqual(first.rcpt.map(waitOf), [wait]);
    await waitUntil(attempted.latest + 1_000);
    await system.startDaemon();
    const [second, again] = await timed(() => system.deliver(t, mx, mail));
    await end(system.daemon);
    const { still, seconds } = waitOf(second.rcpt[0]);
    const [least, most] = secondsBetween(attempted, again);
    assert.equal(still, true);
    assert.ok(wait.seconds - most <= seconds && seconds <= wait.seconds - least, `${seconds} secs left`);
    await system.startDaemon(impatient);
    const [third, passed] = await timed(() => system.deliver(t, mx, mail));
    await end(system.daemon);
    assert.equal(third.data?.code, 250);
    assertTold(await system.server.sink.message(), attempted, passed);
    await system.startDaemon();
    const fourth = await system.deliver(t, mx, mail);
    assert.equal(fourth.data?.code, 250);
    await system.daemon.decision({ reason: 'known', recipient: 'b@example.org' });
  });
}

test('while the daemon is down all mail passes; once it is back it is asked again', { skip }, async t => {
  const system = await startPostfixSystem(t, { flags: patient });
  await system.daemon.stop();
  const { rcpt, data } = await system.deliver(t, mx, mail);
  assert.deepEqual([...rcpt.map(({ code }) => code), data?.code], [250, 250]);
  assert.deepEqual(headers(await system.server.sink.message(), 'X-Greylist'), []);
  assert.match(
    system.server.log(),
    /warning: connect to Milter service unix:.*\/milter\.sock: (No such file|Connection refused)/,
  );
  await system.startDaemon();
  waitOf((await system.deliver(t, mx, mail)).rcpt[0]);
});

test('a session whose daemon is killed in its midst goes on without it', { skip }, async t => {
  const system = await startPostfixSystem(t, { flags: patient });
  const client = await system.server.connect(t, mx);
  await client.expect(250, 'MAIL FROM:<a@example.net>');
  waitOf(await client.rcpt('b@example.org'));
  await system.daemon.kill();
  await client.expect(250, 'RCPT TO:<c@example.org>');
  assert.equal((await client.data()).code, 250);
  assert.deepEqual((await system.server.sink.message()).recipients, ['c@example.org']);
});

test('a daemon that is told to stop lets sessions end, and ends with the last of them', { skip }, async t => {
  const system = await startPostfixSystem(t, { flags: impatient });
  const [, attempted] = await timed(() => system.deliver(t, mx, mail));
  await waitUntil(attempted.latest + 1_000);
  const client = await system.server.connect(t, mx);
  await client.expect(250, 'MAIL FROM:<a@example.net>');
  await client.expect(250, 'RCPT TO:<b@example.org>');
  const ended = timed(() => system.daemon.stop());
  await system.daemon.child.line(/msg=stopping/);
  const newcomer = await system.deliver(t, { address: '198.51.100.7' }, { ...mail, to: ['newcomer@example.org'] });
  assert.deepEqual(
    newcomer.rcpt.map(({ code }) => code),
    [250],
  );
  waitOf(await client.rcpt('c@example.org'));
  const [{ code }, passed] = await timed(() => client.data());
  assert.equal(code, 250);
  const message = await system.server.sink.message(({ recipients }) => recipients.includes('b@example.org'));
  assert.deepEqual(message.recipients, ['b@example.org']);
  assertTold(message, attempted, passed);
  assert.equal(system.daemon.child.exit, undefined);
  const [, left] = await timed(() => client.quit());
  const [exit, { latest }] = await ended;
  assert.deepEqual(exit, { code: 0, signal: null });
  assert.ok(latest - left.latest < 2_000, 'it does not wait for longer than it must');
});

test('a Postfix in its chroot finds a socket by its path from the queue directory', { skip }, async t => {
  const milters = '{ unix:milter-greylist/milter.sock, default_action=accept, command_timeout=15s }';
  const postfix = await startPostfix(t, { milters, chroot: true });
  const directory = join(postfix.queueDirectory, 'milter-greylist');
  mkdirSync(directory, { mode: 0o710 });
  chownSync(directory, 0, Number((await run('id', ['-g', 'postfix'])).stdout));
  await startDaemon(t, { socket: join(directory, 'milter.sock'), flags: patient });
  const { rcpt } = await deliver(await postfix.connect(t, mx), mail);
  assert.deepEqual(rcpt.map(waitOf), [wait]);
});
