/**
 * Peers that mean harm or are broken: they cost little, end in time, and others do not notice.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMilter } from '../../src/milter/client.ts';
import { createMilter, type Milter, type MilterOptions } from '../../src/milter/milter.ts';
import { proceed, type Verdict } from '../../src/milter/verdict.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { settle } from '../support/fixed-timers.ts';
import { tempDir } from '../support/temp-dir.ts';
import { A, B, begin, C, E, H, K, M, macros, negotiated, offer, Q, R, uint32s, until } from './support.ts';

test('who does not negotiate is cut off after the time of a packet, whatever else he sends', () => {
  for (const chatter of [Buffer.alloc(0), macros('C', 'j', 'mx'), A, K]) {
    const rig = begin({});
    for (let second = 0; second < 30; second++) {
      assert.equal(rig.wire.closed, 0, `second ${second}`);
      rig.session.receive(chatter);
      rig.wait(1_000);
    }
    assert.equal(rig.wire.closed, 1);
    assert.match(rig.offences.join(), /^fatal: no negotiation in time$/);
  }
});

test('a packet sent by a byte a second may take the time of one packet and not more', () => {
  const rig = negotiated({});
  rig.say(C());
  const slow = H('x'.repeat(24)); // 30 bytes
  for (const byte of slow.subarray(0, 29)) {
    rig.session.receive(Buffer.of(byte));
    rig.wait(1_000);
  }
  assert.deepEqual(rig.say(slow.subarray(29)), ['c']);
  rig.wait(60_000);
  const slower = H('x'.repeat(25));
  for (const byte of slower.subarray(0, 30)) {
    assert.equal(rig.wire.closed, 0);
    rig.session.receive(Buffer.of(byte));
    rig.wait(1_000);
  }
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(rig.offences, ['fatal: no complete command in time']);
});

test('a packet that is never finished ends its connection, with the message that was open', () => {
  const seen: string[] = [];
  const rig = negotiated({ messageEnd: (_message, how) => void seen.push(how), close: () => void seen.push('close') });
  rig.say(C(), M(), B('x'.repeat(100)).subarray(0, 50));
  rig.wait(29_999);
  assert.equal(rig.wire.closed, 0);
  rig.wait(1);
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(seen, ['disconnected', 'close']);
});

test('a stream whose every piece ends amid a packet is not taken for a stalled one', () => {
  const rig = negotiated({ body: { noReply: () => {} } });
  rig.say(C(), M(), R());
  const bytes = Buffer.concat(Array.from({ length: 200 }, () => B('x'.repeat(95))));
  rig.session.receive(bytes.subarray(0, 50));
  for (let at = 50; at + 100 < bytes.length; at += 100) {
    rig.wait(1_000);
    rig.session.receive(bytes.subarray(at, at + 100));
  }
  assert.equal(rig.wire.closed, 0);
  assert.deepEqual(rig.offences, []);
});

test('a silent connection is kept for two hours, as its client may be', () => {
  const rig = negotiated({});
  rig.say(C());
  rig.wait(7_199_999, 60_000);
  assert.equal(rig.wire.closed, 0);
  rig.wait(1);
  assert.equal(rig.wire.closed, 1);
});

test('an announcement of 4 GB ends the connection before anything is kept for it', () => {
  const rig = negotiated({});
  const before = process.memoryUsage().arrayBuffers;
  assert.deepEqual(rig.say(C(), uint32s(0xffff_ffff)), ['c']);
  assert.equal(rig.wire.closed, 1);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
});

test('who sends many commands at once is served some at a time, so that others have their turn', () => {
  const rig = negotiated({});
  let rests = 0;
  rig.wire.rest = () => {
    rests += 1;
  };
  rig.say(C(), M());
  assert.equal(rig.say(...new Array<Buffer>(150).fill(R())).length, 64);
  for (const expected of [64, 22, 0]) {
    assert.deepEqual(rig.heard(), []);
    rig.session.goOn();
    assert.equal(rig.heard().length, expected);
  }
  assert.equal(rests, 2);
});

test('nothing is worked on for a peer that does not read, not even when a handler has answered', async () => {
  const decision = Promise.withResolvers<Verdict>();
  let asked = 0;
  const rig = negotiated({ rcpt: () => (++asked === 1 ? decision.promise : proceed) });
  rig.wire.rest = () => {};
  rig.say(C(), M());
  rig.say(...new Array<Buffer>(10).fill(R()));
  rig.wire.full = true;
  decision.resolve(proceed);
  assert.equal((await rig.sayAndWait(R())).length, 1);
  assert.equal(asked, 1);
  rig.wire.full = false;
  rig.session.goOn();
  assert.equal(rig.heard().length, 10);
  assert.equal(asked, 11);
});

test('recipients over the limit are put off without being asked about; the next message has its own', () => {
  const asked: string[] = [];
  const options = {
    recipientLimit: 2,
    rcpt(_message: unknown, { address }: { address: string }) {
      asked.push(address);
      return proceed;
    },
  };
  const rig = negotiated(options);
  const full = 'y452 4.5.3 Too many recipients\0';
  rig.say(C(), M());
  assert.deepEqual(rig.say(R('<1>'), R('<2>'), R('<3>'), R('<4>'), E, M(), R('<5>')), [
    'c',
    'c',
    full,
    full,
    'c',
    'c',
    'c',
  ]);
  assert.deepEqual(asked, ['1', '2', '5']);
  const listener = negotiated({ recipientLimit: 1, rcpt: { noReply: () => {} } });
  assert.deepEqual(listener.say(C(), M(), R(), R(), E), ['c', 'c', 'c']);
});

test('macros of an absurd size are not kept', () => {
  let kept: string | undefined = '?';
  const rig = negotiated({
    connect(connection) {
      kept = connection.macros.get('x');
      return proceed;
    },
  });
  const size = 100_000;
  assert.deepEqual(rig.say(macros('C', 'x', 'y'.repeat(size)), C()), ['c']);
  assert.equal(kept, undefined);
  assert.deepEqual(rig.say(K, macros('C', 'x', 'y'.repeat(16_000)), C()), ['c']);
  assert.equal((kept as string | undefined)?.length, 16_000);
});

async function serve(t: TestContext, options: MilterOptions): Promise<{ milter: Milter; path: string }> {
  const milter = createMilter(options);
  t.after(() => milter.close());
  const path = join(tempDir(t), 'milter.sock');
  await milter.listen(path);
  return { milter, path };
}

test('a peer that never reads its answers is not read from either, and cut off in time; others are served', async t => {
  const clock = new FixedClock();
  const { milter, path } = await serve(t, { monotonic: () => clock.monotonic() });
  const flood = connect(path);
  flood.on('error', () => {});
  flood.pause();
  flood.write(Buffer.concat([offer(), C(), M()]));
  const chunk = Buffer.concat(new Array<Buffer>(5_000).fill(R('<a@b>')));
  let sent = 0;
  while (sent < 400) {
    sent += 1;
    if (!flood.write(chunk)) await Promise.race([once(flood, 'drain'), sleep(100)]);
    if (flood.writableLength > 4 * chunk.length) break;
  }
  const taken = flood.bytesWritten - flood.writableLength;
  assert.ok(flood.writableLength > 0, 'the milter reads all the same');
  assert.ok(taken < 8_000_000, `${taken} bytes were taken`);

  const other = await connectMilter(`unix:${path}`);
  await other.negotiate();
  assert.deepEqual(await other.connect({ hostname: 'x', peer: { family: 'unknown' } }), { kind: 'proceed' });
  assert.equal(milter.connections, 2);

  clock.advance(30_000);
  await until(() => milter.connections === 1, 'the one that does not read is cut off');
  assert.deepEqual(await other.helo('x'), { kind: 'proceed' });
  other.quit();
  await until(() => milter.connections === 0, 'the other one has left');
  flood.destroy();
});

/** A stream by hand. What is written to it gets through at once, or never, as if its peer did not read. */
function stream(getsThrough: boolean): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      if (getsThrough) done();
    },
  });
}

