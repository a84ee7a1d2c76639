import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlineError, within } from '../../src/policy/deadline.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { never } from './support.ts';

test('a promise that settles in time settles as it would, and its timer is gone', async () => {
  const timers = new FixedTimers(new FixedClock());
  assert.equal(await within(Promise.resolve(7), 100, timers), 7);
  await assert.rejects(within(Promise.reject(new Error('no')), 100, timers), /^Error: no$/);
  assert.equal(timers.size, 0);
});

test('a promise that does not is given up on time, not before', async () => {
  const timers = new FixedTimers(new FixedClock());
  const outcomes: unknown[] = [];
  within(never(), 100, timers).catch((error: unknown) => outcomes.push(error));
  await timers.advance(99);
  assert.equal(outcomes.length, 0);
  await timers.advance(1);
  const [error] = outcomes;
  assert.ok(error instanceof DeadlineError);
  assert.equal(error.message, 'no answer within 100 ms');
});

test('a rejection after the deadline is dropped without becoming an unhandled one', async () => {
  const timers = new FixedTimers(new FixedClock());
  let fail: (error: Error) => void = () => {};
  const late = new Promise((_, reject) => {
    fail = reject;
  });
  const given = assert.rejects(within(late, 100, timers), DeadlineError);
  await timers.advance(100);
  await given;
  fail(new Error('late'));
  await timers.advance(0);
});
