/**
 * The stub resolver against servers that others wrote: rbldnsd alone (which knows no EDNS and no TCP), and behind unbound.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { systemRandom } from '../../src/dns/random.ts';
import type { RecordType, Resolver } from '../../src/dns/resolver.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import type { Owner } from '../support/temp-dir.ts';
import { rbldnsdMissing, startRbldnsd, testEntry } from './support/rbldnsd.ts';
import { startUnbound, unboundMissing } from './support/unbound.ts';

const both = [rbldnsdMissing, unboundMissing].filter(Boolean).join(', ') || false;
const zone = {
  ip4: [...testEntry.ip4, '203.0.113.0/24', '!203.0.113.9', '198.51.100.7 :127.0.0.4:exploited host $'],
  ip6: [...testEntry.ip6, '2001:db8:bad::/48'],
};
const listedV6 = `7.${'0.'.repeat(18)}0.d.a.b.0.8.b.d.0.1.0.0.2.bl.test`;

function asking(owner: Owner, ...ports: readonly number[]): { resolver: Resolver; lines: readonly string[] } {
  const { logger, lines } = recordingLogger();
  const servers = ports.map(port => ({ address: '127.0.0.1', family: 4 as const, port }));
  const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger });
  owner.after(() => resolver.close());
  return { resolver, lines };
}

async function records(resolver: Resolver, name: string, type: RecordType): Promise<readonly string[]> {
  const answer = await resolver.resolve(name, type);
  assert.ok(answer.status === 'records', JSON.stringify(answer));
  return answer.records;
}

test('rbldnsd: listings, texts, and the SOA of what is not listed', { skip: rbldnsdMissing }, async t => {
  const { port } = await startRbldnsd(t, { 'bl.test': zone });
  const { resolver, lines } = asking(t, port);
  assert.deepEqual(await records(resolver, '2.0.0.127.bl.test', 'A'), ['127.0.0.2']);
  assert.deepEqual(await records(resolver, '7.100.51.198.bl.test', 'A'), ['127.0.0.4']);
  assert.deepEqual(await records(resolver, '7.100.51.198.bl.test', 'TXT'), ['exploited host 198.51.100.7']);
  assert.deepEqual(await records(resolver, listedV6, 'A'), ['127.0.0.2']);
  const clear = await resolver.resolve('9.113.0.203.bl.test', 'A');
  assert.deepEqual(clear, { status: 'nxdomain', cname: false, soaOwner: 'bl.test', ttl: 60, age: 0, from: 'fresh' });
  const again = await resolver.resolve('9.113.0.203.bl.test', 'A');
  assert.ok(again.status === 'nxdomain' && again.from === 'cache');
  const noData = await resolver.resolve('2.0.0.127.bl.test', 'MX');
  assert.equal(noData.status, 'nodata');
  const foreign = await resolver.resolve('2.0.0.127.other.test', 'A');
  assert.ok(foreign.status === 'failed' && foreign.cause === 'refused', JSON.stringify(foreign));
  assert.deepEqual(lines, []);
});

test('rbldnsd: thousands of different questions at once all get their own answer', {
  skip: rbldnsdMissing,
}, async t => {
  const { port } = await startRbldnsd(t, { 'bl.test': zone });
  const { resolver, lines } = asking(t, port);
  const asked = Array.from({ length: 20_000 }, (_, i) => ({ last: i % 256, third: i % 3, second: (i >> 8) % 256 }));
  const batch = 500;
  for (let from = 0; from < asked.length; from += batch) {
    await Promise.all(
      asked.slice(from, from + batch).map(async ({ last, third, second }) => {
        const listed = third === 0 && second === 0 && last !== 9;
        const reversed = third === 0 && second === 0 ? `${last}.113.0.203` : `${last}.${second}.${third}.10`;
        const answer = await resolver.resolve(`${reversed}.bl.test`, 'A');
        assert.equal(answer.status, listed ? 'records' : 'nxdomain', `${reversed}: ${JSON.stringify(answer)}`);
      }),
    );
  }
  assert.deepEqual(lines, []);
});

test('unbound: recursion, all record types, and an answer that only fits TCP', { skip: both }, async t => {
  const lists = await startRbldnsd(t, { 'bl.test': zone });
  const { port } = await startUnbound(t, {
    zones: { 'bl.test': lists.port },
    records: [
      'mail.example.net. 60 A 203.0.113.7',
      'mail.example.net. 60 AAAA 2001:db8::7',
      'example.net. 60 MX 10 mail.example.net.',
      'example.net. 60 TXT "v=spf1 ip4:203.0.113.7 -all"',
      '7.113.0.203.in-addr.arpa. 60 PTR mail.example.net.',
      ...Array.from({ length: 60 }, (_, i) => `many.example.net. 60 A 127.1.0.${i}`),
      ...Array.from({ length: 90 }, (_, i) => `flood.example.net. 60 A 127.2.0.${i}`),
      ...Array.from({ length: 12 }, (_, i) => `long.example.net. 60 TXT "${i} ${'x'.repeat(200)}"`),
    ],
  });
  const { resolver, lines } = asking(t, port);
  assert.deepEqual(await records(resolver, '7.113.0.203.bl.test', 'A'), ['127.0.0.2']);
  const clear = await resolver.resolve('9.113.0.203.bl.test', 'A');
  assert.ok(clear.status === 'nxdomain' && clear.soaOwner === 'bl.test', JSON.stringify(clear));
  assert.deepEqual(await records(resolver, 'mail.example.net', 'A'), ['203.0.113.7']);
  assert.deepEqual(await records(resolver, 'mail.example.net', 'AAAA'), ['2001:db8::7']);
  assert.deepEqual(await records(resolver, 'example.net', 'MX'), ['10 mail.example.net']);
  assert.deepEqual(await records(resolver, 'example.net', 'TXT'), ['v=spf1 ip4:203.0.113.7 -all']);
  assert.deepEqual(await records(resolver, '7.113.0.203.in-addr.arpa', 'PTR'), ['mail.example.net']);
  assert.equal((await records(resolver, 'many.example.net', 'A')).length, 60, 'fits a datagram');
  assert.equal((await records(resolver, 'long.example.net', 'TXT')).length, 12, 'needs TCP');
  const flood = await resolver.resolve('flood.example.net', 'A');
  assert.ok(flood.status === 'failed' && flood.cause === 'malformed', 'more than 64 records are refused, over TCP too');
  assert.equal((await resolver.resolve('www.example.com', 'A')).status, 'nxdomain');
  assert.deepEqual(lines, []);
});

test('a server that is stopped is passed over for the next one', {
  skip: both,
}, async t => {
  const lists = await startRbldnsd(t, { 'bl.test': zone });
  const unbound = await startUnbound(t, { zones: { 'bl.test': lists.port } });
  const { resolver } = asking(t, lists.port, unbound.port);
  await resolver.resolve('1.113.0.203.bl.test', 'A');
  await unbound.child.stop();
  for (let i = 2; i < 30; i++) {
    const name = `${i}.113.0.203.bl.test`;
    assert.equal((await resolver.resolve(name, 'A')).status, i === 9 ? 'nxdomain' : 'records', name);
  }
  await lists.child.stop();
  const dead = await resolver.resolve('1.0.0.10.bl.test', 'A', { bypassCache: true });
  assert.ok(dead.status === 'failed' && dead.cause === 'refused-connection', JSON.stringify(dead));
});
