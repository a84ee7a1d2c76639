import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedClock } from './fixed-clock.ts';

test('time stands still until it is moved', () => {
  const clock = new FixedClock(5_000, 70);
  assert.deepEqual([clock.now(), clock.monotonic()], [5_000, 70]);
  clock.advance(30);
  assert.deepEqual([clock.now(), clock.monotonic()], [5_030, 100]);
});

test('only the wall clock steps, and only it goes back', () => {
  const clock = new FixedClock(5_000, 70);
  clock.step(-4_000);
  assert.deepEqual([clock.now(), clock.monotonic()], [1_000, 70]);
  assert.throws(() => clock.advance(-1), RangeError);
});
