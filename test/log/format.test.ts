import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isoTime } from '../../src/log/format.ts';

test('times are written as Date writes them, in whatever order they come', () => {
  const moment = fc.integer({ min: -2_000, max: 4_000 }).map(offset => Date.UTC(2026, 10, 21) + offset);
  const anyMoment = fc.integer({ min: -62_000_000_000_000, max: 8_640_000_000_000_000 });
  fc.assert(
    fc.property(fc.array(fc.oneof(moment, anyMoment)), times => {
      for (const time of times) assert.equal(isoTime(time), new Date(time).toISOString());
    }),
  );
});
