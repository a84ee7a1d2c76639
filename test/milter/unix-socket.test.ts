import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createMilter, type Milter } from '../../src/milter/milter.ts';
import { spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = process.getuid?.() === 0;

function milter(t: TestContext): Milter {
  const made = createMilter({});
  t.after(() => made.close());
  return made;
}

const socketIn = (t: TestContext, name = 'milter.sock'): string => join(tempDir(t), name);

/** Whether something accepts connections there. */
async function isLive(path: string): Promise<boolean> {
  const socket = connect(path);
  const live = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return live;
}

/** A path for a socket; for the rest of the test this process may do only what its owner may: root becomes nobody. */
function socketOfNobody(t: TestContext): string {
  if (!root) return socketIn(t);
  t.after(() => process.seteuid?.(0)); // before the directory is removed
  const path = socketIn(t);
  chownSync(dirname(path), 65_534, 65_534);
  process.seteuid?.(65_534);
  return path;
}

/** A socket file whose daemon was killed before it could clean up. */
async function staleSocket(t: TestContext, path: string): Promise<void> {
  const daemon = spawnChild(t, process.execPath, [
    '-e',
    `net.createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
  ]);
  await daemon.line(/up/);
  await daemon.stop('SIGKILL');
  assert.ok(existsSync(path));
}

test('a unix socket has the mode it should have, whatever the umask, and leaves the umask alone', async t => {
  const before = process.umask(0o022);
  t.after(() => void process.umask(before));
  for (const [mode, expected] of [
    [undefined, 0o660],
    [0o600, 0o600],
    [0o666, 0o666],
    [0o777, 0o777],
  ] as const) {
    const path = socketIn(t);
    assert.equal(await milter(t).listen(path, mode === undefined ? {} : { mode }), `unix:${path}`);
    assert.equal(lstatSync(path).mode & 0o7777, expected);
    assert.ok(lstatSync(path).isSocket());
    assert.equal(process.umask(), 0o022);
  }
});

test('a unix socket gets the group it should have', {
  skip: root ? false : 'only root may give files away',
}, async t => {
  const path = socketIn(t);
  await milter(t).listen(path, { mode: 0o660, gid: 12_345 });
  assert.equal(lstatSync(path).gid, 12_345);
  assert.equal(lstatSync(path).uid, process.getuid?.());
});

test('a stale socket is replaced', async t => {
  const path = socketIn(t);
  await staleSocket(t, path);
  assert.equal(await isLive(path), false);
  await milter(t).listen(path);
  assert.equal(await isLive(path), true);
});

test('a live socket is refused and left as it is', async t => {
  const path = socketIn(t);
  const first = milter(t);
  await first.listen(path);
  const { ino } = lstatSync(path);
  await assert.rejects(milter(t).listen(path), {
    name: 'SocketInUseError',
    code: 'EADDRINUSE',
    message: `${path} is in use: another daemon answers there`,
  });
  assert.equal(lstatSync(path).ino, ino);
  assert.equal(await isLive(path), true);
});

test('what is no socket is refused and left as it is: a file, a directory, a symbolic link', async t => {
  const path = socketIn(t, 'file');
  writeFileSync(path, 'precious');
  const refusal = { name: 'SocketInUseError', message: /exists and is no socket: not touched$/ };
  await assert.rejects(milter(t).listen(path), refusal);
  assert.equal(readFileSync(path, 'utf8'), 'precious');
  const directory = socketIn(t, 'directory');
  mkdirSync(directory);
  await assert.rejects(milter(t).listen(directory), refusal);
  const link = socketIn(t, 'link');
  symlinkSync(path, link);
  await assert.rejects(milter(t).listen(link), refusal);
  assert.ok(lstatSync(link).isSymbolicLink());
});

test('of several that begin at once, over a stale socket too, one listens and the others are told', async t => {
  const path = socketIn(t);
  await staleSocket(t, path);
  const milters = Array.from({ length: 5 }, () => milter(t));
  const results = await Promise.allSettled(milters.map(each => each.listen(path)));
  const lucky = results.filter(({ status }) => status === 'fulfilled');
  assert.equal(lucky.length, 1, JSON.stringify(results.map(result => String('reason' in result && result.reason))));
  assert.equal(await isLive(path), true);
  assert.deepEqual(readdirSync(dirname(path)), ['milter.sock']);
});

test('closing removes the socket and nothing else', async t => {
  const path = socketIn(t);
  const made = milter(t);
  await made.listen(path);
  assert.deepEqual(readdirSync(dirname(path)), ['milter.sock']);
  await made.close();
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test("closing leaves another daemon's socket alone that has taken the place", async t => {
  const path = socketIn(t);
  const [first, second] = [milter(t), milter(t)];
  await first.listen(path);
  renameSync(path, `${path}.old`);
  await second.listen(path);
  await first.close();
  assert.equal(await isLive(path), true);
});

test("a process that ends without closing leaves another daemon's socket alone, too", async t => {
  const path = socketIn(t);
  const library = new URL('../../src/milter/index.ts', import.meta.url);
  const child = spawnChild(t, process.execPath, [
    '--input-type=module',
    '-e',
    `import { createMilter } from ${JSON.stringify(library.href)};
     await createMilter({}).listen(${JSON.stringify(path)});
     process.once('SIGTERM', () => process.exit(0));
     console.log('up');`,
  ]);
  await child.line(/up/);
  renameSync(path, `${path}.old`);
  await milter(t).listen(path);
  assert.deepEqual(await child.stop(), { code: 0, signal: null });
  assert.equal(await isLive(path), true);
});

test('a socket that can not be made is an error that names its path, and leaves nothing', async t => {
  const path = join(tempDir(t), 'missing', 'milter.sock');
  await assert.rejects(milter(t).listen(path), (error: NodeJS.ErrnoException & { address?: string }) => {
    assert.equal(error.code, 'EACCES'); // what libuv makes of ENOENT
    assert.equal(error.address, path);
    assert.ok(error.message.includes(path) && !error.message.includes(`${path}.`), error.message);
    return true;
  });
});

test('a group that can not be given is an error, and no socket stays', async t => {
  const path = socketOfNobody(t);
  await assert.rejects(milter(t).listen(path, { gid: 12_345 }), {
    code: 'EPERM',
    message: `EPERM: operation not permitted, chown '${path}'`,
  });
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('a socket that can not be removed any more is told, and closing goes on', async t => {
  const refused: string[] = [];
  const path = socketOfNobody(t);
  const made = createMilter({ onRefused: reason => refused.push(reason) });
  await made.listen(path);
  chmodSync(dirname(path), 0o555);
  await made.close();
  chmodSync(dirname(path), 0o755);
  assert.match(refused.join(), /EACCES/);
  assert.equal(await isLive(path), false);
});

test('a path of the longest length is bound, though the name beside it would be too long', async t => {
  const directory = tempDir(t);
  const path = join(directory, 'x'.repeat(107 - directory.length - 1));
  assert.equal(Buffer.byteLength(path), 107);
  await milter(t).listen(path);
  assert.equal(await isLive(path), true);
  assert.equal(readdirSync(directory).length, 1);
});

test('a full queue of connections is a daemon that lives', async t => {
  const path = socketIn(t);
  const busy = spawnChild(t, process.execPath, [
    '-e',
    `net.createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
       console.log('up');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     })`,
  ]);
  await busy.line(/up/);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let full = false; !full; ) {
    const socket = connect(path).on('error', () => {});
    sockets.push(socket);
    full = await once(socket, 'connect').then(
      () => false,
      error => error.code === 'EAGAIN',
    );
  }
  await assert.rejects(milter(t).listen(path), { name: 'SocketInUseError' });
});
