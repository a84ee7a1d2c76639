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

const pointers: readonly (readonly [what: string, ip: string, zone: string, certain: boolean])[] = [
  ['no PTR', '203.0.113.7', '', true],
  ['a PTR without data', '203.0.113.7', '7.113.0.203.in-addr.arpa NODATA', true],
  ['a PTR that fails', '203.0.113.7', '7.113.0.203.in-addr.arpa FAIL servfail', false],
  ['a PTR that leads back', '203.0.113.7', '7.113.0.203.in-addr.arpa PTR mx.example.net', false],
  [
    'a PTR that leads elsewhere',
    '203.0.113.7',
    '7.113.0.203.in-addr.arpa PTR forged.example.net nowhere.example.net',
    true,
  ],
  [
    'one of several PTRs that fails',
    '203.0.113.7',
    '7.113.0.203.in-addr.arpa PTR forged.example.net broken.example.net',
    false,
  ],
  [
    'more PTRs than are looked at',
    '203.0.113.7',
    '7.113.0.203.in-addr.arpa PTR a.example b.example c.example d.example e.example',
    false,
  ],
  ['a PTR that is no name', '203.0.113.7', '7.113.0.203.in-addr.arpa PTR -', true],
  ['IPv6 with a PTR', '2001:db8::7', `7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa PTR mx.example.net`, false],
  ['IPv6 without', '2001:db8::7', '', true],
];
for (const [what, ip, more, certain] of pointers) {
  test(`a client that the mail server gave no name for, ${what}: ${certain ? 'nameless' : 'it may have one'}`, async () => {
    const names = createClientNames(new FakeResolver(`${zone}\n${more}`));
    assert.equal(await names.isNameless(sessionOf({ ip, name: 'unknown' })), certain);
  });
}

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
