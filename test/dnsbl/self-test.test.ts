import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/dns/resolver.ts';
import { judge, runSelfTest, testEntries } from '../../src/dnsbl/self-test.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { failed, HandResolver, nodata, nxdomain, records } from './support.ts';

const listed = records('127.0.0.2');

function verdict(first: Answer, second: Answer): string {
  const result = judge([first, second], 4);
  return result.verdict === 'good' ? 'good' : `${result.verdict} ${result.cause}`;
}

test('the entries are those of RFC 5782 §5', () => {
  assert.equal(testEntries[4].listed.labels, '2.0.0.127');
  assert.equal(testEntries[4].unlisted.labels, '1.0.0.127');
  assert.equal(testEntries[6].listed.labels, `2.0.0.0.0.0.f.7.f.f.f.f${'.0'.repeat(20)}`);
  assert.equal(testEntries[6].unlisted.labels, `1.0.0.0.0.0.f.7.f.f.f.f${'.0'.repeat(20)}`);
});

test('what both answers mean', () => {
  const cases: readonly (readonly [first: Answer, second: Answer, verdict: string])[] = [
    [listed, nxdomain, 'good'],
    [listed, nodata, 'good'],
    [records('127.0.0.2', '127.0.0.4', '127.0.0.10'), nxdomain, 'good'],
    [listed, listed, 'bad lists-the-world'],
    [nxdomain, listed, 'bad lists-the-world'],
    [nxdomain, nxdomain, 'bad blind'],
    [nodata, nxdomain, 'bad blind'],
    [records('127.255.255.254'), records('127.255.255.254'), 'bad error-answer'],
    [listed, records('127.255.255.255'), 'bad error-answer'],
    [records('127.0.0.1'), records('127.0.0.1'), 'bad refusal'],
    [records('192.0.2.80'), records('192.0.2.80'), 'bad foreign-answer'],
    [{ ...nxdomain, soaOwner: 'test' }, { ...nxdomain, soaOwner: 'test' }, 'bad zone-gone'],
    [{ ...nodata, cname: true }, nxdomain, 'bad alias'],
    [failed('timeout'), failed('timeout'), 'unsure timeout'],
    [failed('servfail'), nxdomain, 'unsure servfail'],
    [listed, failed('timeout'), 'unsure timeout'],
    [failed('timeout'), listed, 'bad lists-the-world'],
    [records('nonsense'), nxdomain, 'unsure malformed'],
  ];
  for (const [first, second, expected] of cases)
    assert.equal(verdict(first, second), expected, `${JSON.stringify(first)} and ${JSON.stringify(second)}`);
});

test('a resolver that strips 127/8 is told from an empty zone', () => {
  const stripped = judge([nodata, nxdomain], 4);
  const empty = judge([nxdomain, nxdomain], 4);
  assert.ok(stripped.verdict !== 'good' && empty.verdict !== 'good');
  assert.match(stripped.detail, /strips answers in 127\.0\.0\.0\/8/);
  assert.match(empty.detail, /does not list its test entry 127\.0\.0\.2/);
});

test('a filter does not matter: the list is tested, not what we make of it', async () => {
  const resolver = new FakeResolver('bl.test SOA\n2.0.0.127.bl.test A 127.0.0.2');
  const result = await runSelfTest(Zone.parse('bl.test=127.0.0.10'), 4, resolver, new AbortController().signal);
  assert.deepEqual(result, { verdict: 'good' });
});

test('both questions go past the cache', () => {
  const resolver = new HandResolver();
  void runSelfTest(Zone.parse('bl.test'), 6, resolver, new AbortController().signal);
  assert.deepEqual(
    resolver.open.map(({ name, options }) => [name, options.bypassCache]),
    [testEntries[6].listed, testEntries[6].unlisted].map(({ labels }) => [`${labels}.bl.test`, true]),
  );
});

test('a zone without test entries need not list 127.0.0.2, but must not list 127.0.0.1 either', async () => {
  const zone = Zone.parse({ zone: 'bl.test', selfTest: false });
  const ask = async (first: Answer, second: Answer): Promise<string> => {
    const resolver = new HandResolver(name => (name === '2.0.0.127.bl.test' ? first : second));
    const result = await runSelfTest(zone, 4, resolver, new AbortController().signal);
    return result.verdict === 'good' ? 'good' : `${result.verdict} ${result.cause}`;
  };
  assert.equal(await ask(nxdomain, nxdomain), 'good');
  assert.equal(await ask(listed, nxdomain), 'good');
  assert.equal(await ask(listed, listed), 'bad lists-the-world');
  assert.equal(await ask(nxdomain, listed), 'bad lists-the-world');
  assert.equal(await ask(failed('servfail'), nxdomain), 'unsure servfail');
  assert.equal(await ask(nxdomain, records('127.255.255.254')), 'bad error-answer');
});

test('no key is in what is told', async () => {
  const zone = Zone.parse('k3yk3yk3yk3y.zen.dq.spamhaus.net');
  const resolver = new HandResolver(name => ({ status: 'failed', cause: 'timeout', detail: `no answer for ${name}` }));
  const result = await runSelfTest(zone, 4, resolver, new AbortController().signal);
  assert.ok(result.verdict === 'unsure');
  assert.match(result.detail, /zen\.dq\.spamhaus\.net/);
  assert.ok(!result.detail.includes('k3y'), result.detail);
});
