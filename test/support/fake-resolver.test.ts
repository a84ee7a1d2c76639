import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeResolver } from './fake-resolver.ts';
import { FixedClock } from './fixed-clock.ts';
import { FixedTimers } from './fixed-timers.ts';

const zone = `
  bl.test              SOA
  2.0.0.127.bl.test    A      127.0.0.2
  7.113.0.203.bl.test  60 A   127.0.0.2 127.0.0.4   ; two records
  7.113.0.203.bl.test  TXT    Listed; see https://bl.test/
  alias.test           CNAME  2.0.0.127.bl.test
  empty.test           NODATA
  mail.test            MX     10 mx.mail.test
  *.broken.test        FAIL   servfail no upstream
  *.dead.test          SILENT
  *.slow.test          DELAY  300
  one.slow.test        A      127.0.0.2
  one.slow.test        DELAY  200
`;

test('a table answers with records, aliases, no data, no name and failures', async () => {
  const dns = new FakeResolver(zone);
  assert.deepEqual(await dns.resolve('7.113.0.203.BL.test.', 'A'), {
    status: 'records',
    records: ['127.0.0.2', '127.0.0.4'],
    cname: false,
    ttl: 60,
    from: 'fresh',
  });
  const text = await dns.resolve('7.113.0.203.bl.test', 'TXT');
  assert.deepEqual(text.status === 'records' && text.records, ['Listed; see https://bl.test/']);
  const alias = await dns.resolve('alias.test', 'A');
  assert.ok(alias.status === 'records' && alias.cname);
  const mx = await dns.resolve('mail.test', 'MX');
  assert.deepEqual(mx.status === 'records' && mx.records, ['10 mx.mail.test']);
  assert.equal((await dns.resolve('empty.test', 'A')).status, 'nodata');
  assert.equal((await dns.resolve('2.0.0.127.bl.test', 'AAAA')).status, 'nodata');
  const missing = { status: 'nxdomain', cname: false, soaOwner: 'bl.test', ttl: 60, from: 'fresh' };
  assert.deepEqual(await dns.resolve('9.9.9.9.bl.test', 'A'), missing);
  const broken = { status: 'failed', cause: 'servfail', detail: 'no upstream' };
  assert.deepEqual(await dns.resolve('a.b.broken.test', 'A'), broken);
  assert.equal(dns.queries[0], 'A 7.113.0.203.bl.test');
  assert.equal(dns.queries.length, 8);
});

test('delays, silence, time limits and aborts follow the given timers', async () => {
  const timers = new FixedTimers(new FixedClock());
  const dns = new FakeResolver(zone, { timers });
  const outcomes: string[] = [];
  const ask = (name: string, options = {}): void => {
    void dns.resolve(name, 'A', options).then(answer => {
      outcomes.push(`${name} ${answer.status === 'failed' ? answer.cause : answer.status}`);
    });
  };
  const abort = new AbortController();
  ask('x.dead.test');
  ask('x.slow.test');
  ask('one.slow.test');
  ask('y.dead.test', { timeout: 250 });
  ask('z.dead.test', { signal: abort.signal });
  await timers.advance(199);
  assert.deepEqual(outcomes, []);
  abort.abort();
  await timers.advance(101);
  assert.deepEqual(outcomes, [
    'z.dead.test aborted',
    'one.slow.test records',
    'y.dead.test timeout',
    'x.slow.test nxdomain',
  ]);
  await timers.advance(1_200);
  assert.equal(outcomes.at(-1), 'x.dead.test timeout');
});

test('the cache knows what was answered until its time is over, and may be bypassed', async () => {
  const clock = new FixedClock();
  const dns = new FakeResolver(zone, { clock, cache: true });
  assert.equal(dns.cached('7.113.0.203.bl.test', 'A'), undefined);
  await dns.resolve('7.113.0.203.bl.test', 'A');
  clock.advance(10_000);
  const hit = await dns.resolve('7.113.0.203.bl.test', 'A');
  assert.ok(hit.status === 'records' && hit.from === 'cache' && hit.ttl === 50);
  await dns.resolve('7.113.0.203.bl.test', 'A', { bypassCache: true });
  assert.equal(dns.queries.length, 2);
  clock.advance(60_000);
  assert.equal(dns.cached('7.113.0.203.bl.test', 'A'), undefined);
});

test('the table can change, and a line that makes no sense is an error', async () => {
  const dns = new FakeResolver(zone);
  dns.set('2.0.0.127.bl.test NODATA');
  assert.equal((await dns.resolve('2.0.0.127.bl.test', 'A')).status, 'nodata');
  dns.remove('empty.test');
  assert.equal((await dns.resolve('empty.test', 'A')).status, 'nxdomain');
  assert.throws(() => dns.set('lonely'), /line 1: "lonely"/);
  assert.throws(() => dns.set('a.test B 1'), /unknown type B/);
});
