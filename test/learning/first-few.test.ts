import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirstFew } from '../../src/learning/first-few.ts';

test('it counts each network from one, and anew after the window', () => {
  const few = new FirstFew(1_000);
  assert.deepEqual([few.add('a', 5), few.add('a', 6), few.add('b', 7), few.add('a', 1_004)], [1, 2, 1, 3]);
  assert.deepEqual([few.add('a', 1_005), few.add('b', 1_006)], [1, 1]);
});

test('networks that share a place are seldom many: of 10,000 with one each none is taken for ten', () => {
  const few = new FirstFew(1_000);
  let most = 0;
  for (let index = 0; index < 10_000; index++)
    most = Math.max(most, few.add(`10.${index >> 8}.${index & 255}.0/24`, 0));
  assert.ok(most < 10, `${most}`);
});
