import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Address, addressOf, parseAddress } from '../../src/net/address.ts';
import { contains, type Network, networkOf, parseNetwork } from '../../src/net/network.ts';
import { PrefixTable } from '../../src/net/prefix-table.ts';

function tableOf(...networks: readonly string[]): PrefixTable<string> {
  const table = new PrefixTable<string>();
  for (const network of networks) table.add(parseNetwork(network), network);
  return table;
}

const find = (table: PrefixTable<string>, address: string): string | undefined => table.find(parseAddress(address)!);

test('an empty table finds nothing', () => {
  assert.equal(find(tableOf(), '203.0.113.7'), undefined);
  assert.equal(find(tableOf(), '2001:db8::1'), undefined);
});

test('the longest network that holds the address is found, whatever the order of adding', () => {
  const networks = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '0.0.0.0/0'];
  for (const order of [networks, networks.toReversed()]) {
    const table = tableOf(...order);
    assert.equal(find(table, '10.1.2.3'), '10.1.2.3');
    assert.equal(find(table, '10.1.2.4'), '10.1.0.0/16');
    assert.equal(find(table, '10.2.0.0'), '10.0.0.0/8');
    assert.equal(find(table, '203.0.113.7'), '0.0.0.0/0');
  }
});

test('IPv4 and IPv6 are kept apart', () => {
  const table = tableOf('0.0.0.0/0', '2001:db8::/32');
  assert.equal(find(table, '::1'), undefined);
  assert.equal(find(tableOf('::/0'), '203.0.113.7'), undefined);
  assert.equal(find(tableOf('::/0'), '2001:db8::1'), '::/0');
});

test('an IPv6 network is found on both sides of the first 32 bits', () => {
  const table = tableOf('2001:d00::/24', '2001:db8::/32', '2001:db8:1::/48', '2001:db8:1:2::/64', '2001:db8:1:2::3');
  assert.equal(find(table, '2001:db8:1:2::3'), '2001:db8:1:2::3');
  assert.equal(find(table, '2001:db8:1:2::4'), '2001:db8:1:2::/64');
  assert.equal(find(table, '2001:db8:1:3::3'), '2001:db8:1::/48');
  assert.equal(find(table, '2001:db8:2::'), '2001:db8::/32');
  assert.equal(find(table, '2001:dff::'), '2001:d00::/24');
  assert.equal(find(table, '2001:e00::'), undefined);
});

test('a network that is added twice keeps its first payload and counts once', () => {
  const table = new PrefixTable<string>();
  table.add(parseNetwork('10.0.0.0/8'), 'first');
  table.add(parseNetwork('10.*'), 'second');
  table.add(parseNetwork('2001:db8::/64'), 'first');
  table.add(parseNetwork('2001:db8::/64'), 'second');
  assert.equal(find(table, '10.9.9.9'), 'first');
  assert.equal(find(table, '2001:db8::9'), 'first');
  assert.equal(table.size, 2);
});

/** What the table must say, found the slow way. */
function scan(networks: readonly Network[], address: Address): string | undefined {
  let best: Network | undefined;
  for (const network of networks) {
    if (contains(network, address) && network.prefix > (best?.prefix ?? -1)) best = network;
  }
  return best?.text;
}

test('it says the same as a linear scan', () => {
  // Few different bytes, so that networks nest and addresses hit.
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  const address = fc
    .constantFrom(4, 16)
    .chain(length => fc.array(byte, { minLength: length, maxLength: length }))
    .map(bytes => addressOf(Uint8Array.from(bytes)));
  const network = fc
    .tuple(address, fc.nat(128))
    .map(([base, prefix]) => networkOf(base, prefix % (base.bytes.length * 8 + 1)));
  fc.assert(
    fc.property(fc.array(network, { maxLength: 60 }), fc.array(address, { maxLength: 30 }), (networks, probes) => {
      const table = new PrefixTable<string>();
      for (const each of networks) table.add(each, each.text);
      assert.equal(table.size, new Set(networks.map(each => each.text)).size);
      for (const probe of [...probes, ...networks.map(each => each.base)]) {
        assert.equal(table.find(probe), scan(networks, probe));
      }
    }),
    { numRuns: 500 },
  );
});
