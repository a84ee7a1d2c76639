import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reversedLabels } from '../../src/dnsbl/query-name.ts';
import { address } from './support.ts';

test('IPv4 is its octets reversed', () => {
  assert.equal(reversedLabels(address('203.0.113.7')), '7.113.0.203');
});

test('IPv6 is its 32 nibbles reversed, as the example of RFC 5782 §2.4 has it', () => {
  assert.equal(
    reversedLabels(address('2001:db8:1:2:3:4:567:89ab')),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2',
  );
});

test('an IPv4-mapped address is asked as IPv4', () => {
  assert.equal(reversedLabels(address('::ffff:203.0.113.7')), '7.113.0.203');
});

test('the labels read backwards are the address', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const nibbles = reversedLabels({ family: 6, bytes }).split('.').reverse().join('');
      assert.equal(nibbles, Buffer.from(bytes).toString('hex'));
    }),
  );
});
