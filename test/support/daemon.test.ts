import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectMilter } from '../../src/milter/index.ts';
import { startDaemon } from './daemon.ts';
import { tempDir } from './temp-dir.ts';

test('a daemon comes up, decides, tells it in its log, and ends when told', async t => {
  const daemon = await startDaemon(t, { flags: ['--greytimeout', '40'] });
  const client = await connectMilter(daemon.socket);
  await client.negotiate();
  await client.connect({ hostname: 'mx.example.net', peer: { family: 'ipv4', address: '203.0.113.7', port: 4321 } });
  await client.helo('mx "quoted" example');
  await client.mail(['<a b@example.net>']);
  const reply = await client.rcpt(['<c@example.org>']);
  assert.match(reply.kind === 'reply' ? `${reply.code} ${reply.text}` : reply.kind, /^451 .*\(40 secs\)/);
  client.quit();
  const decision = await daemon.decision({ recipient: 'c@example.org' });
  assert.equal(decision.action, 'greylist');
  assert.equal(decision.sender, 'a b@example.net');
  assert.equal(decision.client_address, '203.0.113.7');
  assert.equal(daemon.decisions().length, 1);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});

test('a reload tells whether it worked', async t => {
  const list = join(tempDir(t), 'list');
  writeFileSync(list, '192.0.2.0/24\n');
  const daemon = await startDaemon(t, { flags: ['--custom-wl', list] });
  assert.equal(await daemon.reload(), true);
  writeFileSync(list, '192.0.2.0/240\n');
  assert.equal(await daemon.reload(), false);
  assert.match(daemon.log, /list:1\b/);
  writeFileSync(list, '192.0.2.0/25\n');
  assert.equal(await daemon.reload(), true);
});

test('a daemon that does not come up is an error with its reason', async t => {
  await assert.rejects(startDaemon(t, { flags: ['--custom-wl', '/nonexistent/list'] }), /\/nonexistent\/list/);
});

test('a killed daemon is gone at once', async t => {
  const daemon = await startDaemon(t);
  await daemon.kill();
  assert.deepEqual(daemon.child.exit, { code: null, signal: 'SIGKILL' });
  await assert.rejects(connectMilter(daemon.socket), /ECONNREFUSED/);
});
