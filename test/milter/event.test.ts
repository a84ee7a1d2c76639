import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ConnectEvent, decodeConnect, decodeHeader, encodeConnect, Path } from '../../src/milter/event.ts';

const decode = (text: string): ConnectEvent => decodeConnect(Buffer.from(text, 'latin1'), 0, text.length);
const unknown = { family: 'unknown' };

test('CONNECT over IPv4 and IPv6 tells address and port', () => {
  assert.deepEqual(decode('mail.example.net\x004\xec\x58192.0.2.1\0'), {
    hostname: 'mail.example.net',
    peer: { family: 'ipv4', address: '192.0.2.1', port: 0xec58 },
  });
  assert.deepEqual(decode('[2001:db8::1]\x006\0\x192001:db8::1\0'), {
    hostname: '[2001:db8::1]',
    peer: { family: 'ipv6', address: '2001:db8::1', port: 25 },
  });
});

test("Sendmail's prefix IPv6: is taken off, whatever its case", () => {
  for (const prefix of ['IPv6:', 'ipv6:', 'IPV6:']) {
    assert.deepEqual(decode(`h\x006\0\x19${prefix}2001:db8::1\0`).peer, {
      family: 'ipv6',
      address: '2001:db8::1',
      port: 25,
    });
  }
});

test('CONNECT without an address is an unknown peer: U without rest, and U with one', () => {
  assert.deepEqual(decode('localhost\x00U'), { hostname: 'localhost', peer: unknown });
  assert.deepEqual(decode('localhost\x00U\0\0\0'), { hostname: 'localhost', peer: unknown });
});

test('CONNECT over a unix socket tells its path, which may be empty', () => {
  assert.deepEqual(decode('localhost\x00L\0\0/run/s\0').peer, { family: 'unix', path: '/run/s' });
  assert.deepEqual(decode('localhost\x00L\0\0\0').peer, { family: 'unix', path: '' });
});

test('what is cut short or of an unheard-of family is an unknown peer with the name that can be read', () => {
  assert.deepEqual(decode(''), { hostname: '', peer: unknown });
  assert.deepEqual(decode('host'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\0'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x004'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x004\0'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x004\0\x19'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x004\0\x19\0'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x006\0\x19IPv6:\0'), { hostname: 'host', peer: unknown });
  assert.deepEqual(decode('host\x00X\0\x19192.0.2.1\0'), { hostname: 'host', peer: unknown });
});

test('the last NUL may be missing, and nothing behind it is read', () => {
  const peer = { family: 'ipv4', address: '192.0.2.1', port: 25 };
  assert.deepEqual(decode('h\x004\0\x19192.0.2.1').peer, peer);
  assert.deepEqual(decode('h\x004\0\x19192.0.2.1\0junk\0').peer, peer);
});

test('CONNECT is read from its packet alone', () => {
  const bytes = Buffer.from('??h\x004\0\x19192.0.2.123\0', 'latin1');
  assert.deepEqual(decodeConnect(bytes, 2, 16).peer, { family: 'ipv4', address: '192.0.2.1', port: 25 });
  assert.deepEqual(decodeConnect(bytes, 2, 3), { hostname: 'h', peer: unknown });
});

test('any bytes are some CONNECT', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), bytes => {
      const { peer } = decodeConnect(Buffer.from(bytes), 0, bytes.length);
      assert.ok(['ipv4', 'ipv6', 'unix', 'unknown'].includes(peer.family));
    }),
  );
});

test('CONNECT as the client encodes it is read back', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const peer = fc.oneof(
    fc.record({ family: fc.constant('ipv4' as const), address: fc.ipV4(), port }),
    fc.record({ family: fc.constant('ipv6' as const), address: fc.ipV6(), port }),
    fc.record({ family: fc.constant('unix' as const), path: fc.string().filter(text => !text.includes('\0')) }),
    fc.constant({ family: 'unknown' as const }),
  );
  fc.assert(
    fc.property(peer, fc.domain(), (given, hostname) => {
      const bytes = encodeConnect({ hostname, peer: given });
      assert.deepEqual(decodeConnect(bytes, 0, bytes.length), { hostname, peer: { ...given } });
    }),
  );
});

test('a path is the address without one pair of brackets', () => {
  const address = (typed: string): string => new Path([typed]).address;
  assert.equal(address('<a@example.net>'), 'a@example.net');
  assert.equal(address('a@example.net'), 'a@example.net'); // as Postfix sends mail that did not come by SMTP
  assert.equal(address('<>'), '');
  assert.equal(address(''), '');
  assert.equal(address('<<a@example.net>>'), '<a@example.net>');
  assert.equal(address('<a@example.net'), '<a@example.net');
  assert.equal(address('>'), '>');
  assert.equal(new Path([]).address, '');
});

test('ESMTP arguments are found by their upper-case keyword; the typed ones stay', () => {
  const path = new Path(['<a@example.net>', 'SIZE=100', 'body=8BITMIME', 'SMTPUTF8', 'X=a=b']);
  assert.deepEqual(
    [...path.parameters],
    [
      ['SIZE', '100'],
      ['BODY', '8BITMIME'],
      ['SMTPUTF8', true],
      ['X', 'a=b'],
    ],
  );
  assert.deepEqual(path.argv, ['<a@example.net>', 'SIZE=100', 'body=8BITMIME', 'SMTPUTF8', 'X=a=b']);
});

test('a header is its name and its value, either of which may be missing', () => {
  const header = (text: string): unknown => decodeHeader(Buffer.from(text, 'latin1'), 0, text.length);
  assert.deepEqual(header('Subject\0hi\n there\0'), { name: 'Subject', value: 'hi\n there' });
  assert.deepEqual(header('X-Empty\0\0'), { name: 'X-Empty', value: '' });
  assert.deepEqual(header('X-Cut'), { name: 'X-Cut', value: '' });
  assert.deepEqual(header(''), { name: '', value: '' });
});
