import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientName, createClientNames } from '../../src/policy/client-name.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { atOnce, sessionOf } from './support.ts';

const zone = `
  mx.example.net     A     203.0.113.7 203.0.113.8
  mx.example.net     AAAA  2001:db8::7
  alias.example.net  CNAME mx.example.net
  forged.example.net A     198.51.100.1
  broken.example.net FAIL  servfail
`;

const cases: readonly (readonly [name: string, ip: string, expected: string])[] = [
  ['mx.example.net', '203.0.113.7', 'confirmed'],
  ['MX.Example.NET.', '203.0.113.8', 'confirmed'],
  ['mx.example.net', '2001:DB8:0::7', 'confirmed'],
  ['alias.example.net', '203.0.113.7', 'confirmed'],
  ['mx.example.net', '203.0.113.9', 'unconfirmed'],
  ['mx.example.net', '2001:db8::8', 'unconfirmed'],
  ['forged.example.net', '203.0.113.7', 'unconfirmed'],
  ['forged.example.net', '2001:db8::7', 'unconfirmed'],
  ['nowhere.example.net', '203.0.113.7', 'unconfirmed'],
  ['broken.example.net', '203.0.113.7', 'unknown'],
];

for (const [name, ip, expected] of cases) {
  test(`${ip} that goes by ${name} is ${expected}`, async () => {
    const names = createClientNames(new FakeResolver(zone));
    assert.equal(await names.standing(sessionOf({ ip, name })), expected);
  });
}

test('a client without a name or an address has none to confirm, and the DNS is not asked', () => {
  const resolver = new FakeResolver(zone);
  const names = createClientNames(resolver);
  for (const name of ['[203.0.113.7]', 'unknown', '203.0.113.7', '', 'a..b', '-x.example.net']) {
    assert.equal(clientName(sessionOf({ name })), undefined);
    assert.equal(atOnce(names.standing(sessionOf({ name }))), 'unconfirmed');
  }
  const nowhere = sessionOf({ address: undefined, name: 'mx.example.net' });
  assert.equal(atOnce(names.standing(nowhere)), 'unconfirmed');
  assert.deepEqual(resolver.queries, []);
});

test('a session is asked about once, and then there is no promise any more', async () => {
  const resolver = new FakeResolver(zone);
  const names = createClientNames(resolver);
  const session = sessionOf({ name: 'mx.example.net' });
  assert.deepEqual(await Promise.all([names.standing(session), names.standing(session)]), ['confirmed', 'confirmed']);
  assert.equal(atOnce(names.standing(session)), 'confirmed');
  assert.deepEqual(resolver.queries, ['A mx.example.net']);
});

test('what the cache knows comes without a promise', async () => {
  const resolver = new FakeResolver(zone, { cache: true });
  const names = createClientNames(resolver);
  await names.standing(sessionOf({ name: 'mx.example.net' }));
  assert.equal(atOnce(names.standing(sessionOf({ name: 'mx.example.net' }))), 'confirmed');
});

test('a resolver that rejects is a DNS that could not be asked', async () => {
  const names = createClientNames({ cached: () => undefined, resolve: () => Promise.reject(new Error('bug')) });
  assert.equal(await names.standing(sessionOf({ name: 'mx.example.net' })), 'unknown');
});
