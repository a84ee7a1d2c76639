import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimited } from '../../src/log/rate-limited.ts';
import { DeadlineError } from '../../src/policy/deadline.ts';
import { Faults } from '../../src/policy/faults.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

function setUp(): { faults: Faults; lines: string[]; timers: FixedTimers } {
  const timers = new FixedTimers(new FixedClock());
  const lines: string[] = [];
  const quiet = (): void => {};
  const logger = {
    error: (message: string, fields = {}) => lines.push(`${message} ${JSON.stringify(fields)}`),
    warn: quiet,
    info: quiet,
    debug: quiet,
  };
  return { faults: new Faults(new RateLimited({ logger, timers })), lines, timers };
}

test('a cause is logged at once and then once a minute with how often it struck', async () => {
  const { faults, lines, timers } = setUp();
  for (let strike = 0; strike < 1000; strike++) faults.report('dnsbl', 'no-word', new DeadlineError('no answer'));
  assert.deepEqual(lines, [
    'check dnsbl did not answer in time {"check":"dnsbl","effect":"no-word","error":"no answer"}',
  ]);
  await timers.advance(60_000);
  assert.equal(lines.length, 2);
  assert.match(lines[1]!, /"count":999/);
  await timers.advance(600_000);
  assert.equal(lines.length, 2);
});

test('other checks, other kinds of error and other effects are causes of their own', () => {
  const { faults, lines } = setUp();
  faults.report('dnsbl', 'no-word', new Error('one'));
  faults.report('dnsbl', 'no-word', new Error('one, of another client'));
  faults.report('spf', 'no-word', new Error('one'));
  faults.report('dnsbl', 'no-word', new DeadlineError('late'));
  faults.report('dnsbl', 'no-headers', new Error('one'));
  faults.report('dnsbl', 'no-word', Object.assign(new Error('full'), { code: 'ENOSPC' }));
  faults.report('dnsbl', 'no-word', 'a string');
  assert.equal(lines.length, 6);
});

test('every fault is counted, logged or not', () => {
  const { faults } = setUp();
  for (let strike = 0; strike < 3; strike++) faults.report('greylist', 'accepted', new Error('full'));
  faults.report('greylist', 'no-headers', new Error('x'));
  faults.report('dnsbl', 'no-word', undefined);
  assert.deepEqual(faults.counts(), [
    { check: 'greylist', effect: 'accepted', count: 3 },
    { check: 'greylist', effect: 'no-headers', count: 1 },
    { check: 'dnsbl', effect: 'no-word', count: 1 },
  ]);
});

test('a mistake in the program is told with its place', () => {
  const { faults, lines } = setUp();
  faults.report('own', 'no-word', new TypeError('x is not a function'));
  assert.match(lines[0]!, /faults\.test\.ts/);
});
