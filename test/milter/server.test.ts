import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { connectMilter, MilterClient } from '../../src/milter/client.ts';
import { createMilter, type Milter, type MilterOptions } from '../../src/milter/milter.ts';
import { proceed, reply, type Verdict } from '../../src/milter/verdict.ts';
import { PATIENCE } from '../support/bell.ts';
import { findProgram, spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ends, until } from './support.ts';

const peer = { hostname: 'mail.example.net', peer: { family: 'ipv4', address: '192.0.2.1', port: 25 } } as const;

async function serve(
  t: TestContext,
  options: MilterOptions = {},
  address?: string,
): Promise<{ milter: Milter; address: string }> {
  const milter = createMilter(options);
  t.after(() => milter.close());
  return { milter, address: await milter.listen(address ?? join(tempDir(t), 'milter.sock')) };
}

/** A client that has negotiated. */
async function client(t: TestContext, address: string): Promise<MilterClient> {
  const made = await connectMilter(address, { timeout: PATIENCE });
  t.after(() => made.destroy());
  await made.negotiate();
  return made;
}

test('a milter listens on TCP and tells the port it was given', async t => {
  const { address } = await serve(t, {}, 'inet:0@127.0.0.1');
  assert.match(address, /^inet:\d{2,5}@127\.0\.0\.1$/);
  assert.deepEqual(await (await client(t, address)).connect(peer), { kind: 'proceed' });
});

test('a milter listens on IPv6', async t => {
  const { address } = await serve(t, {}, 'inet6:0@[::1]');
  assert.match(address, /^inet6:\d+@::1$/);
  assert.deepEqual(await (await client(t, address)).connect(peer), { kind: 'proceed' });
});

test('a milter listens on several addresses at once', async t => {
  const { milter, address } = await serve(t);
  const second = await milter.listen('inet:0@127.0.0.1');
  for (const each of [address, second]) {
    assert.deepEqual(await (await client(t, each)).connect(peer), { kind: 'proceed' });
  }
  assert.equal(milter.connections, 2);
});

test('another filter serves the connections that come from then on, and none of the open ones', async t => {
  const { milter, address } = await serve(t, { mail: { noReply: () => {} }, rcpt: () => reply(451, '4.7.1', 'one') });
  const sends = async (made: MilterClient): Promise<string> => {
    await made.connect(peer);
    await made.helo('mx.example.net');
    const { kind } = await made.mail(['<a@example.net>']);
    const answer = await made.rcpt(['<b@example.org>']);
    return `${kind} ${answer.kind === 'reply' ? answer.text : answer.kind}`;
  };
  const before = await client(t, address);
  milter.use({ mail: () => proceed, rcpt: () => reply(451, '4.7.1', 'two') });
  const after = await client(t, address);
  assert.equal(await sends(before), 'no-reply 451 4.7.1 one');
  assert.equal(await sends(after), 'proceed 451 4.7.1 two');
});

test('a port that is taken is an error, and the milter can still listen elsewhere', async t => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const { milter } = await serve(t);
  await assert.rejects(milter.listen(`inet:${port}@127.0.0.1`), { code: 'EADDRINUSE' });
  assert.match(await milter.listen('inet:0@127.0.0.1'), /^inet:/);
});

test('an address that can not be read is an error of its own kind', async t => {
  const { milter } = await serve(t);
  await assert.rejects(milter.listen('nonsense'), { name: 'AddressError' });
});

test('a milter serves a listening socket that was handed to it as descriptor 3', async t => {
  const library = new URL('../../src/milter/index.ts', import.meta.url).href;
  const program = `
    import { createMilter, reply } from ${JSON.stringify(library)};
    const milter = createMilter({ rcpt: () => reply(451, '4.7.1', 'from descriptor 3') });
    console.log('listening ' + (await milter.listen('fd:3')));`;
  const python = await findProgram('python3');
  if (python === undefined) return t.skip('python3 is not installed');
  const path = join(tempDir(t), 'inherited.sock');
  const launcher = `
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(16)
if server.fileno() != 3: os.dup2(server.fileno(), 3)
os.set_inheritable(3, True)
os.execv(sys.argv[2], sys.argv[2:])`;
  const args = [path, process.execPath, '--input-type=module', '-e', program];
  const child = spawnChild(t, python, ['-c', launcher, ...args]);
  assert.equal((await child.line(/^listening (.*)$/))[1], 'fd:3');
  const mta = await client(t, `unix:${path}`);
  await mta.connect(peer);
  await mta.mail(['<a@b>']);
  assert.deepEqual(await mta.rcpt(['<c@d>']), { kind: 'reply', code: 451, text: '451 4.7.1 from descriptor 3' });
});

test('a descriptor that is no listening socket is an error', async t => {
  const { milter } = await serve(t);
  const file = openSync(import.meta.filename, 'r');
  t.after(() => closeSync(file));
  for (const descriptor of [9_999, file]) {
    await assert.rejects(milter.listen(`fd:${descriptor}`), { code: 'EINVAL', syscall: 'listen' });
  }
  assert.equal(milter.connections, 0);
});

test('over the limit connections are closed at once and told; when one leaves there is room again', async t => {
  const refused: string[] = [];
  const { milter, address } = await serve(t, { connectionLimit: 2, onRefused: reason => refused.push(reason) });
  const [first, second] = [await client(t, address), await client(t, address)];
  await assert.rejects(client(t, address), /closed the connection|ECONNRESET|EPIPE/);
  assert.deepEqual(refused, ['2 connections are open: one more was closed']);
  assert.deepEqual(await second.connect(peer), { kind: 'proceed' });
  first.quit();
  await until(() => milter.connections === 1, 'the first has left');
  assert.deepEqual(await (await client(t, address)).connect(peer), { kind: 'proceed' });
});

