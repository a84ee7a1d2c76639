import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyFilter } from '../../src/learning/key-filter.ts';

test('a key that was added is never denied', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), keys => {
      const filter = new KeyFilter();
      for (const key of keys) filter.add(key);
      for (const key of keys) assert.ok(filter.mayHold(key));
    }),
    { numRuns: 30 },
  );
});

test('of networks that were not added hardly any is taken for one that was', () => {
  const filter = new KeyFilter();
  const name = (index: number): string => `${index >> 16}.${(index >> 8) & 255}.${index & 255}.0/24`;
  for (let index = 0; index < 100_000; index++) filter.add(name(index));
  let wrong = 0;
  for (let index = 0; index < 100_000; index++) if (filter.mayHold(name(3_000_000 + index))) wrong++;
  assert.ok(wrong < 100, `${wrong} of 100,000`);
});
