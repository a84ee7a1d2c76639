import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from '../../src/dnsbl/health.ts';
import { Zone, type ZoneOptions } from '../../src/dnsbl/zone.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers, settle } from '../support/fixed-timers.ts';
import { LinesLogger } from './support.ts';

const v6 = `f.7.f.f.f.f${'.0'.repeat(20)}`;
const sound = `bl.test SOA
2.0.0.127.bl.test A 127.0.0.2
`;
const soundIpv6 = `2.0.0.0.0.0.${v6}.bl.test A 127.0.0.2
`;

function watch(
  zoneFile: string,
  ...options: (string | ZoneOptions)[]
): {
  health: Health;
  resolver: FakeResolver;
  timers: FixedTimers;
  log: LinesLogger;
  zones: Zone[];
  state: () => string[];
} {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const resolver = new FakeResolver(zoneFile, { clock, timers });
  const log = new LinesLogger();
  const zones = (options.length > 0 ? options : ['bl.test']).map(zone => Zone.parse(zone));
  const health = new Health(zones, { resolver, clock, timers, random: () => 0, log });
  const state = (): string[] =>
    zones.flatMap(zone =>
      ([4, 6] as const).map(family => {
        const { condition } = health.channels(zone)[family];
        return condition.state === 'out' ? condition.cause : condition.state;
      }),
    );
  return { health, resolver, timers, log, zones, state };
}

test('at start every zone is tested in both families, and each outcome is a line', async () => {
  const { health, log, state } = watch(sound);
  assert.deepEqual(state(), ['untested', 'untested']);
  await health.start();
  assert.deepEqual(state(), ['healthy', 'unproven']);
  assert.deepEqual(log.lines, [
    'info DNSBL bl.test is in use for IPv4 clients zone=bl.test family=ipv4',
    'info DNSBL bl.test is in use for IPv6 clients, though it has no IPv6 test entry zone=bl.test family=ipv6',
  ]);
  health.stop();
});

test('a list that has the IPv6 test entry is proven for IPv6 clients', async () => {
  const { health, state } = watch(sound + soundIpv6);
  await health.start();
  assert.deepEqual(state(), ['healthy', 'healthy']);
  health.stop();
});

test('a zone drops out when it lists the world and returns by itself, each with one line', async () => {
  const { health, resolver, timers, log, state } = watch(sound, { zone: 'bl.test', ipv6: false });
  await health.start();
  log.lines.length = 0;
  resolver.set('1.0.0.127.bl.test A 127.0.0.2');
  await timers.advance(299_000);
  assert.deepEqual(state(), ['healthy', 'not-offered']);
  await timers.advance(1_000);
  assert.deepEqual(state(), ['lists-the-world', 'not-offered']);
  await timers.advance(60_000);
  resolver.remove('1.0.0.127.bl.test');
  await timers.advance(64_000);
  assert.deepEqual(state(), ['healthy', 'not-offered']);
  assert.deepEqual(log.lines, [
    'warn DNSBL bl.test is out for IPv4 clients: lists-the-world zone=bl.test family=ipv4 cause=lists-the-world detail=it lists 127.0.0.1, which no list may (answer 127.0.0.2)',
    'warn DNSBL bl.test is back for IPv4 clients after: lists-the-world zone=bl.test family=ipv4 cause=lists-the-world',
  ]);
  health.stop();
});

test('a zone that live questions dropped is tested a second later', async () => {
  const { health, timers, zones, state, resolver } = watch(sound, { zone: 'bl.test', ipv6: false });
  await health.start();
  const asked = resolver.queries.length;
  health.channels(zones[0]!)[4].report({ vote: 'abstain', cause: 'foreign-answer', detail: 'parked' });
  assert.deepEqual(state(), ['foreign-answer', 'not-offered']);
  await timers.advance(999);
  assert.equal(resolver.queries.length, asked);
  await timers.advance(1);
  assert.equal(resolver.queries.length, asked + 2);
  await timers.advance(1_000);
  assert.deepEqual(state(), ['healthy', 'not-offered']);
  health.stop();
});