test('a peer that leaves without reading a last short answer is forgotten in time', async t => {
  const clock = new FixedClock();
  const { milter } = await serve(t, { monotonic: () => clock.monotonic() });
  const peer = stream(false);
  milter.handle(peer);
  peer.push(Buffer.concat([offer(), C(), Q]));
  await settle();
  assert.equal(milter.connections, 1);
  clock.advance(30_000);
  await until(() => milter.connections === 0, 'forgotten');
  assert.ok(peer.destroyed);
});

test('what comes while a handler thinks is kept up to a limit, then not read; nothing of it is lost', async t => {
  const decision = Promise.withResolvers<Verdict>();
  let asked = 0;
  const { milter } = await serve(t, {
    recipientLimit: 1_000_000,
    rcpt: () => (++asked === 1 ? decision.promise : proceed),
  });
  const peer = stream(true);
  milter.handle(peer);
  peer.push(Buffer.concat([offer(), C(), M(), R()]));
  await settle();
  const chunk = Buffer.concat(new Array<Buffer>(1_000).fill(R('<a@b>')));
  for (let pushed = 0; pushed < 1_000_000; pushed += chunk.length) {
    peer.push(chunk);
    await settle();
  }
  assert.ok(peer.isPaused());
  const kept = 1_000_000 - peer.readableLength;
  assert.ok(kept > 200_000 && kept < 400_000, `${kept} bytes were taken`);
  decision.resolve(proceed);
  await until(() => asked > 60_000, 'all were asked about');
});

test('a packet larger than the backlog is taken, if the filter says so', async t => {
  let size = 0;
  const { path } = await serve(t, {
    packetLimit: 2_000_000,
    body(_message, chunk) {
      size = chunk.length;
      return proceed;
    },
  });
  const socket = connect(path);
  const answers: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => answers.push(chunk));
  socket.write(Buffer.concat([offer(), C(), M(), B(Buffer.alloc(1_500_000))]));
  await until(() => Buffer.concat(answers).length === 17 + 15, 'answered');
  assert.equal(size, 1_500_000);
  socket.destroy();
});

test('peers that fail in every way at once leave nothing behind', async t => {
  const { milter, path } = await serve(t, { packetLimit: 1_000 });
  const evils = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(1_000),
    Buffer.concat([offer(), C(), uint32s(0x7fff_ffff)]),
    Buffer.concat([offer(), C(), M(), B(Buffer.alloc(990)).subarray(0, 500)]),
    offer().subarray(0, 9),
    Buffer.alloc(0),
  ];
  const sockets = Array.from({ length: 120 }, (_, index) => {
    const socket = connect(path);
    socket.on('error', () => {});
    socket.write(evils[index % evils.length] as Buffer);
    if (index % 4 === 0) socket.end();
    if (index % 4 === 1) setImmediate(() => socket.destroy());
    return socket;
  });
  const good = await connectMilter(`unix:${path}`);
  await good.negotiate();
  assert.deepEqual(await good.connect({ hostname: 'x', peer: { family: 'unknown' } }), { kind: 'proceed' });
  for (const socket of sockets) socket.destroy();
  await until(() => milter.connections === 1, 'only the good one is left');
  good.quit();
  await until(() => milter.connections === 0, 'none is left');
});
