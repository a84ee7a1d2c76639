import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicOperator, publicResolverWarning } from '../../src/dns/public-resolvers.ts';
import { formatServer, isLoopback, parseServer, systemServers } from '../../src/dns/servers.ts';

test('a server is an address with or without a port', () => {
  const cases: [string, string, number, 4 | 6][] = [
    ['192.0.2.1', '192.0.2.1', 53, 4],
    ['192.0.2.1:5353', '192.0.2.1', 5353, 4],
    ['2001:db8::1', '2001:db8::1', 53, 6],
    ['[2001:db8::1]', '2001:db8::1', 53, 6],
    ['[2001:db8::1]:65535', '2001:db8::1', 65_535, 6],
    ['::1', '::1', 53, 6],
    ['fe80::1%eth0', 'fe80::1%eth0', 53, 6],
  ];
  for (const [text, address, port, family] of cases) {
    const server = parseServer(text);
    assert.deepEqual(server, { address, port, family }, text);
    assert.deepEqual(parseServer(formatServer(server)), server);
  }
});

test('anything else is an error that names the value and what was expected', () => {
  const cases: [string, string][] = [
    ['', '"" is not an IP address'],
    ['localhost', '"localhost" is not an IP address'],
    ['010.0.0.1', '"010.0.0.1" is not an IP address'],
    ['192.0.2.1:', '"" is not a port'],
    ['192.0.2.1:0', '"0" is not a port'],
    ['192.0.2.1:65536', '"65536" is not a port'],
    ['192.0.2.1:53x', '"53x" is not a port'],
    ['192.0.2.1:5:3', 'too many colons'],
    ['2001:db8::1:53:', 'too many colons'],
    ['[192.0.2.1]:53', '"192.0.2.1" is not an IPv6 address'],
    ['[::1]53', 'not an IPv6 address'],
    ['[::1', 'not an IPv6 address'],
    [' 192.0.2.1', 'is not an IP address'],
  ];
  for (const [text, what] of cases) {
    assert.throws(
      () => parseServer(text),
      (error: Error) =>
        error.message.startsWith(`DNS server "${text}": `) &&
        error.message.includes(what) &&
        error.message.endsWith('expected ADDR, ADDR:PORT or [IPV6]:PORT'),
      text,
    );
  }
});

test('the system always names at least one server', () => {
  assert.ok(systemServers().length > 0);
});

test('loopback servers are told from others', () => {
  const texts = ['127.0.0.1', '127.0.0.53:53', '::1', '[::1]:5353', '192.0.2.1', '2001:db8::1'];
  assert.deepEqual(
    texts.map(text => isLoopback(parseServer(text))),
    [true, true, true, true, false, false],
  );
});

test('public resolvers are known however they are written', () => {
  const cases: [string, string | undefined][] = [
    ['8.8.8.8', 'Google Public DNS'],
    ['1.1.1.1:53', 'Cloudflare'],
    ['9.9.9.9', 'Quad9'],
    ['[2001:4860:4860:0:0:0:0:8888]:53', 'Google Public DNS'],
    ['2606:4700:4700:0::1111', 'Cloudflare'],
    ['127.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
  ];
  for (const [text, operator] of cases) assert.equal(publicOperator(parseServer(text)), operator, text);
  assert.match(
    publicResolverWarning(parseServer('8.8.4.4')) ?? '',
    /8\.8\.4\.4 is a public resolver \(Google Public DNS\)/,
  );
  assert.equal(publicResolverWarning(parseServer('192.0.2.1')), undefined);
});
