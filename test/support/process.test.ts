import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, freePort, run, spawnChild, waitForListener } from './process.ts';
import { tempDir } from './temp-dir.ts';

const node = process.execPath;

test('a line is found whether it was printed before or comes later, on either stream', async t => {
  const child = spawnChild(t, '/bin/sh', ['-c', 'echo one; echo two >&2; sleep 0.05; echo three; exec sleep 60']);
  assert.equal((await child.line(/^t(.*)o$/))[1], 'w');
  await child.line(/^three$/);
  await child.line(/^one$/);
  assert.equal(child.exit, undefined);
});

test('from a mark on only newer lines count', async t => {
  const child = spawnChild(t, '/bin/sh', ['-c', 'echo tick; sleep 0.2; echo tick; exec sleep 60']);
  await child.line(/tick/);
  const from = child.mark();
  await child.line(/tick/, { from });
  assert.equal(child.stdout, 'tick\ntick\n');
});

test('waiting for a line fails with all output when the child ends, or is silent for too long', async t => {
  const ended = spawnChild(t, '/bin/sh', ['-c', 'echo some reason >&2; exit 3']);
  await assert.rejects(ended.line(/ready/), /ended before it printed.*some reason/s);
  assert.deepEqual(await ended.exited, { code: 3, signal: null });
  const silent = spawnChild(t, '/bin/sleep', ['60']);
  await assert.rejects(silent.line(/ready/, { timeout: 20 }), /did not print .* within 20 ms/);
});

test('a child that does not heed SIGTERM is killed after the grace', async t => {
  const child = spawnChild(t, '/bin/sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done']);
  await child.line(/up/);
  assert.deepEqual(await child.stop('SIGTERM', 50), { code: null, signal: 'SIGKILL' });
});

test('a child is gone, with what it started, once its owner ended', async () => {
  const hooks: (() => void | Promise<void>)[] = [];
  const child = spawnChild({ after: hook => hooks.push(hook) }, '/bin/sh', ['-c', 'sleep 60 & echo up $!; wait']);
  const grandchild = Number((await child.line(/up (\d+)/))[1]);
  for (const hook of hooks) await hook();
  assert.notEqual(child.exit, undefined);
  assert.ok(await isGone(grandchild), 'the process that the child started is still there');
});

test('a program that is not there is told as such', async () => {
  await assert.rejects(run('/nonexistent/program'), /\/nonexistent\/program: can't be started/);
  assert.equal(await findProgram('no-such-program-here'), undefined);
  assert.match((await findProgram('sh')) ?? '', /\/sh$/);
});

test('a listener is waited for', async t => {
  const port = await freePort();
  const child = spawnChild(t, node, ['-e', `setTimeout(() => net.createServer().listen(${port}, '127.0.0.1'), 50)`]);
  await waitForListener({ port, host: '127.0.0.1' }, child);
});

test('a temporary directory is removed with its contents', async t => {
  let path = '';
  await t.test('inner', async inner => {
    path = tempDir(inner);
    await run('/bin/sh', ['-c', `mkdir -p ${path}/a/b && echo x >${path}/a/b/c`]);
    assert.ok(existsSync(join(path, 'a/b/c')));
  });
  assert.ok(!existsSync(path));
});

/** Whether a process has ended; one that nobody has reaped yet has ended too. */
async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    const stat = await run('/bin/sh', ['-c', `cut -d' ' -f3 /proc/${pid}/stat 2>/dev/null`]);
    if (stat.stdout.trim() === '' || stat.stdout.trim() === 'Z') return true;
  }
  return false;
}
