import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DnsblOptions, type DnsblOutput, dnsblCheckUp, dnsblLookup } from '../../src/cli/dnsbl.ts';
import type { DoctorReport } from '../../src/cli/dnsbl-doctor.ts';
import type { AddressReport } from '../../src/cli/dnsbl-lookup.ts';
import { parseServer } from '../../src/dns/servers.ts';
import type { ZoneOptions } from '../../src/dnsbl/zone.ts';
import { ZoneError } from '../../src/dnsbl/zone-error.ts';
import { address, LinesLogger } from '../dnsbl/support.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const nibbles = `f.7.f.f.f.f${'.0'.repeat(20)}`;
const healthy = (zone: string): string => `${zone} SOA\n2.0.0.127.${zone} A 127.0.0.2\n`;
const zoneFile = [
  'com SOA',
  healthy('good.test'),
  `2.0.0.0.0.0.${nibbles}.good.test A 127.0.0.2`,
  '7.113.0.203.good.test A 127.0.0.2 127.0.0.4',
  '7.113.0.203.good.test TXT Listed, see https://good.test/\u0007\u001b[31mred',
  healthy('quiet.test'),
  '*.broken.test FAIL servfail its servers do not answer',
  '*.world.test A 127.0.0.2',
  '*.parked.test A 192.0.2.80',
  '*.denied.test A 127.255.255.254',
  'blind.test SOA',
  'stripped.test SOA\n2.0.0.127.stripped.test NODATA',
  `${healthy('wild.test')}*.wild.test A 127.0.0.9\n1.0.0.127.wild.test NODATA`,
].join('\n');

interface Bench {
  readonly resolver: FakeResolver;
  readonly log: LinesLogger;
  lookup(ips: readonly string[], options: Partial<DnsblOptions>): Promise<DnsblOutput>;
  checkUp(options: Partial<DnsblOptions>, server?: string): Promise<DnsblOutput>;
}

function bench(text = zoneFile): Bench {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const resolver = new FakeResolver(text, { clock, timers, cache: true });
  const log = new LinesLogger();
  const deps = { resolver, clock, timers, random: () => 0.5, log };
  const full = (options: Partial<DnsblOptions>): DnsblOptions => ({ zones: [], policy: 'any', ...options });
  return {
    resolver,
    log,
    lookup: (ips, options) => dnsblLookup(ips.map(address), full(options), { ...deps, servers: [] }),
    checkUp: (options, server = '127.0.0.1') =>
      dnsblCheckUp(full(options), { ...deps, servers: [parseServer(server)] }),
  };
}

async function doctor(zones: DnsblOptions['zones'], text?: string): Promise<DoctorReport> {
  return JSON.parse((await bench(text).checkUp({ zones, json: true })).text) as DoctorReport;
}

