import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cache, cacheKey, DEFAULT_CACHE_LIMITS } from '../../src/dns/cache.ts';
import type { Finding } from '../../src/dns/reply.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function listed(ttl: number): Finding {
  return { status: 'records', records: ['127.0.0.2'], cname: false, ttl };
}
function clear(ttl: number | undefined): Finding {
  return { status: 'nxdomain', cname: false, soaOwner: ttl === undefined ? undefined : 'bl.test', ttl };
}
function fresh(): Cache {
  return new Cache(DEFAULT_CACHE_LIMITS);
}

/** For how many seconds the cache knows it. */
function lifetime(finding: Finding): number {
  const cache = fresh();
  const { ttl } = cache.store('k', finding, 0) as { ttl: number };
  assert.ok(cache.get('k', ttl * SECOND - 1));
  assert.equal(cache.get('k', ttl * SECOND), undefined);
  return ttl;
}

test('listings live for their TTL, between a minute and an hour', () => {
  assert.deepEqual(
    [0, 59, 60, 61, 3_600, 3_601, 2 ** 31 - 1].map(ttl => lifetime(listed(ttl))),
    [60, 60, 60, 61, 3_600, 3_600, 3_600],
  );
});

test('negative answers live for their SOA time, between ten seconds and an hour; without SOA for five seconds', () => {
  assert.deepEqual(
    [0, 10, 300, 86_400].map(ttl => lifetime(clear(ttl))),
    [10, 10, 300, 3_600],
  );
  assert.equal(lifetime(clear(undefined)), 5);
  assert.equal(lifetime({ status: 'nodata', cname: false, soaOwner: 'bl.test', ttl: 20 }), 20);
});

test('what is told is what was stored, with the time that is left and its age', () => {
  const cache = fresh();
  assert.deepEqual(cache.store('k', listed(100), 5_000), { ...listed(100), age: 0, from: 'fresh' });
  assert.deepEqual(cache.get('k', 65_000)?.answer, { ...listed(100), ttl: 40, age: 60_000, from: 'cache' });
  const nodata: Finding = { status: 'nodata', cname: true, soaOwner: undefined, ttl: undefined };
  cache.store('n', nodata, 0);
  assert.deepEqual(cache.get('n', 100)?.answer, { status: 'nodata', cname: true, ttl: 5, age: 100, from: 'cache' });
  assert.equal(cache.get('other', 0), undefined);
});

test('"not listed" is served stale for a day, and only after asking failed', () => {
  const cache = fresh();
  cache.store('k', clear(60), 0);
  const end = 60 * SECOND;
  assert.equal(cache.get('k', end), undefined);
  assert.deepEqual(cache.rescue('k', end), {
    status: 'nxdomain',
    cname: false,
    soaOwner: 'bl.test',
    ttl: 30,
    age: end,
    from: 'stale',
  });
  assert.equal(cache.rescue('k', end + 24 * HOUR - 1)?.status, 'nxdomain');
  assert.equal(cache.rescue('k', end + 24 * HOUR), undefined);
});

test('a listing is served stale for its own TTL, and for half an hour at most', () => {
  for (const [ttl, staleFor] of [
    [60, 60],
    [1_800, 1_800],
    [3_600, 1_800],
  ] as const) {
    const cache = fresh();
    cache.store('k', listed(ttl), 0);
    const end = ttl * SECOND;
    assert.equal(cache.rescue('k', end + staleFor * SECOND - 1)?.status, 'records');
    assert.equal(cache.rescue('k', end + staleFor * SECOND), undefined);
  }
});

test('a negative answer without SOA is never served stale', () => {
  const cache = fresh();
  cache.store('k', clear(undefined), 0);
  assert.equal(cache.rescue('k', 5 * SECOND), undefined);
});

test('after a rescue the stale answer stands for half a minute, but never past its end', () => {
  const cache = fresh();
  cache.store('k', listed(60), 0);
  cache.rescue('k', 70 * SECOND);
  assert.deepEqual(cache.get('k', 99 * SECOND)?.answer, { ...listed(60), ttl: 1, age: 99 * SECOND, from: 'stale' });
  assert.equal(cache.get('k', 100 * SECOND), undefined);
  cache.rescue('k', 110 * SECOND);
  assert.equal(cache.get('k', 119 * SECOND)?.answer.status, 'records');
  assert.equal(cache.get('k', 120 * SECOND), undefined, 'the end of what may be served at all');
});

test('an answer that is still valid rescues a look-up that should have renewed it', () => {
  const cache = fresh();
  cache.store('k', listed(60), 0);
  assert.deepEqual(cache.rescue('k', 50 * SECOND), { ...listed(60), ttl: 10, age: 50 * SECOND, from: 'cache' });
  assert.equal(cache.get('k', 60 * SECOND), undefined);
});

test('a new answer takes the place of the old one, stale or not', () => {
  const cache = fresh();
  cache.store('k', listed(60), 0);
  cache.rescue('k', 61 * SECOND);
  cache.store('k', clear(60), 62 * SECOND);
  assert.equal(cache.get('k', 63 * SECOND)?.answer.status, 'nxdomain');
});

test('an entry asks for its refresh in the last tenth of its time, from the second hit on', () => {
  const cache = fresh();
  cache.store('k', listed(100), 0);
  assert.equal(cache.get('k', 95 * SECOND)?.prefetch, false, 'first hit');
  assert.equal(cache.get('k', 96 * SECOND)?.prefetch, true);
  cache.store('k', listed(100), 0);
  assert.equal(cache.get('k', 10 * SECOND)?.prefetch, false);
  assert.equal(cache.get('k', 89 * SECOND)?.prefetch, false, 'not yet the last tenth');
  assert.equal(cache.get('k', 90 * SECOND)?.prefetch, true);
});

test('the least recently used entry goes when the room is used up', () => {
  const cache = new Cache({ ...DEFAULT_CACHE_LIMITS, entries: 2 });
  cache.store('a', listed(60), 0);
  cache.store('b', listed(60), 0);
  cache.get('a', 1);
  cache.store('c', listed(60), 1);
  assert.deepEqual(
    ['a', 'b', 'c'].map(key => cache.get(key, 2)?.answer.status),
    ['records', undefined, 'records'],
  );
  assert.equal(cache.size, 2);
});

test('keys of different questions differ', () => {
  assert.equal(new Set([cacheKey('a.test', 'A'), cacheKey('a.test', 'TXT'), cacheKey('txt.a.test', 'A')]).size, 3);
});
