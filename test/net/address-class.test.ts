import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { addressOf, parseAddress } from '../../src/net/address.ts';
import { type AddressClass, classify, isLocal, mayLookUp } from '../../src/net/address-class.ts';

const members: Readonly<Record<AddressClass, readonly string[]>> = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.3.0',
    '223.255.255.255',
    '2a00::1',
  ],
  loopback: ['127.0.0.1', '127.255.255.255', '::1'],
  private: ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::1', 'febf:ffff::1'],
  'unique-local': ['fc00::', 'fdff:ffff::1'],
  'carrier-grade': ['100.64.0.0', '100.127.255.255'],
  documentation: ['192.0.2.1', '198.51.100.255', '203.0.113.7', '2001:db8::', '2001:db8:ffff::1'],
  translated: ['2002:cb00:7107::1', '2001:0:1::1', '64:ff9b::cb00:7107', '64:ff9b:1::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  reserved: [
    '0.0.0.0',
    '0.1.2.3',
    '192.0.0.1',
    '192.88.99.1',
    '198.18.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '100::1',
  ],
};

for (const [kind, addresses] of Object.entries(members)) {
  for (const text of addresses) {
    test(`${text} is ${kind}`, () => assert.equal(classify(parseAddress(text)!), kind));
  }
}

test('loopback, private, link-local and unique-local addresses are local, all others are not', () => {
  const local = new Set(['loopback', 'private', 'link-local', 'unique-local']);
  for (const [kind, addresses] of Object.entries(members)) {
    for (const text of addresses) assert.equal(isLocal(parseAddress(text)!), local.has(kind), text);
  }
});

test('only public and documentation addresses may be looked up', () => {
  for (const [kind, addresses] of Object.entries(members)) {
    const expected = kind === 'public' || kind === 'documentation';
    for (const text of addresses) assert.equal(mayLookUp(parseAddress(text)!), expected, text);
  }
});

test('an IPv4-mapped private address is private', () => assert.ok(isLocal(parseAddress('::ffff:10.1.2.3')!)));

test('ipaddr.js, which keeps a table of its own, agrees on what is public', () => {
  const start = fc.constantFrom(
    [],
    [0x20, 0x01],
    [0x20, 0x02],
    [0x26, 0x20],
    [0x3f, 0xff],
    [0xc0, 0x00],
    [0xc6],
    [0xcb, 0x00, 0x71],
  );
  const address = fc
    .tuple(start, fc.constantFrom(4, 16), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([head, length, rest]) => addressOf(Uint8Array.from([...head, ...rest].slice(0, length))));
  fc.assert(
    fc.property(address, given => {
      const range = ipaddr.fromByteArray([...given.bytes]).range();
      const documentation = classify(given) === 'documentation';
      if (documentation) assert.equal(range, 'reserved');
      // Outside 2000::/3 nothing is given out (RFC 4291 section 2.4), but ipaddr.js calls it unicast.
      else if (given.family === 4 || given.bytes[0]! >> 5 === 1)
        assert.equal(classify(given) === 'public', range === 'unicast');
      else assert.notEqual(classify(given), 'public');
    }),
    { numRuns: 5000 },
  );
});
