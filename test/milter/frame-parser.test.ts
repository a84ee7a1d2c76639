import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameParser } from '../../src/milter/frame-parser.ts';
import { ProtocolError } from '../../src/milter/protocol-error.ts';
import { packet, uint32s } from './support.ts';

const LIMIT = 131_072;

/** Feeds the chunks one after the other and reads whatever can be read after each: command, data. */
function readAll(chunks: readonly Buffer[], limit = LIMIT): [string, string][] {
  const parser = new FrameParser(limit);
  const packets: [string, string][] = [];
  for (const chunk of chunks) {
    parser.feed(chunk);
    while (parser.read()) {
      packets.push([String.fromCharCode(parser.command), parser.buffer.toString('latin1', parser.start, parser.end)]);
    }
  }
  assert.equal(parser.pending, 0, 'bytes are left over');
  return packets;
}

function cut(bytes: Buffer, ...positions: readonly number[]): Buffer[] {
  const borders = [0, ...positions, bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}

test('packets are the same wherever one cut falls, and wherever two fall', () => {
  const bytes = Buffer.concat([
    packet('A'),
    packet('M', '<a@b>\0'),
    packet('A'),
    packet('B', 'x'.repeat(9)),
    packet('Q'),
  ]);
  const whole = readAll([bytes]);
  assert.deepEqual(whole, [
    ['A', ''],
    ['M', '<a@b>\0'],
    ['A', ''],
    ['B', 'xxxxxxxxx'],
    ['Q', ''],
  ]);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      assert.deepEqual(readAll(cut(bytes, first, second)), whole, `cut at ${first} and ${second}`);
    }
  }
});

test('packets are the same when every byte comes by itself, and empty chunks between them', () => {
  const bytes = Buffer.concat([packet('C', 'host\x00U'), packet('R', 'x'.repeat(3_000)), packet('Q')]);
  const single = Array.from(bytes, byte => Buffer.of(byte));
  assert.deepEqual(readAll(single), readAll([bytes]));
  assert.deepEqual(readAll(single.flatMap(byte => [Buffer.alloc(0), byte])), readAll([bytes]));
});

test('any packets in any pieces come out as they went in', () => {
  const anyPacket = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 2_000 }));
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 20 }), fc.array(fc.nat(10_000)), (packets, cuts) => {
      const bytes = Buffer.concat(packets.map(([command, data]) => packet(String.fromCharCode(command), data)));
      const positions = cuts.map(position => position % (bytes.length + 1)).sort((a, b) => a - b);
      const expected = packets.map(([command, data]) => [
        String.fromCharCode(command),
        Buffer.from(data).toString('latin1'),
      ]);
      assert.deepEqual(readAll(cut(bytes, ...positions)), expected);
    }),
  );
});

test('packets may wait: what comes meanwhile is read behind them, and views of earlier ones stay what they were', () => {
  const parser = new FrameParser(LIMIT);
  parser.feed(Buffer.concat([packet('B', 'first'), packet('B', 'second').subarray(0, 7)]));
  assert.ok(parser.read());
  const first = parser.buffer.subarray(parser.start, parser.end);
  const views = [first];
  parser.feed(packet('B', 'second').subarray(7));
  for (let index = 0; index < 500; index++) {
    parser.feed(packet('B', `more ${index}`));
    if (index % 7 === 0) {
      assert.ok(parser.read());
      views.push(parser.buffer.subarray(parser.start, parser.end));
    }
  }
  while (parser.read()) views.push(parser.buffer.subarray(parser.start, parser.end));
  const texts = views.map(view => view.toString());
  assert.deepEqual(texts, ['first', 'second', ...Array.from({ length: 500 }, (_, index) => `more ${index}`)]);
});

test('a packet of exactly the limit is taken, one byte more is not, nor is none at all', () => {
  assert.equal(readAll([packet('B', 'x'.repeat(99))], 100)[0]?.[1].length, 99);
  assert.throws(() => readAll([packet('B', 'x'.repeat(100))], 100), {
    name: 'ProtocolError',
    message: 'packet of 101 bytes announced, at most 100 are taken',
  });
  assert.throws(() => readAll([uint32s(0)]), /packet of length 0/);
});

test('an impossible length is refused at its fourth byte, before anything is kept for it', () => {
  for (const length of [LIMIT + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const parser = new FrameParser(LIMIT);
    parser.feed(uint32s(length).subarray(0, 3));
    assert.equal(parser.read(), false);
    parser.feed(uint32s(length).subarray(3));
    assert.throws(() => parser.read(), ProtocolError, `length ${length}`);
  }
});

test('a peer that speaks another protocol is told as such', () => {
  assert.throws(() => readAll([Buffer.from('GET / HTTP/1.1\r\n')]), /it reads "GET ": is the peer no MTA\?/);
  assert.throws(() => readAll([Buffer.from('EHLO there')]), /it reads "EHLO"/);
  assert.throws(
    () => readAll([uint32s(0x16030100)]),
    /^ProtocolError: packet of 369295616 bytes announced, at most 131072 are taken$/,
  );
});

test('what is announced costs nothing: memory follows what has come', () => {
  const parsers = Array.from({ length: 2_000 }, () => new FrameParser(LIMIT));
  const before = process.memoryUsage().arrayBuffers;
  for (const parser of parsers) {
    for (const byte of uint32s(LIMIT)) {
      parser.feed(Buffer.of(byte));
      assert.equal(parser.read(), false);
    }
    parser.feed(Buffer.from('Bxyz'));
    assert.equal(parser.pending, 8);
  }
  const each = (process.memoryUsage().arrayBuffers - before) / parsers.length;
  assert.ok(each < 2_000, `${each} bytes for each of the parsers, ${parsers.length} in all`);
});

test('a big packet in single bytes is copied a few times, not once a byte', () => {
  const parser = new FrameParser(LIMIT);
  const bytes = packet('B', Buffer.alloc(LIMIT - 1, 0x78));
  const start = process.cpuUsage().user;
  for (const byte of bytes) {
    parser.feed(Buffer.of(byte));
    if (parser.pending < bytes.length) assert.equal(parser.read(), false);
  }
  assert.ok(parser.read());
  assert.equal(parser.end - parser.start, LIMIT - 1);
  // A copy for each byte would move 8.6 GB.
  assert.ok(process.cpuUsage().user - start < 1_500_000, 'took more than 1.5 s');
});

test('a parser that has handed out everything keeps none of it', () => {
  const parser = new FrameParser(LIMIT);
  parser.feed(packet('B', Buffer.alloc(60_000)));
  assert.ok(parser.read());
  assert.equal(parser.buffer.length, 60_005);
  assert.equal(parser.read(), false);
  assert.equal(parser.buffer.length, 0);
  assert.equal(parser.pending, 0);
});

test('a frame is its length, its command and its parts', () => {
  assert.deepEqual(encodeFrame(0x63), Buffer.from([0, 0, 0, 1, 0x63]));
  const frame = encodeFrame(0x68, Buffer.from('a\0'), Buffer.alloc(0), Buffer.from('b\0'));
  assert.deepEqual(frame, Buffer.from('\0\0\0\x05ha\0b\0', 'latin1'));
});
