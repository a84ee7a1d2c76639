import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../src/milter/turns.ts';
import { settle } from '../support/fixed-timers.ts';

test('of those that line up a few go in each round, in order', async () => {
  const turns = new Turns();
  const gone: number[] = [];
  for (let number = 0; number < 20; number++) turns.lineUp(() => void gone.push(number));
  assert.deepEqual(gone, []);
  for (const count of [8, 16, 20, 20]) {
    await settle();
    assert.deepEqual(
      gone,
      Array.from({ length: count }, (_, number) => number),
    );
  }
});

test('who lines up again goes behind the others, and rounds stay short', async () => {
  const turns = new Turns();
  const gone: string[] = [];
  const again = (name: string, times: number): void => {
    gone.push(name);
    if (times > 1) turns.lineUp(() => again(name, times - 1));
  };
  for (const name of ['greedy', ...'bcdefghi']) turns.lineUp(() => again(name, name === 'greedy' ? 3 : 1));
  await settle();
  assert.deepEqual(gone, ['greedy', ...'bcdefgh']);
  await settle();
  assert.deepEqual(gone.slice(8), ['i', 'greedy']);
  await settle();
  assert.deepEqual(gone.slice(10), ['greedy']);
  for (let round = 0; round < 3; round++) await settle();
  assert.equal(gone.length, 11);
});

test('when the last has gone, the next to come is served as well', async () => {
  const turns = new Turns();
  let gone = 0;
  for (let round = 1; round <= 3; round++) {
    turns.lineUp(() => {
      gone += 1;
    });
    await settle();
    assert.equal(gone, round);
  }
});