describe('dnsbl ADDRESS', () => {
  test('tells vote, answer, reason and time of every zone, and the outcome', async () => {
    const { text, exitCode } = await bench().lookup(['203.0.113.7'], {
      zones: ['good.test', 'quiet.test', 'broken.test'],
      policy: 'majority',
    });
    assert.equal(exitCode, 0);
    assert.equal(
      text,
      [
        '203.0.113.7  unknown (policy majority)',
        '  good.test    listed  127.0.0.2 127.0.0.4  0 ms',
        '      "Listed, see https://good.test/?[31mred"',
        '  quiet.test   clear  0 ms',
        '  broken.test  abstain  unreachable  (the self-test got no answer: servfail, its servers do not answer)',
        '',
      ].join('\n'),
    );
  });

  test('tells the same to a program', async () => {
    const { text } = await bench().lookup(['203.0.113.7', '203.0.113.7'], { zones: ['good.test'], json: true });
    const [first, second] = JSON.parse(text) as AddressReport[];
    assert.deepEqual(first, {
      address: '203.0.113.7',
      outcome: 'listed',
      zones: [
        {
          zone: 'good.test',
          vote: 'listed',
          answer: ['127.0.0.2', '127.0.0.4'],
          milliseconds: 0,
          from: 'fresh',
          text: 'Listed, see https://good.test/?[31mred',
        },
      ],
    });
    assert.equal(second?.zones[0]?.from, 'cache');
  });

  test('asks every zone, also where the first decides', async () => {
    const { text } = await bench().lookup(['203.0.113.7'], { zones: ['good.test', 'quiet.test'], json: true });
    const [report] = JSON.parse(text) as AddressReport[];
    assert.deepEqual(
      report?.zones.map(({ vote }) => vote),
      ['listed', 'clear'],
    );
  });

  test('leaves out zones that have no say on IPv6', async () => {
    const zones = ['good.test', { zone: 'quiet.test', ipv6: false }];
    const { text } = await bench().lookup(['2001:db8::7'], { zones });
    assert.match(text, /^2001:db8::7 {2}clear/);
    assert.match(text, /good\.test {3}clear/);
    assert.match(text, /quiet\.test {2}not-asked {2}it has no say on IPv6 addresses/);
  });

  test('never asks about a private address', async () => {
    const { lookup, resolver } = bench();
    const { text } = await lookup(['10.1.2.3'], { zones: ['good.test'] });
    assert.equal(text, '10.1.2.3  not looked up: private address\n');
    assert.ok(resolver.queries.every(query => !query.includes('3.2.1.10')));
  });

  test('follows a score', async () => {
    const zones = ['good.test=127.0.0.2*3', 'good.test=127.0.0.4*2', 'quiet.test*-4'];
    const outcome = async (score: number): Promise<string> =>
      (await bench().lookup(['203.0.113.7'], { zones, policy: { score } })).text.split('\n')[0] ?? '';
    assert.equal(await outcome(5), '203.0.113.7  listed (policy score 5)');
  });

  test('says that a zone is dead and goes on, and refuses what makes no sense', async () => {
    const { lookup, log } = bench();
    await lookup(['203.0.113.7'], { zones: ['dnsbl.sorbs.net', 'good.test'] });
    assert.match(log.lines[0] ?? '', /^error DNSBL dnsbl\.sorbs\.net is not asked/);
    await assert.rejects(lookup(['203.0.113.7'], { zones: ['bad'] }), ZoneError);
  });
});

