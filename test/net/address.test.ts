import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, parseAddress } from '../../src/net/address.ts';

const accepted: readonly (readonly [text: string, family: 4 | 6, canonical: string])[] = [
  ['203.0.113.7', 4, '203.0.113.7'],
  ['0.0.0.0', 4, '0.0.0.0'],
  ['255.255.255.255', 4, '255.255.255.255'],
  ['[203.0.113.7]', 4, '203.0.113.7'],
  ['2001:db8::1', 6, '2001:db8::1'],
  ['2001:DB8:0:0:0:0:0:1', 6, '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', 6, '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', 6, '2001:0:0:1::1'],
  ['::', 6, '::'],
  ['::1', 6, '::1'],
  ['IPv6:2001:db8::1', 6, '2001:db8::1'],
  ['ipv6:::1', 6, '::1'],
  ['[IPv6:2001:db8::1]', 6, '2001:db8::1'],
  ['[2001:db8::1]', 6, '2001:db8::1'],
  ['::ffff:203.0.113.7', 4, '203.0.113.7'],
  ['::FFFF:cb00:7107', 4, '203.0.113.7'],
  ['IPv6:::ffff:203.0.113.7', 4, '203.0.113.7'],
  ['::203.0.113.7', 6, '::cb00:7107'],
  ['64:ff9b::203.0.113.7', 6, '64:ff9b::cb00:7107'],
];

for (const [text, family, canonical] of accepted) {
  test(`${text} is the IPv${family} address ${canonical}`, () => {
    const address = parseAddress(text);
    assert.equal(address?.family, family);
    assert.equal(address?.text, canonical);
    assert.equal(address?.bytes.length, family === 4 ? 4 : 16);
  });
}

const refused = [
  ...[
    '',
    ' ',
    'unknown',
    'localhost',
    '10',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.256',
    '1.2.3.4 ',
  ],
  ...['010.0.0.1', '1.2.3.04', '0x7f.0.0.1', '127.1', '2130706433', '1.2.3.4/24', '+1.2.3.4', '1.2.3.-4', '1.2.3.4\n'],
  ...['fe80::1%eth0', '::ffff:1.2.3.4%1', ':::', '1::2::3', 'g::', '2001:db8::1/64', '12345::', '1:2:3:4:5:6:7:8:9'],
  ...[
    'IPv6:203.0.113.7',
    'IPv4:203.0.113.7',
    'IPv6:',
    '[',
    '[]',
    '[203.0.113.7',
    '203.0.113.7]',
    '[[::1]]',
    'IPv6:[::1]',
  ],
  '١.2.3.4',
];

for (const text of refused) {
  test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseAddress(text), undefined));
}

test('plain dotted text is taken exactly where net.isIP says 4', () => {
  const piece = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '0', '00', '01', '255', '256', 'x', '-1', '1e1'));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 3, maxLength: 5 }), pieces => {
      const text = pieces.join('.');
      assert.equal(parseAddress(text) !== undefined, isIP(text) === 4);
    }),
    { numRuns: 2000 },
  );
});

test('every address survives the way to text and back', () => {
  const bytes = fc.constantFrom(4, 16).chain(length => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(bytes, given => {
      const address = addressOf(given);
      assert.deepEqual(parseAddress(address.text), address);
      assert.deepEqual([...address.bytes], [...given].slice(-address.bytes.length));
    }),
  );
});

test('the bytes of a mapped address are those of the IPv4 address', () => {
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 7);
  assert.deepEqual(addressOf(mapped), parseAddress('203.0.113.7'));
});
