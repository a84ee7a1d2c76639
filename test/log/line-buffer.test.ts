import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineBuffer } from '../../src/log/line-buffer.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers, settle } from '../support/fixed-timers.ts';

/** A descriptor that takes what it is told to take: `room` bytes, or an error. */
class Target {
  text = '';
  calls = 0;
  room = Number.POSITIVE_INFINITY;
  fault: string | undefined;

  write = (bytes: Uint8Array): number => {
    this.calls++;
    if (this.fault) throw Object.assign(new Error(this.fault), { code: this.fault });
    if (this.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
    const written = Math.min(this.room, bytes.length);
    this.room -= written;
    this.text += Buffer.from(bytes.subarray(0, written)).toString('latin1');
    return written;
  };
}

function make(limit?: number): { target: Target; timers: FixedTimers; buffer: LineBuffer } {
  const target = new Target();
  const timers = new FixedTimers(new FixedClock());
  const notice = (dropped: number, cause: string): string => `lost ${dropped} ${cause}\n`;
  const buffer = new LineBuffer({ write: target.write, notice, timers, ...(limit === undefined ? {} : { limit }) });
  return { target, timers, buffer };
}

test('the lines of one event-loop turn leave in one call, in order', async () => {
  const { target, timers, buffer } = make();
  for (let line = 0; line < 100; line++) buffer.write(`${line}\n`);
  assert.equal(target.calls, 0);
  await settle();
  assert.equal(target.calls, 1);
  assert.deepEqual(target.text.split('\n').map(Number).slice(0, 100), [...Array(100).keys()]);
  await timers.advance(100);
  buffer.write('later\n');
  await settle();
  assert.match(target.text, /99\nlater\n$/);
});

test('lines that follow one that was just written are gathered for some milliseconds', async () => {
  const { target, timers, buffer } = make();
  buffer.write('first\n');
  await settle();
  for (let line = 0; line < 4; line++) {
    buffer.write(`${line}\n`);
    await timers.advance(1);
  }
  assert.equal(target.text, 'first\n');
  await timers.advance(4);
  assert.equal(target.text, 'first\n0\n1\n2\n3\n');
  assert.equal(target.calls, 2);
});

test('many lines do not wait for more', async () => {
  const { target, buffer } = make();
  buffer.write('first\n');
  await settle();
  for (let line = 0; line < 20; line++) buffer.write(`${'x'.repeat(999)}\n`);
  await settle();
  assert.equal(target.text.length, 6 + 20_000);
});

test('with a full pipe nothing is lost below the limit, and lines stay whole and in order', async () => {
  const { target, timers, buffer } = make();
  target.room = 7;
  buffer.write('first\n');
  buffer.write('second\n');
  await settle();
  assert.equal(target.text, 'first\ns');
  buffer.write('third\n');
  await timers.advance(1_000);
  assert.equal(target.text, 'first\ns');
  target.room = Number.POSITIVE_INFINITY;
  await timers.advance(1_000);
  assert.equal(target.text, 'first\nsecond\nthird\n');
  assert.equal(buffer.dropped, 0);
});

test('a full pipe is tried a few times a second, not all the time', async () => {
  const { target, timers, buffer } = make();
  target.room = 0;
  buffer.write('x\n');
  await timers.advance(10_000);
  assert.ok(target.calls > 50 && target.calls < 250, `${target.calls} calls in 10 s`);
});

test('above the limit lines are dropped and counted, and the count is told once there is room', async () => {
  const { target, timers, buffer } = make(20);
  target.room = 0;
  for (let line = 10; line < 40; line++) buffer.write(`line ${line}\n`);
  assert.equal(buffer.dropped, 28);
  await settle();
  buffer.write('one more\n');
  target.room = Number.POSITIVE_INFINITY;
  await timers.advance(100);
  assert.equal(target.text, 'line 10\nline 11\none more\nlost 28 EAGAIN\n');
  buffer.write('after\n');
  await settle();
  assert.match(target.text, /EAGAIN\nafter\n$/);
});

for (const fault of ['EPIPE', 'ENOSPC', 'EIO']) {
  test(`${fault} loses lines without throwing, and how many is told when writing works again`, async () => {
    const { target, timers, buffer } = make();
    target.fault = fault;
    buffer.write('a\n');
    buffer.write('b\n');
    await settle();
    buffer.write('c\n');
    await timers.advance(5_000);
    assert.equal(buffer.dropped, 3);
    target.fault = undefined;
    await timers.advance(1_000);
    assert.equal(target.text, `lost 3 ${fault}\n`);
    buffer.write('d\n');
    await timers.advance(10);
    assert.equal(target.text, `lost 3 ${fault}\nd\n`);
  });
}

test('a line that a fault cut in two is ended before the next one begins', async () => {
  const { target, timers, buffer } = make();
  target.room = 3;
  buffer.write('abcdef\n');
  await settle();
  target.fault = 'EIO';
  await timers.advance(100);
  target.fault = undefined;
  target.room = Number.POSITIVE_INFINITY;
  await timers.advance(2_000);
  assert.equal(target.text, 'abc\nlost 1 EIO\n');
});

test('a descriptor that takes nothing is no reason to turn in circles', async () => {
  let calls = 0;
  const write = (): number => {
    calls++;
    return 0;
  };
  const buffer = new LineBuffer({ write, notice: () => '', timers: new FixedTimers(new FixedClock()) });
  buffer.write('x\n');
  await settle();
  assert.equal(calls, 1);
});

test('flushNow writes what is buffered, also what a full pipe held up', () => {
  const { target, buffer } = make();
  buffer.write('end\n');
  buffer.flushNow();
  assert.equal(target.text, 'end\n');

  let refusals = 3;
  let text = '';
  const slow = new LineBuffer({
    notice: () => '',
    timers: new FixedTimers(new FixedClock()),
    write: bytes => {
      if (refusals-- > 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      text += Buffer.from(bytes).toString();
      return bytes.length;
    },
  });
  slow.write('late\n');
  slow.flushNow();
  assert.equal(text, 'late\n');
});

test('flushNow gives up on a pipe that nobody reads', () => {
  const { target, buffer } = make();
  target.room = 0;
  buffer.write('x\n');
  const start = performance.now();
  buffer.flushNow();
  assert.ok(performance.now() - start < 15_000);
  assert.equal(target.text, '');
});
