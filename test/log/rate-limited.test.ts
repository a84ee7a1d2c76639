import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields, Logger } from '../../src/log/logger.ts';
import { RateLimited } from '../../src/log/rate-limited.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

function make(): { limited: RateLimited; timers: FixedTimers; lines: [string, string, Fields | undefined][] } {
  const lines: [string, string, Fields | undefined][] = [];
  const write =
    (level: string) =>
    (message: string, fields?: Fields): void =>
      void lines.push([level, message, fields]);
  const logger: Logger = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
  const timers = new FixedTimers(new FixedClock());
  return { limited: new RateLimited({ logger, timers }), timers, lines };
}

test('a cause is told at once, and then once a minute with a count while it goes on', async () => {
  const { limited, timers, lines } = make();
  limited.error('store', 'store failed', { file: 'a' });
  for (let strike = 1; strike <= 5; strike++) limited.error('store', `store failed again`, { file: `b${strike}` });
  assert.deepEqual(lines, [['error', 'store failed', { file: 'a' }]]);
  await timers.advance(59_999);
  assert.equal(lines.length, 1);
  await timers.advance(1);
  assert.deepEqual(lines[1], ['error', 'store failed again', { file: 'b5', count: 5 }]);
  await timers.advance(600_000);
  assert.equal(lines.length, 2);
  assert.equal(timers.size, 0);
});

test('a cause that rested for a minute is told at once again', async () => {
  const { limited, timers, lines } = make();
  limited.warn('dns', 'no answer');
  await timers.advance(60_000);
  limited.warn('dns', 'no answer');
  assert.deepEqual(lines, [
    ['warn', 'no answer', undefined],
    ['warn', 'no answer', undefined],
  ]);
});

test('causes do not hide each other', () => {
  const { limited, lines } = make();
  limited.warn('dns', 'a');
  limited.error('store', 'b');
  limited.warn('list', 'c');
  assert.deepEqual(
    lines.map(([, message]) => message),
    ['a', 'b', 'c'],
  );
});

test('endlessly many causes take neither endless lines nor endless memory', () => {
  const { limited, timers, lines } = make();
  for (let cause = 0; cause < 100_000; cause++) limited.warn(`cause ${cause}`, 'x');
  assert.ok(lines.length <= 201, `${lines.length} lines`);
  assert.ok(timers.size <= 201, `${timers.size} timers`);
});

test('at the end what is left is said, and no timer waits any more', async () => {
  const { limited, timers, lines } = make();
  limited.warn('dns', 'no answer');
  limited.error('store', 'store failed');
  limited.error('store', 'store failed');
  limited.close();
  assert.deepEqual(lines.slice(2), [['error', 'store failed', { count: 1 }]]);
  assert.equal(timers.size, 0);
});
