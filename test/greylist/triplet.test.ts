import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tripletOf } from '../../src/greylist/triplet.ts';
import { type Address, addressOf, parseAddress } from '../../src/net/address.ts';

const prefixes = { prefix4: 24, prefix6: 64 };

function client(text: string): Address {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
}

test('the network is the address cut to its prefix, in canonical form', () => {
  const cases: readonly [address: string, prefix4: number, prefix6: number, network: string][] = [
    ['203.0.113.7', 24, 64, '203.0.113.0/24'],
    ['203.0.113.255', 25, 64, '203.0.113.128/25'],
    ['203.0.113.7', 32, 64, '203.0.113.7/32'],
    ['203.0.113.7', 0, 64, '0.0.0.0/0'],
    ['::ffff:203.0.113.7', 24, 64, '203.0.113.0/24'],
    ['2001:db8::17', 24, 64, '2001:db8::/64'],
    ['IPv6:2001:DB8:0:1:ffff::1', 24, 64, '2001:db8:0:1::/64'],
    ['2001:db8:0:1f::1', 24, 60, '2001:db8:0:10::/60'],
    ['2001:db8::17', 24, 128, '2001:db8::17/128'],
    ['2001:db8::17', 24, 0, '::/0'],
  ];
  for (const [address, prefix4, prefix6, network] of cases) {
    assert.equal(tripletOf(client(address), 'a', 'b', { prefix4, prefix6 }).network, network);
  }
});

test('two addresses share a network exactly if their leading bits are the same', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(4), bytes(4), fc.integer({ min: 0, max: 32 }), (one, other, prefix4) => {
      const bits = (from: Uint8Array): string => [...from].map(byte => byte.toString(2).padStart(8, '0')).join('');
      const [first, second] = [one, other].map(from => tripletOf(addressOf(from), '', '', { prefix4, prefix6: 64 }));
      const same = bits(one).slice(0, prefix4) === bits(other).slice(0, prefix4);
      assert.equal(first?.network === second?.network, same);
    }),
  );
});

test('parts are never mixed up', () => {
  const one = tripletOf(client('203.0.113.7'), 'A@x', 'b@x.', prefixes);
  assert.deepEqual(one, { network: '203.0.113.0/24', sender: 'a@x', recipient: 'b@x' });
});

test('senders are told apart by their key, or exactly if that is asked for', () => {
  const sender = (form: object) =>
    tripletOf(client('203.0.113.7'), 'List-4711+joe@X', 'b@x', { ...prefixes, ...form }).sender;
  assert.equal(sender({}), 'list-#@x');
  assert.equal(sender({ senderKey: 'normalized' }), 'list-#@x');
  assert.equal(sender({ senderKey: 'exact' }), 'list-4711+joe@x');
});
