import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, run, spawnChild, waitForListener } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

interface Rig {
  readonly directory: string;
  readonly socket: string;
  readonly daemon: Child;
}

function start(t: TestContext, directory: string, ...flags: string[]): Child {
  const files = ['-s', join(directory, 'g.sock'), '--cachedb', join(directory, 'g.db')];
  return spawnChild(t, process.execPath, [main, ...files, ...flags], { env: { JOURNAL_STREAM: undefined } });
}

async function up(t: TestContext, ...flags: string[]): Promise<Rig> {
  const directory = tempDir(t);
  const daemon = start(t, directory, ...flags);
  await daemon.line(/msg=started/);
  return { directory, socket: join(directory, 'g.sock'), daemon };
}

function probe(socket: string, ...more: string[]): ReturnType<typeof run> {
  const mail = ['--ip', '203.0.113.7', '--helo', 'mx.example.net', '--from', 'a@example.net', '--to', 'b@example.org'];
  return run(process.execPath, [main, 'probe', '-s', socket, ...mail, ...more]);
}

test('a newcomer sees where it listens and what to configure, then both answers of the greylist, and one line for each', async t => {
  const { daemon, socket, directory } = await up(t);
  assert.match(daemon.stdout, new RegExp(`^ {2}listens at {2}unix:${socket}$`, 'm'));
  assert.match(daemon.stdout, new RegExp(`^ {2}database {4}${directory}/g\\.db$`, 'm'));
  assert.match(daemon.stdout, new RegExp(`smtpd_milters = \\{ unix:${socket}, default_action=accept`));
  const { code, stdout } = await probe(socket, '--repeat', '2');
  assert.equal(code, 0);
  assert.match(stdout, /451 4\.7\.1 Greylisting in action, please come back later \(300 secs\)/);
  assert.match(stdout, /451 4\.7\.1 Greylisting still in action, please come back later \(2\d\d secs\)/);
  await daemon.line(
    / action=greylist reason=new client_name=\[203\.0\.113\.7\] client_address=203\.0\.113\.7 sender=a@example\.net recipient=b@example\.org .*wait=300$/,
  );
  await daemon.line(/ action=greylist reason=early .*wait=2\d\d$/);
});

/** By its address alone a client is accepted at once. */
const ACCEPTED = /connection from 203\.0\.113\.7 +accept: no more questions/;

test('a health check leaves no line', async t => {
  const { daemon, socket } = await up(t);
  const from = daemon.mark();
  const { code } = await run(process.execPath, [main, 'probe', '--health', '-s', socket]);
  assert.equal(code, 0);
  await daemon.stop();
  assert.doesNotMatch(daemon.stderr.slice(from.stderr), /action=/);
});

