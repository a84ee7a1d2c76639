import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatListenAddress, parseListenAddress } from '../../src/milter/listen-address.ts';

test('a path is a unix socket, bare or behind unix: or local:', () => {
  for (const text of [
    '/run/greylist.sock',
    'unix:/run/greylist.sock',
    'local:/run/greylist.sock',
    'UNIX:/run/greylist.sock',
  ]) {
    assert.deepEqual(parseListenAddress(text), { kind: 'unix', path: '/run/greylist.sock' }, text);
  }
  assert.deepEqual(parseListenAddress('unix:run/s'), { kind: 'unix', path: 'run/s' });
  assert.deepEqual(parseListenAddress('/run/a:b@c'), { kind: 'unix', path: '/run/a:b@c' });
});

test("Sendmail's and Postfix's spellings of a TCP address are the same", () => {
  const expected = { kind: 'inet', host: '127.0.0.1', port: 8892 };
  for (const text of ['inet:8892@127.0.0.1', 'inet:127.0.0.1:8892', 'inet:8892', 'Inet:8892@[127.0.0.1]']) {
    assert.deepEqual(parseListenAddress(text), expected, text);
  }
  assert.deepEqual(parseListenAddress('inet:localhost:8892'), { kind: 'inet', host: 'localhost', port: 8892 });
  assert.deepEqual(parseListenAddress('inet:8892@mx.example.org'), {
    kind: 'inet',
    host: 'mx.example.org',
    port: 8892,
  });
});

test('an IPv6 address may stand in brackets, and must where a colon follows', () => {
  const expected = { kind: 'inet', host: '::1', port: 8892 };
  for (const text of [
    'inet6:8892@::1',
    'inet6:8892@[::1]',
    'inet6:[::1]:8892',
    'inet6:8892',
    'inet:8892@::1',
    'inet:[::1]:8892',
  ]) {
    assert.deepEqual(parseListenAddress(text), expected, text);
  }
  assert.throws(() => parseListenAddress('inet6:::1:8892'), /expected port@host or host:port/);
});

test('an inherited socket is a descriptor', () => {
  assert.deepEqual(parseListenAddress('fd:3'), { kind: 'fd', fd: 3 });
  for (const text of ['fd:', 'fd:x', 'fd:-1', 'fd:3x', 'fd: 3']) {
    assert.throws(() => parseListenAddress(text), /expected a descriptor number behind fd:/, text);
  }
});

test('what is no address is an error that names it and what was expected', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^AddressError: socket "": expected \/path, unix:\/path/],
    ['greylist.sock', /socket "greylist.sock": expected \/path/],
    ['8892', /socket "8892": expected \/path/],
    ['tcp:8892@127.0.0.1', /socket "tcp:8892@127.0.0.1": expected \/path/],
    ['unix:', /socket "unix:": expected the path of a socket/],
    ['/run/', /expected the path of a socket/],
    ['unix:/run/\0', /expected the path of a socket/],
    [`/run/${'x'.repeat(103)}`, /a socket's path has at most 107 bytes/],
    [`/run/${'ä'.repeat(52)}`, /a socket's path has at most 107 bytes/],
    ['inet:', /expected port@host or host:port behind inet:/],
    ['inet:127.0.0.1', /expected port@host or host:port/],
    ['inet:8892@', /expected port@host or host:port/],
    ['inet:@127.0.0.1', /expected port@host or host:port/],
    ['inet:127.0.0.1:', /expected port@host or host:port/],
    ['inet:x@127.0.0.1', /expected port@host or host:port/],
    ['inet:65536@127.0.0.1', /port 65536 is above 65535/],
    ['inet:127.0.0.1:99999', /port 99999 is above 65535/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseListenAddress(text),
      error => error instanceof Error && error.name === 'AddressError' && message.test(String(error)),
      text,
    );
  }
});

test('the longest path is taken', () => {
  assert.deepEqual(parseListenAddress(`/run/${'x'.repeat(102)}`), { kind: 'unix', path: `/run/${'x'.repeat(102)}` });
});

test("any address is read back from Sendmail's spelling", () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const address = fc.oneof(
    fc.record({ kind: fc.constant('inet' as const), host: fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port }),
    fc.record({ kind: fc.constant('fd' as const), fd: fc.nat(1_000) }),
    fc.record({ kind: fc.constant('unix' as const), path: fc.stringMatching(/^\/[a-z0-9@:._/-]{0,80}[a-z]$/) }),
  );
  fc.assert(
    fc.property(address, given => {
      assert.deepEqual(parseListenAddress(formatListenAddress(given)), { ...given });
    }),
  );
});
