import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alarm } from '../../src/dns/alarm.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

function setUp(): { clock: FixedClock; timers: FixedTimers; alarm: Alarm; rings: number[] } {
  const clock = new FixedClock(0, 0);
  const timers = new FixedTimers(clock);
  const rings: number[] = [];
  return { clock, timers, rings, alarm: new Alarm(clock, timers, () => rings.push(clock.monotonic())) };
}

test('it rings once, when due', async () => {
  const { timers, alarm, rings } = setUp();
  alarm.set(250);
  await timers.advance(249);
  assert.deepEqual(rings, []);
  await timers.advance(1_000);
  assert.deepEqual(rings, [250]);
  assert.equal(timers.size, 0);
});

test('setting it again replaces the time, clearing it takes it away', async () => {
  const { timers, alarm, rings } = setUp();
  alarm.set(100);
  alarm.set(300);
  await timers.advance(299);
  assert.deepEqual(rings, []);
  await timers.advance(1);
  assert.deepEqual(rings, [300]);
  alarm.set(400);
  alarm.clear();
  await timers.advance(1_000);
  assert.deepEqual(rings, [300]);
});

test('after a stall it waits once for what is still to be read', async () => {
  const { clock, timers, alarm, rings } = setUp();
  alarm.set(250);
  clock.advance(400); // the loop is blocked: time goes by and no timer runs
  await timers.advance(0);
  assert.deepEqual(rings, []);
  await timers.advance(49);
  assert.deepEqual(rings, []);
  clock.advance(100); // even if it is blocked again
  await timers.advance(0);
  assert.deepEqual(rings, [549]);
});

test('a little late is on time', async () => {
  const { clock, timers, alarm, rings } = setUp();
  alarm.set(250);
  clock.advance(268);
  await timers.advance(0);
  assert.deepEqual(rings, []); // but the loop has a turn first: replies may have come while it stood
  await timers.advance(1);
  assert.deepEqual(rings, [269]);
});

test('a timer that was started from an old idea of the time does not ring early', async () => {
  const clock = new FixedClock(0, 0);
  const timers = new FixedTimers(clock);
  const rings: number[] = [];
  let hurry = 100; // the first timer counts from 100 ms ago
  const early = {
    after: (milliseconds: number, run: () => void): (() => void) => {
      const cancel = timers.after(milliseconds - hurry, run);
      hurry = 0;
      return cancel;
    },
  };
  new Alarm(clock, early, () => rings.push(clock.monotonic())).set(250);
  await timers.advance(1_000);
  assert.deepEqual(rings, [250]);
});
