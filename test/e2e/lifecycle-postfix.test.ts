/**
 * The daemon is stopped, killed, away, or comes back, while a real Postfix asks it.
 */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { run } from '../support/process.ts';
import { deliver } from '../support/smtp.ts';
import { lifecycleCases } from './support/lifecycle-cases.ts';
import { startPostfixSystem } from './support/mail-system.ts';
import { postfixMissing as skip, startPostfix } from './support/postfix.ts';
import { waitOf } from './support/waiting.ts';

const mx = { address: '203.0.113.7' };
const mail = { from: 'a@example.net', to: ['b@example.org'] };
const flags = ['--greytimeout', '1m'];

lifecycleCases(skip, (t, flags) => startPostfixSystem(t, { flags }));

test('Postfix logs that the daemon is down', { skip }, async t => {
  const system = await startPostfixSystem(t, { flags });
  await system.daemon.stop();
  assert.equal((await system.deliver(t, mx, mail)).data?.code, 250);
  assert.match(
    system.server.log(),
    /warning: connect to Milter service unix:.*\/milter\.sock: (No such file|Connection refused)/,
  );
});

test('a Postfix in its chroot finds a socket by its path from the queue directory', { skip }, async t => {
  const milters = '{ unix:milter-greylist/milter.sock, default_action=accept, command_timeout=15s }';
  const postfix = await startPostfix(t, { milters, chroot: true });
  const directory = join(postfix.queueDirectory, 'milter-greylist');
  mkdirSync(directory, { mode: 0o710 });
  chownSync(directory, 0, Number((await run('id', ['-g', 'postfix'])).stdout));
  await startDaemon(t, { socket: join(directory, 'milter.sock'), flags });
  const { rcpt } = await deliver(await postfix.connect(t, mx), mail);
  assert.deepEqual(rcpt.map(waitOf), [{ still: false, seconds: 60 }]);
});
