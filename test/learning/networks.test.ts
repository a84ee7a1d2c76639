import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type NetworkRules, Networks } from '../../src/learning/networks.ts';
import { type Bench, benchOf, DAY, HOUR, SECOND, WatchedNotes } from './support.ts';

const network = '203.0.113.0/24';
const rules: NetworkRules = {
  autowhite: { triplets: 5, hours: 2, lifetime: 36 * DAY },
  pendingLimit: 100,
  retryWindow: 2 * DAY,
};

function mature(networks: Networks, name: string): void {
  networks.matured({ network, sender: `${name}@example.net`, recipient: 'b@example.org' });
}

/** Makes the network white. */
function prove({ clock }: Bench, networks: Networks): void {
  for (const name of ['a', 'b', 'c', 'd']) mature(networks, name);
  clock.advance(HOUR);
  mature(networks, 'e');
}

test('a network becomes white by its triplets, for itself only, and stays so over a restart', async () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  assert.ok(!networks.isWhite(network));
  prove(bench, networks);
  assert.ok(networks.isWhite(network));
  assert.ok(!networks.isWhite('198.51.100.0/24'));
  await bench.timers.advance(SECOND);
  assert.ok(new Networks(rules, bench.restarted()).isWhite(network));
});

test('use keeps it white beyond its lifetime, with one write an hour at most', async () => {
  const store = new WatchedNotes();
  const bench = benchOf(store);
  const networks = new Networks(rules, bench.parts);
  prove(bench, networks);
  await bench.timers.advance(SECOND);
  store.writes = [];
  for (let half = 0; half < 10; half++) {
    assert.ok(networks.isWhite(network));
    await bench.timers.advance(HOUR / 2);
  }
  assert.deepEqual(store.writes, [1, 1, 1, 1]);
  for (let month = 0; month < 3; month++) {
    await bench.timers.advance(30 * DAY);
    assert.ok(networks.isWhite(network));
  }
  await bench.timers.advance(37 * DAY);
  assert.ok(!networks.isWhite(network));
});

test('a look tells what is known and does not count as use', async () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  prove(bench, networks);
  assert.equal(networks.look(network).white, true);
  await bench.timers.advance(30 * DAY);
  networks.look(network);
  await bench.timers.advance(7 * DAY);
  assert.equal(networks.look(network).white, false);
});

test('what is revoked has to be earned again from the start', async () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  assert.equal(networks.revoke(network), false);
  prove(bench, networks);
  assert.equal(networks.revoke(network), true);
  assert.ok(!networks.isWhite(network));
  mature(networks, 'f');
  assert.ok(!networks.isWhite(network));
  await bench.timers.advance(SECOND);
  assert.ok(!new Networks(rules, bench.restarted()).isWhite(network));
});

test('without autowhite nobody is white', () => {
  const bench = benchOf();
  const networks = new Networks({ ...rules, autowhite: undefined }, bench.parts);
  prove(bench, networks);
  assert.ok(!networks.isWhite(network));
});

test('a network is full with as many triplets as the limit says, and has room again when they have expired', () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  for (let count = 0; count < 100; count++) {
    assert.ok(!networks.isFull(network), `with ${count}`);
    networks.arrived(network);
  }
  assert.ok(networks.isFull(network));
  assert.ok(!networks.isFull('198.51.100.0/24'));
  bench.clock.advance(2 * DAY + HOUR);
  assert.ok(!networks.isFull(network));
});

test('one triplet that matures is enough: the network is never full again while that counts', () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  for (let count = 0; count < 500; count++) networks.arrived(network);
  assert.ok(networks.isFull(network));
  mature(networks, 'a');
  assert.ok(!networks.isFull(network));
  networks.revoke(network);
  assert.ok(networks.isFull(network), 'a network on a blocklist has no merit');
});

test('the limit survives a restart', async () => {
  const bench = benchOf();
  const networks = new Networks(rules, bench.parts);
  for (let count = 0; count < 104; count++) networks.arrived(network);
  await bench.timers.advance(SECOND);
  const again = new Networks(rules, bench.restarted());
  assert.ok(again.isFull(network));
});

test('few new triplets write nothing down', async () => {
  const store = new WatchedNotes();
  const bench = benchOf(store);
  const networks = new Networks({ ...rules, pendingLimit: 5_000 }, bench.parts);
  for (let count = 0; count < 249; count++) networks.arrived(`10.${count}.0.0/24`);
  for (let count = 0; count < 249; count++) networks.arrived(network);
  await bench.timers.advance(SECOND);
  assert.deepEqual(store.writes, []);
  networks.arrived(network);
  await bench.timers.advance(SECOND);
  assert.deepEqual(store.writes, [1]);
});

test('without a limit nobody is full', () => {
  const networks = new Networks({ ...rules, pendingLimit: 0 }, benchOf().parts);
  for (let count = 0; count < 10_000; count++) networks.arrived(network);
  assert.ok(!networks.isFull(network));
});

test('after any events, one that lists it revokes, and two silent windows make room', () => {
  const event = fc.oneof(
    fc.record({ what: fc.constant('mature' as const), name: fc.nat(9) }),
    fc.record({ what: fc.constantFrom('arrive' as const, 'revoke' as const, 'use' as const), name: fc.nat(0) }),
    fc.record({ what: fc.constant('pass' as const), name: fc.integer({ min: -HOUR, max: 3 * DAY }) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), sequence => {
      const { clock, parts } = benchOf();
      const networks = new Networks({ ...rules, pendingLimit: 3 }, parts);
      for (const { what, name } of sequence) {
        if (what === 'mature') mature(networks, String(name));
        if (what === 'arrive') networks.arrived(network);
        if (what === 'revoke') {
          networks.revoke(network);
          assert.ok(!networks.isWhite(network));
        }
        if (what === 'use') networks.isWhite(network);
        if (what === 'pass') clock.step(name);
      }
      clock.step(4 * DAY);
      assert.ok(!networks.isFull(network));
      networks.revoke(network);
      assert.ok(!networks.isWhite(network));
    }),
  );
});
