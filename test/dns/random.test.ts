import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomSource, systemRandom } from '../../src/dns/random.ts';

test('numbers come in the order of the source, a block at a time', () => {
  let drawn = 0;
  const source = new RandomSource(into => {
    for (const i of into.keys()) into[i] = drawn++;
  });
  const numbers = Array.from({ length: 3_000 }, () => source.uint16());
  assert.deepEqual(numbers, [...new Array(3_000).keys()]);
  assert.ok(source.below(8) === 3_000 % 8);
});

test('the real source covers all sixteen bits evenly', () => {
  const source = new RandomSource(systemRandom);
  const buckets = new Array<number>(16).fill(0);
  const draws = 64_000;
  for (let i = 0; i < draws; i++) buckets[source.uint16() >> 12]!++;
  for (const count of buckets) assert.ok(Math.abs(count - draws / 16) < 400, buckets.join(' ')); // 6.5 sigma
});