test('a zone that gives no answer at all is out and tried again ever more slowly', async () => {
  const { health, timers, state, resolver } = watch('*.bl.test SILENT', { zone: 'bl.test', ipv6: false });
  const started = health.start();
  await timers.advance(5_000);
  await started;
  assert.deepEqual(state(), ['unreachable', 'not-offered']);
  const before = resolver.queries.length;
  await timers.advance(600_000);
  const tests = (resolver.queries.length - before) / 2;
  assert.ok(tests >= 8 && tests <= 10, `${tests} tests in ten minutes`);
  health.stop();
});

test('zones are tested side by side: a silent one holds up nobody', async () => {
  const { health, timers, state } = watch(`${sound}*.dead.test SILENT`, 'dead.test', 'bl.test');
  const started = health.start();
  await settle();
  assert.deepEqual(state().slice(2), ['healthy', 'unproven']);
  await timers.advance(20_000);
  await started;
  health.stop();
});

test('after stop nothing is asked and no timer is left', async () => {
  const { health, timers, resolver } = watch(`${sound}*.slow.test DELAY 400`, 'bl.test', 'slow.test');
  const started = health.start();
  await timers.advance(10);
  health.stop();
  await timers.advance(400);
  await started;
  const asked = resolver.queries.length;
  await timers.advance(10_000_000);
  assert.equal(resolver.queries.length, asked);
  assert.equal(timers.size, 0);
});

test('a resolver that throws is logged, and the zone is tried again', async () => {
  const { health, resolver, timers, log, state } = watch(sound, { zone: 'bl.test', ipv6: false });
  const resolve = resolver.resolve.bind(resolver);
  resolver.resolve = () => Promise.reject(new Error('broken'));
  await health.start();
  assert.deepEqual(log.lines, ['error the self-test of a DNSBL failed in itself zone=bl.test error=Error: broken']);
  resolver.resolve = resolve;
  await timers.advance(1_000);
  assert.deepEqual(state(), ['healthy', 'not-offered']);
  health.stop();
});

test('a zone that begins to list every client is tested at once, not only when its test is due', async () => {
  const { health, resolver, timers, zones, state } = watch(sound, { zone: 'bl.test', ipv6: false });
  await health.start();
  await timers.advance(60_000);
  resolver.set('1.0.0.127.bl.test A 127.0.0.2');
  for (let count = 0; count < 8; count++)
    health.channels(zones[0]!)[4].report({ vote: 'listed', codes: ['127.0.0.2'], score: 1 });
  await settle();
  assert.deepEqual(state(), ['lists-the-world', 'not-offered']);
  health.stop();
});

test('many listings call for a test every ten seconds at most', async () => {
  const { health, resolver, timers, zones } = watch(sound, { zone: 'bl.test', ipv6: false });
  await health.start();
  const asked = resolver.queries.length;
  for (let second = 0; second < 60; second++) {
    for (let count = 0; count < 20; count++)
      health.channels(zones[0]!)[4].report({ vote: 'listed', codes: ['127.0.0.2'], score: 1 });
    await timers.advance(1_000);
  }
  assert.equal((resolver.queries.length - asked) / 2, 5);
  health.stop();
  assert.equal(timers.size, 0);
});

test('a zone is believed from its first good test on, and anew from its return if it said what is not so', async () => {
  const { health, resolver, timers, zones, state } = watch(sound, { zone: 'bl.test', ipv6: false });
  const channel = health.channels(zones[0]!)[4];
  await health.start();
  const since = channel.trustedSince;
  const discredited = (): boolean => channel.discredit !== undefined;
  assert.ok(Number.isFinite(since));

  for (let count = 0; count < 5; count++) channel.report({ vote: 'abstain', cause: 'timeout' });
  assert.ok(!discredited(), 'a silent zone may have said the truth');
  await timers.advance(2_000);
  assert.deepEqual([state()[0], channel.trustedSince], ['healthy', since]);

  resolver.set('1.0.0.127.bl.test A 127.0.0.2');
  await timers.advance(300_000);
  assert.deepEqual([state()[0], discredited()], ['lists-the-world', true]);
  resolver.remove('1.0.0.127.bl.test');
  await timers.advance(10_000);
  assert.equal(state()[0], 'healthy');
  assert.ok(!discredited());
  assert.ok(channel.trustedSince > since + 300_000, `${since} ${channel.trustedSince}`);
  health.stop();
});

test('a zone that nobody watches is a mistake', () => {
  assert.throws(() => watch(sound).health.channels(Zone.parse('other.test')), /zone "other\.test" is not watched/);
});
