import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Listed, Roster } from '../../src/milter/roster.ts';

class Item implements Listed {
  place = -1;
}

const all = (roster: Roster<Item>): Set<Item> => {
  const seen: Item[] = [];
  roster.each(item => seen.push(item));
  assert.equal(new Set(seen).size, seen.length, 'nobody is visited twice');
  return new Set(seen);
};

test('a roster holds what a set would hold, whatever is added and deleted in whatever order', () => {
  const step = fc.record({ add: fc.boolean(), which: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step), steps => {
      const roster = new Roster<Item>();
      const items = Array.from({ length: 10 }, () => new Item());
      const model = new Set<Item>();
      for (const { add, which } of steps) {
        const item = items[which] as Item;
        if (add && !model.has(item)) {
          roster.add(item);
          model.add(item);
        } else if (!add) {
          roster.delete(item);
          model.delete(item);
        }
        assert.equal(roster.size, model.size);
        assert.deepEqual(all(roster), model);
      }
    }),
  );
});

test('who is visited may leave, and all others are visited all the same', () => {
  const roster = new Roster<Item>();
  const items = Array.from({ length: 7 }, () => new Item());
  for (const item of items) roster.add(item);
  const visited: Item[] = [];
  roster.each(item => {
    visited.push(item);
    if (items.indexOf(item) % 2 === 0) roster.delete(item);
  });
  assert.deepEqual(new Set(visited), new Set(items));
  assert.equal(roster.size, 3);
});
