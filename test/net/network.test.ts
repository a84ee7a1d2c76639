import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, parseAddress } from '../../src/net/address.ts';
import { contains, NetworkError, networkOf, parseNetwork } from '../../src/net/network.ts';

const accepted: readonly (readonly [text: string, canonical: string])[] = [
  ['203.0.113.7', '203.0.113.7/32'],
  ['203.0.113.0/24', '203.0.113.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['203.0.113.6/31', '203.0.113.6/31'],
  ['192.168.2.*', '192.168.2.0/24'],
  ['192.168.*', '192.168.0.0/16'],
  ['10.*', '10.0.0.0/8'],
  ['10.*.*.*', '10.0.0.0/8'],
  ['2001:db8::1', '2001:db8::1/128'],
  ['2001:DB8::/32', '2001:db8::/32'],
  ['[2001:db8::]/33', '2001:db8::/33'],
  ['::/0', '::/0'],
  ['::ffff:203.0.113.0/120', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.7/32'],
];

for (const [text, canonical] of accepted) {
  test(`${text} is the network ${canonical}`, () => assert.equal(parseNetwork(text).text, canonical));
}

const refused: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /expected an address/],
  ['example.org', /expected an address/],
  ['10/8', /expected an address/],
  ['010.0.0.0/8', /expected an address/],
  ['10.0.0.0/8/8', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/33', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/08', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/-1', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/1e1', /expected a prefix length from 0 to 32/],
  ['10.0.0.0/255.0.0.0', /expected a prefix length from 0 to 32/],
  ['2001:db8::/129', /expected a prefix length from 0 to 128/],
  ['::ffff:10.0.0.0/95', /expected a prefix length from 96 to 128/],
  ['203.0.113.7/24', /first 24: the network of that length is 203\.0\.113\.0\/24, the address alone 203\.0\.113\.7$/],
  ['2001:db8::1/64', /first 64: the network of that length is 2001:db8::\/64, the address alone 2001:db8::1$/],
  ['::ffff:203.0.113.7/120', /the network of that length is 203\.0\.113\.0\/24/],
  ['*', /every address: write 0\.0\.0\.0\/0/],
  ['*.*.*.*', /every address/],
  ['192.168.2*', /whole trailing parts/],
  ['10.*.3.4', /whole trailing parts/],
  ['10.*.*.*.*', /whole trailing parts/],
  ['10.1.2.3.*', /whole trailing parts/],
  ['300.*', /whole trailing parts/],
  ['10.*/8', /whole trailing parts/],
  ['2001:db8:*', /whole trailing parts/],
];

for (const [text, message] of refused) {
  test(`${JSON.stringify(text)} is refused and the message says what to write`, () => {
    assert.throws(
      () => parseNetwork(text),
      (error: unknown) => error instanceof NetworkError && message.test(error.message),
    );
  });
}

test('an address is cut to its network', () => {
  assert.equal(networkOf(parseAddress('203.0.113.135')!, 24).text, '203.0.113.0/24');
  assert.equal(networkOf(parseAddress('203.0.113.135')!, 25).text, '203.0.113.128/25');
  assert.equal(networkOf(parseAddress('203.0.113.135')!, 32).text, '203.0.113.135/32');
  assert.equal(networkOf(parseAddress('2001:db8:1:2:3:4:5:6')!, 64).text, '2001:db8:1:2::/64');
  assert.equal(networkOf(parseAddress('2001:db8:1:2:3:4:5:6')!, 0).text, '::/0');
});

test('a prefix longer than the address is a mistake of the program', () => {
  for (const prefix of [33, -1, 1.5]) assert.throws(() => networkOf(parseAddress('203.0.113.7')!, prefix), RangeError);
});

const bits = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('');

test('a network holds exactly the addresses of its family that begin with its bits', () => {
  const bytes = fc.constantFrom(4, 16).chain(length => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(bytes, bytes, fc.nat(128), fc.nat(128), (first, second, prefix, shared) => {
      const base = addressOf(first);
      const length = Math.min(prefix, base.bytes.length * 8);
      const network = networkOf(base, length);
      const joined = bits(base.bytes).slice(0, shared) + bits(second).slice(shared);
      const near = Uint8Array.from(
        base.bytes,
        (_, index) => Number.parseInt(joined.slice(index * 8, index * 8 + 8), 2) || 0,
      );
      for (const other of [addressOf(second), addressOf(near), base]) {
        const expected =
          other.family === base.family && bits(other.bytes).startsWith(bits(base.bytes).slice(0, length));
        assert.equal(contains(network, other), expected);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the text of a network is read back as the same network', () => {
  const bytes = fc.constantFrom(4, 16).chain(length => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(bytes, fc.nat(128), (given, prefix) => {
      const address = addressOf(given);
      const network = networkOf(address, Math.min(prefix, address.bytes.length * 8));
      assert.deepEqual(parseNetwork(network.text), network);
    }),
  );
});
