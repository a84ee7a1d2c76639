/**
 * The daemon is stopped, killed, away, or comes back, while a mail server asks it, whichever that is: nothing promised is
 * forgotten, and no mail is lost or held up.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DaemonProcess } from '../../support/daemon.ts';
import { headers } from '../../support/smtp-sink.ts';
import { codes, localParts } from './greylist-cases.ts';
import type { MailSystem } from './mail-system.ts';
import type { Missing } from './requirement.ts';
import { assertTold, secondsBetween, timed, waitOf, waitUntil } from './waiting.ts';

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
} satisfies Record<string, (daemon: DaemonProcess) => Promise<void>>;

/** Registers the cases for one mail server; `start` makes a system of its own for each, with these flags of the daemon. */
export function lifecycleCases(
  skip: Missing,
  start: (t: TestContext, flags: readonly string[]) => Promise<MailSystem>,
): void {
  for (const [how, end] of Object.entries(ends)) {
    test(`a daemon that is ${how} right after its 451 remembers who waits, since when, and who has passed`, {
      skip,
    }, async t => {
      const system = await start(t, patient);
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
    const system = await start(t, patient);
    await system.daemon.stop();
    const { rcpt, data } = await system.deliver(t, mx, mail);
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
    assert.deepEqual(headers(await system.server.sink.message(), 'X-Greylist'), []);
    await system.startDaemon();
    waitOf((await system.deliver(t, mx, mail)).rcpt[0]);
  });

  test('a session whose daemon is killed in its midst goes on without it', { skip }, async t => {
    const system = await start(t, patient);
    const client = await system.server.connect(t, mx);
    await client.expect(250, 'MAIL FROM:<a@example.net>');
    waitOf(await client.rcpt('b@example.org'));
    await system.daemon.kill();
    await client.expect(250, 'RCPT TO:<c@example.org>');
    assert.equal((await client.data()).code, 250);
    assert.deepEqual(localParts((await system.server.sink.message()).recipients), ['c']);
  });

  test('a daemon that is told to stop lets sessions end, and ends with the last of them', { skip }, async t => {
    const system = await start(t, impatient);
    const [, attempted] = await timed(() => system.deliver(t, mx, mail));
    await waitUntil(attempted.latest + 1_000);
    const client = await system.server.connect(t, mx);
    await client.expect(250, 'MAIL FROM:<a@example.net>');
    await client.expect(250, 'RCPT TO:<b@example.org>');
    const ended = timed(() => system.daemon.stop());
    await system.daemon.child.line(/msg=stopping/);
    const newcomer = await system.deliver(t, { address: '198.51.100.7' }, { ...mail, to: ['newcomer@example.org'] });
    assert.deepEqual(codes(newcomer.rcpt), [250]);
    waitOf(await client.rcpt('c@example.org'));
    const [{ code }, passed] = await timed(() => client.data());
    assert.equal(code, 250);
    const message = await system.server.sink.message(({ recipients }) => localParts(recipients).includes('b'));
    assert.deepEqual(localParts(message.recipients), ['b']);
    assertTold(message, attempted, passed);
    assert.equal(system.daemon.child.exit, undefined);
    const [, left] = await timed(() => client.quit());
    const [exit, { latest }] = await ended;
    assert.deepEqual(exit, { code: 0, signal: null });
    // It gives sessions 10 s.
    assert.ok(latest - left.latest < 8_000, 'it does not wait for longer than it must');
  });
}