test('an onRefused that fails is no danger to the others', async t => {
  const { address } = await serve(t, {
    connectionLimit: 1,
    onRefused() {
      throw new Error('x');
    },
  });
  const first = await client(t, address);
  await assert.rejects(client(t, address));
  assert.deepEqual(await first.connect(peer), { kind: 'proceed' });
});

test('a connection that came some other way is served the same', async t => {
  const [ours, theirs] = duplexPair();
  const milter = createMilter({ rcpt: () => reply(451, null, 'x') });
  t.after(() => milter.close());
  milter.handle(ours);
  assert.equal(milter.connections, 1);
  const mta = new MilterClient(theirs);
  await mta.negotiate();
  await mta.connect(peer);
  await mta.mail(['<a@b>']);
  assert.deepEqual(await mta.rcpt(['<c@d>']), { kind: 'reply', code: 451, text: '451 x' });
  mta.quit();
  await until(() => milter.connections === 0, 'it has left');
});

test('a stream that is destroyed already is not served, nor is any after the close', async () => {
  const milter = createMilter({});
  const [gone] = duplexPair();
  gone.destroy();
  milter.handle(gone);
  assert.equal(milter.connections, 0);
  await milter.close();
  const [late] = duplexPair();
  milter.handle(late);
  assert.ok(late.destroyed);
  await assert.rejects(milter.listen('inet:0@127.0.0.1'), /this milter is closed/);
});

test('a milter closed while it begins to listen does not go on to listen', async t => {
  const path = join(tempDir(t), 'milter.sock');
  const milter = createMilter({});
  const listening = milter.listen(path);
  const closing = milter.close();
  await assert.rejects(listening, /closed before it listened/);
  await closing;
  await assert.rejects(connectMilter(path), { code: 'ENOENT' });
});

test('closing without patience ends sessions amid a message, each message and connection once', async t => {
  const decision = Promise.withResolvers<Verdict>();
  const asked = Promise.withResolvers<void>();
  const { seen, options } = ends();
  const { milter, address } = await serve(t, {
    ...options,
    rcpt() {
      asked.resolve();
      return decision.promise;
    },
  });
  const mta = await client(t, address);
  await mta.connect(peer);
  await mta.mail(['<a@b>']);
  const answer = mta.rcpt(['<c@d>']);
  answer.catch(() => {});
  await asked.promise;
  await milter.close();
  await assert.rejects(answer, /closed the connection/);
  decision.resolve(proceed);
  assert.deepEqual(seen, ['1 disconnected', 'close']);
  assert.equal(milter.connections, 0);
});

test('draining refuses new connections at once, lets sessions end, and closes those between sessions', async t => {
  const { milter, address } = await serve(t);
  const [busy, pooled] = [await client(t, address), await client(t, address)];
  await busy.connect(peer);
  await pooled.connect(peer);
  pooled.quitNewConnection();
  await pooled.endOfMessage(); // is answered even here, and then the end of the session before it has been seen
  let over = false;
  const closing = milter.close({ drain: PATIENCE }).then(() => {
    over = true;
  });
  await assert.rejects(connectMilter(address), { code: 'ENOENT' });
  await until(() => milter.connections === 1, 'the one between sessions is closed');
  await assert.rejects(pooled.connect(peer), /closed the connection/);
  assert.equal(over, false);
  assert.deepEqual(await busy.mail(['<a@b>']), { kind: 'proceed' });
  assert.deepEqual((await busy.endOfMessage()).reply, { kind: 'proceed' });
  busy.quit();
  await closing;
});

test('a connection that has just come may begin its session while others drain', async t => {
  const { milter, address } = await serve(t);
  const [busy, fresh] = [await client(t, address), await client(t, address)];
  await busy.connect(peer);
  const closing = milter.close({ drain: PATIENCE });
  assert.deepEqual(await fresh.connect(peer), { kind: 'proceed' });
  await new Promise(resolve => setTimeout(resolve, 150));
  assert.deepEqual(await fresh.mail(['<a@b>']), { kind: 'proceed' });
  fresh.quit();
  busy.quit();
  await closing;
});

test('when the patience is over the rest is closed', async t => {
  const { seen, options } = ends();
  const { milter, address } = await serve(t, options);
  const mta = await client(t, address);
  await mta.connect(peer);
  await mta.mail(['<a@b>']);
  await milter.close({ drain: 60 });
  assert.equal(milter.connections, 0);
  assert.deepEqual(seen, ['1 disconnected', 'close']);
});

test('closing twice is closing once', async t => {
  const { milter, address } = await serve(t);
  await client(t, address);
  await Promise.all([milter.close({ drain: 40 }), milter.close({ drain: 40 })]);
  await milter.close();
});

test('a peer that only connects and leaves, as a port scan does, disturbs nobody', async t => {
  const { seen, options } = ends();
  const offences: string[] = [];
  const { milter, address } = await serve(
    t,
    { ...options, onProtocolError: message => offences.push(message) },
    'inet:0@127.0.0.1',
  );
  const port = Number(/:(\d+)@/.exec(address)?.[1]);
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const socket: Socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket[leave]();
  }
  await until(() => milter.connections === 0, 'all have left');
  assert.deepEqual([seen, offences], [[], []]);
});
