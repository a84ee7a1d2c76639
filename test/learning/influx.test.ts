import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { amount, grown, type Influx, influxFromJson, influxToJson } from '../../src/learning/influx.ts';
import { DAY, HOUR } from './support.ts';

const window = 2 * DAY;
const start = Date.UTC(2026, 10, 21);

/** The influx after triplets came at these times. */
function come(...times: readonly number[]): Influx | undefined {
  let influx: Influx | undefined;
  for (const at of times) influx = grown(influx, 1, start + at, window);
  return influx;
}

test('within one window it is their number', () => {
  assert.equal(amount(undefined, start, window), 0);
  assert.equal(amount(come(0, 1, 2, HOUR), start + HOUR, window), 4);
});

test('in the next window the earlier ones fade, and two windows later they are gone', () => {
  const influx = come(0, 1, 2, 3);
  assert.equal(amount(influx, start + window, window), 4);
  assert.equal(amount(influx, start + 1.5 * window, window), 2);
  assert.equal(amount(influx, start + 2 * window, window), 0);
});

test('after any triplets and clock steps it is never more than came, and nothing after two windows of silence', () => {
  const pauses = fc.array(fc.integer({ min: -DAY, max: 3 * DAY }), { maxLength: 50 });
  fc.assert(
    fc.property(pauses, sequence => {
      let influx: Influx | undefined;
      let now = start;
      let count = 0;
      for (const pause of sequence) {
        now += pause;
        influx = grown(influx, 1, now, window);
        count++;
        const estimate = amount(influx, now, window);
        assert.ok(estimate >= 1 && estimate <= count, `${estimate} of ${count}`);
        assert.deepEqual(influxFromJson(JSON.parse(JSON.stringify(influxToJson(influx)))), influx);
      }
      assert.equal(amount(influx, now + 2 * window, window), 0);
    }),
  );
});

test('what is no influx is read as none', () => {
  for (const value of [null, 1, {}, [], [1, 2], ['1', 2, 3]]) assert.equal(influxFromJson(value), undefined);
});
