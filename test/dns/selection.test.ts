import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomSource } from '../../src/dns/random.ts';
import { orderServers } from '../../src/dns/selection.ts';

const servers = [
  { name: 'a', roundTrip: 30 },
  { name: 'b', roundTrip: 5 },
  { name: 'c', roundTrip: 90 },
];

function every16Bits(): RandomSource {
  let next = 0;
  return new RandomSource(into => {
    for (const i of into.keys()) into[i] = next++ & 0xffff;
  });
}

test('the fastest server comes first, and the slowest in 2 % of the look-ups', () => {
  const random = every16Bits();
  const orders = new Map<string, number>();
  for (let i = 0; i < 0x10000; i++) {
    const order = orderServers(servers, random)
      .map(server => server.name)
      .join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.deepEqual(new Set(orders.keys()), new Set(['bac', 'cba']));
  assert.equal(Math.round(((orders.get('cba') ?? 0) / 0x10000) * 1_000), 20);
});

test('servers of equal speed keep their order, and a single one has no choice', () => {
  const equal = [{ roundTrip: 0 }, { roundTrip: 0 }];
  const random = every16Bits();
  for (let i = 0; i < 2_000; i++) random.uint16();
  assert.deepEqual(orderServers(equal, random), equal);
  const alone = [{ roundTrip: 1 }];
  assert.equal(orderServers(alone, random), alone);
});