test('SIGHUP reads the lists again; a wrong line leaves the old ones in force and is told with file and line', async t => {
  const whitelist = join(tempDir(t), 'whitelist');
  writeFileSync(whitelist, '# nobody yet\n');
  const { daemon, socket } = await up(t, '--custom-wl', whitelist);
  assert.match((await probe(socket)).stdout, /451 4\.7\.1/);

  writeFileSync(whitelist, '203.0.113.0/24\n');
  daemon.kill('SIGHUP');
  await daemon.line(/msg=reloaded/);
  assert.match((await probe(socket)).stdout, ACCEPTED);

  writeFileSync(whitelist, '\n203.0.113.0/33\n');
  daemon.kill('SIGHUP');
  await daemon.line(new RegExp(`level=error msg="not reloaded" error="${whitelist}:2:1: .*203\\.0\\.113\\.0/33`));
  assert.match((await probe(socket)).stdout, ACCEPTED);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends it with exit code 0 and takes the socket away`, async t => {
    const { daemon, socket } = await up(t);
    assert.deepEqual(await daemon.stop(signal), { code: 0, signal: null });
    assert.match(daemon.stderr, new RegExp(`msg=stopping signal=${signal}\\n.*msg=stopped\\n$`));
    assert.equal(existsSync(socket), false);
  });
}

test('a second signal does not wait for a session that lingers', async t => {
  const { daemon, socket } = await up(t);
  // An MTA that negotiated and greeted, and then holds the line.
  const lingering = spawnChild(t, process.execPath, [
    '--input-type=module',
    '--eval',
    `import { connectMilter } from ${JSON.stringify(join(import.meta.dirname, '../../src/milter/client.ts'))};
     const client = await connectMilter(${JSON.stringify(socket)});
     await client.negotiate();
     await client.connect({ hostname: 'x', peer: { family: 'ipv4', address: '203.0.113.7', port: 25 } });
     console.log('holding');
     setInterval(() => {}, 1000);`,
  ]);
  await lingering.line(/holding/);
  daemon.kill('SIGTERM');
  await daemon.line(/msg=stopping/);
  assert.equal(daemon.exit, undefined);
  assert.deepEqual(await daemon.stop('SIGTERM'), { code: 143, signal: null });
});

test('a SIGHUP that comes while it starts does not kill it, and is obeyed', async t => {
  // On a busy machine it may have started before we see that it would bear the signal: then with another one.
  for (let tries = 1; ; tries++) {
    const daemon = start(t, tempDir(t));
    // Before Node runs our first lines nobody can do anything about it.
    while (!catches(daemon.pid, 1)) await sleep(1);
    const started = /msg=started/.test(daemon.stderr);
    daemon.kill('SIGHUP');
    await daemon.line(/msg=reloaded/);
    assert.match(daemon.stderr, /msg=started.*\n.*msg=reloaded\n$/);
    if (!started) return;
    assert.ok(tries < 50, 'it has always started already');
    await daemon.stop();
  }
});

/** Whether a process has a handler for a signal, by its number. */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

test('its log pipe may be closed while it serves', async t => {
  const directory = tempDir(t);
  const socket = join(directory, 'g.sock');
  const child = spawn(process.execPath, [main, '-s', socket, '--cachedb', ':memory:'], { stdio: 'pipe' });
  t.after(() => void child.kill('SIGKILL'));
  await once(child.stderr, 'data');
  child.stderr.destroy();
  child.stdout.destroy();
  for (let attempt = 0; attempt < 3; attempt++) assert.equal((await probe(socket)).code, 0);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});

test('what prevents a start is told in one line, with its exit code', async t => {
  const directory = tempDir(t);
  const list = join(directory, 'list');
  writeFileSync(list, '203.0.113.7\nnonsense here\n');
  const busy = createServer().listen(join(directory, 'busy.sock'));
  t.after(() => void busy.close());
  await once(busy, 'listening');
  const file = join(directory, 'file');
  writeFileSync(file, 'not a database, and long enough to be looked at as one\n'.repeat(100));
  const table: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--custom-wl', '/nonexistent'], 66, /^milter-greylist: \/nonexistent: .*\n$/],
    [['--custom-bl', list], 78, new RegExp(`^milter-greylist: ${list}:2:1: .*nonsense here.*\\n$`)],
    [['-s', join(directory, 'busy.sock')], 73, /^milter-greylist: .*busy\.sock is in use.*\n$/],
    [['-s', '/nonexistent/g.sock'], 73, /^milter-greylist: .*there is no folder \/nonexistent\n$/],
    [['-s', file], 73, /^milter-greylist: .*is no socket.*\n$/],
    [['--cachedb', file], 73, new RegExp(`^milter-greylist: ${file}: .*\\n$`)],
    [
      ['--user', 'no-such-user'],
      78,
      /^milter-greylist: option --user: there is no user 'no-such-user' in \/etc\/passwd\n$/,
    ],
    [['--socket-group', 'no-such-group'], 78, /^milter-greylist: option --socket-group: there is no group/],
  ];
  for (const [flags, code, message] of table) {
    const result = await run(process.execPath, [
      main,
      '-s',
      join(directory, 'x.sock'),
      '--cachedb',
      ':memory:',
      ...flags,
    ]);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, message);
    assert.equal(result.stdout, '');
  }
});

test('root becomes another user: sockets are bound before, the database is made after', async t => {
  if (process.getuid?.() !== 0) return t.skip('becoming another user takes root');
  const directory = tempDir(t);
  await run('/bin/chown', ['65534:65534', directory]);
  const flags = ['--user', '65534:65534', '--socket-group', '65534', '--socket-mode', '0600'];
  const daemon = start(t, directory, ...flags);
  await waitForListener({ path: join(directory, 'g.sock') }, daemon);
  await daemon.line(/msg=started/);
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^Groups:\t65534 *$/m);
  assert.deepEqual([statSync(join(directory, 'g.db')).uid, statSync(join(directory, 'g.sock')).uid], [65534, 0]);
  assert.equal(statSync(join(directory, 'g.sock')).mode & 0o777, 0o600);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});
