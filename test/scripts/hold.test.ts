import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from '../support/bell.ts';
import { type Child, spawnChild } from '../support/process.ts';
import type { Owner } from '../support/temp-dir.ts';

const hold = new URL('../../scripts/hold.mjs', import.meta.url).href;

/** A runner that holds a Node with `script`, by a clock that shows `now`, an expression; both are gone when the owner ends. */
function held(owner: Owner, script: string, now = 'clock()'): Child {
  const outer = `
    const clock = performance.now.bind(performance);
    let calls = 0;
    performance.now = () => ${now};
    import { hold } from ${JSON.stringify(hold)};
    process.exitCode = await hold(process.execPath, ['-e', ${JSON.stringify(script)}]);`;
  let runner: Child | undefined;
  owner.after(() => runner?.kill('SIGUSR2'));
  runner = spawnChild(owner, process.execPath, ['--input-type=module', '-e', outer]);
  return runner;
}

const listening = `
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => console.log('got', name));
  process.on('SIGUSR2', () => process.exit(7));
  setTimeout(() => process.exit(9), 120_000); // nobody else ends it if the runner is killed
  console.log('up', process.pid);`;

test('a signal to the runner reaches the program, and its exit code comes back', async t => {
  const runner = held(t, listening);
  await runner.line(/^up/);
  for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) {
    runner.kill(signal);
    await runner.line(new RegExp(`got ${signal}`));
  }
  runner.kill('SIGUSR2');
  assert.deepEqual(await runner.exited, { code: 7, signal: null });
});

test('a signal that comes twice at once, from terminal and npm, is passed on once', async t => {
  const runner = held(t, listening, '0');
  await runner.line(/^up/);
  runner.kill('SIGINT');
  await runner.line(/got SIGINT/);
  runner.kill('SIGINT');
  await sleep(50); // or the two that follow might be passed on in the other order
  runner.kill('SIGTERM');
  await runner.line(/got SIGTERM/);
  assert.equal(runner.stdout.match(/got SIGINT/g)?.length, 1);
});

test('a second signal given later is passed on too', async t => {
  const runner = held(t, listening, '250 * calls++');
  await runner.line(/^up/);
  runner.kill('SIGINT');
  await runner.line(/got SIGINT/);
  const from = runner.mark();
  runner.kill('SIGINT');
  await runner.line(/got SIGINT/, { from });
});

test('a program killed by a signal gives 128 and its number, as in a shell', async t => {
  const runner = held(t, 'process.kill(process.pid, "SIGKILL")');
  assert.deepEqual(await runner.exited, { code: 137, signal: null });
});

test('the program ends when whoever started the runner is gone', async t => {
  const script =
    'process.on("SIGTERM", () => { console.log("told to end"); process.exit(0); }); setInterval(() => {}, 1000); console.log("up")';
  const outer = `
    import { hold } from ${JSON.stringify(hold)};
    await hold(process.execPath, ['-e', ${JSON.stringify(script)}]);`;
  const parent = spawnChild(t, '/bin/sh', [
    '-c',
    'setsid "$@" & wait',
    'sh',
    process.execPath,
    '--input-type=module',
    '-e',
    outer,
  ]);
  await parent.line(/up/);
  parent.kill('SIGKILL');
  const end = performance.now() + PATIENCE;
  while (!parent.stdout.includes('told to end') && performance.now() < end) await sleep(10);
  assert.match(parent.stdout, /told to end/);
});