describe('dnsbl --check', () => {
  test('finds a healthy list in order', async () => {
    const { text, exitCode } = await bench().checkUp({ zones: ['good.test', 'quiet.test'] });
    assert.equal(exitCode, 0);
    assert.equal(
      text,
      `resolver 127.0.0.1
  public resolver                        no
  answers for names that do not exist    no
  takes answers in 127.0.0.0/8 away      no

ok   good.test  0 ms
     IPv4  127.0.0.2 127.0.0.2, 127.0.0.1 NXDOMAIN
     IPv6  ::ffff:7f00:2 127.0.0.2, ::ffff:7f00:1 NXDOMAIN
     name at random  NXDOMAIN

ok   quiet.test  0 ms
     IPv4  127.0.0.2 127.0.0.2, 127.0.0.1 NXDOMAIN
     IPv6  no test entry: it is asked, but nothing shows that it lists any
     name at random  NXDOMAIN

All is well.
`,
    );
  });

  const sick: readonly (readonly [zone: string | ZoneOptions, verdict: string, detail: RegExp, advice: RegExp])[] = [
    ['dnsbl.sorbs.net', 'dead', /since 2024: SORBS/, /remove the zone/],
    ['world.test', 'lists-the-world', /it lists 127\.0\.0\.1/, /remove the zone/],
    [{ zone: 'wild.test', ipv6: false }, 'wildcard', /a name at random is answered with 127\.0\.0\.9/, /remove it/],
    ['denied.test', 'error-answer', /127\.255\.255\.254: .*public resolver/, /do what the detail says/],
    ['parked.test', 'foreign-answer', /192\.0\.2\.80 is outside 127\.0\.0\.0\/8/, /parked/],
    ['blind.test', 'blind', /does not list its test entry/, /make sure of the zone name/],
    ['stripped.test', 'blind', /strips answers in 127\.0\.0\.0\/8/, /exempt the zone/],
    ['broken.test', 'servfail', /its servers do not answer/, /do not answer your resolver/],
  ];
  for (const [zone, verdict, detail, advice] of sick)
    test(`diagnoses ${typeof zone === 'string' ? zone : zone.zone}: ${verdict}`, async () => {
      const { ok, zones } = await doctor([zone]);
      assert.equal(ok, false);
      assert.equal(zones[0]?.verdict, verdict);
      assert.match(zones[0]?.detail ?? '', detail);
      assert.match(zones[0]?.advice ?? '', advice);
      assert.equal((await bench().checkUp({ zones: [zone, 'good.test'] })).exitCode, 69);
    });

  test('tells of everything in one report', async () => {
    const { text } = await bench().checkUp({ zones: ['good.test', 'broken.test', 'world.test', 'dnsbl.sorbs.net'] });
    assert.match(text, /^ok {3}good\.test/m);
    assert.match(text, /^FAIL broken\.test: servfail/m);
    assert.match(text, /^FAIL world\.test: lists-the-world/m);
    assert.match(text, /^FAIL dnsbl\.sorbs\.net: dead$/m);
    assert.match(text, /^3 of 4 zones can not be used\.$/m);
  });

  test('takes a list without test entries as it is if it is marked so', async () => {
    const { ok, zones } = await doctor([{ zone: 'blind.test', selfTest: false }]);
    assert.deepEqual([ok, zones[0]?.verdict], [true, 'no-test-entries']);
  });

  test('misses an IPv6 test entry only where IPv6 was promised', async () => {
    assert.equal((await doctor(['quiet.test'])).ok, true);
    assert.equal((await doctor([{ zone: 'quiet.test', ipv6: true }])).zones[0]?.verdict, 'blind');
    assert.equal((await doctor([{ zone: 'quiet.test', ipv6: false }])).ok, true);
  });

  test('finds a resolver that invents answers', async () => {
    const { ok, resolver } = await doctor(['good.test'], `${zoneFile}\n*.com A 192.0.2.80`);
    assert.deepEqual([ok, resolver.rewritesNxdomain], [false, true]);
    assert.match(resolver.advice.join(), /use another resolver/);
  });

  test('finds a resolver that takes loopback answers away', async () => {
    const { ok, resolver } = await doctor(['stripped.test']);
    assert.deepEqual([ok, resolver.stripsLoopback], [false, true]);
    assert.match(resolver.advice.join(), /private-domain/);
  });

  test('names a public resolver', async () => {
    const { text } = await bench().checkUp({ zones: ['good.test'] }, '8.8.8.8');
    assert.match(text, /public resolver +8\.8\.8\.8 \(Google Public DNS\)/);
    assert.match(text, /→ a public resolver: most lists refuse it/);
  });

  test('says what it could not find out', async () => {
    const text = 'com FAIL servfail\n*.com FAIL servfail\n*.broken.test FAIL servfail';
    const { resolver } = await doctor(['broken.test'], text);
    assert.deepEqual([resolver.rewritesNxdomain, resolver.stripsLoopback, resolver.ok], [null, null, true]);
    const none = await doctor(['broken.test'], '*.com FAIL refused-connection\n*.broken.test FAIL refused-connection');
    assert.equal(none.resolver.ok, false);
    assert.match(none.zones[0]?.advice ?? '', /no DNS server listens there/);
  });

  test('goes past the cache', async () => {
    const { checkUp, resolver } = bench();
    await checkUp({ zones: ['good.test'] });
    const first = resolver.queries.length;
    await checkUp({ zones: ['good.test'] });
    assert.equal(resolver.queries.length, 2 * first);
  });
});
