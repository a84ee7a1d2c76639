import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../src/dns/resolver.ts';
import type { Policy } from '../../src/dnsbl/ballot.ts';
import { describe as describeResult, type Result } from '../../src/dnsbl/result.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import { settle } from '../support/fixed-timers.ts';
import { address, failed, HandResolver, nxdomain, plainZones, records, repeatable, rig, zoneOf } from './support.ts';

const client = address('203.0.113.7');
const listed = records('127.0.0.2');

function known(name: string): string {
  return `7.113.0.203.${name}`;
}

function causes({ words }: Result): string[] {
  return words.map(({ vote }) => (vote?.vote === 'abstain' ? vote.cause : (vote?.vote ?? 'not asked')));
}

describe('fairness', () => {
  for (const [policy, n] of [
    ['any', 3],
    ['majority', 3],
    ['all', 4],
    ['any', 5],
  ] as const)
    test(`over 10,000 clients each of ${n} zones is asked first equally often (${policy})`, async () => {
      const random = repeatable(n);
      const resolver = new HandResolver(() => (random() < 0.5 ? listed : nxdomain));
      const { panel } = rig(resolver, policy, { zones: n });
      const first = Array<number>(n).fill(0);
      for (let count = 0; count < 10_000; count++) {
        const from = resolver.names.length;
        await panel.decide(client);
        const zone = zoneOf(resolver.names[from]!);
        first[zone] = first[zone]! + 1;
      }
      for (const count of first) assert.ok(Math.abs(count - 10_000 / n) <= 0.01 * (10_000 / n), `${first}`);
    });

  const rates = [0.85, 0.7, 0.6, 0.5, 0.3];
  /** Questions a zone, over 4,000 clients of which 70 % send spam; zones list spam at their rate. */
  async function load(policy: Policy, n: number, reply: (zone: number) => Answer | undefined): Promise<number[]> {
    const random = repeatable(7);
    let spam = false;
    const resolver = new HandResolver(
      name => reply(zoneOf(name)) ?? (spam && random() < rates[zoneOf(name)]! ? listed : nxdomain),
    );
    const { panel } = rig(resolver, policy, { zones: n });
    for (let count = 0; count < 4_000; count++) {
      spam = random() < 0.7;
      await panel.decide(client);
    }
    const asked = Array<number>(n).fill(0);
    for (const name of resolver.names) asked[zoneOf(name)]!++;
    return asked;
  }

  for (const n of [3, 4, 5])
    for (const policy of ['any', 'majority', 'all'] as const) {
      test(`${n} zones share the load evenly (${policy})`, async () => {
        const asked = await load(policy, n, () => undefined);
        assert.ok(Math.max(...asked) / Math.min(...asked) <= 1.15, `${asked}`);
      });
    }

  for (const n of [3, 4, 5])
    for (const policy of ['any', 'majority'] as const)
      test(`${n} zones of which one is dead share its load evenly (${policy})`, async () => {
        const [dead, ...alive] = await load(policy, n, zone => (zone === 0 ? failed('servfail') : undefined));
        assert.ok(dead! <= 5, `the dead zone was asked ${dead} times`);
        assert.ok(Math.max(...alive) / Math.min(...alive) <= 1.15, `${alive}`);
      });

  test('once a zone is known to be dead, "all" can list nobody and asks nobody', async () => {
    const asked = await load('all', 3, zone => (zone === 0 ? failed('servfail') : undefined));
    assert.ok(Math.max(...asked) <= 10, `${asked}`);
  });

  test('a process starts its rotation where chance tells it', async () => {
    for (const [start, zone] of [
      [0, 0],
      [0.34, 1],
      [0.99, 2],
    ] as const) {
      const resolver = new HandResolver(() => listed);
      await rig(resolver, 'any', { start }).panel.decide(client);
      assert.deepEqual(resolver.names.map(zoneOf), [zone]);
    }
  });

  test('what was asked long ago weighs less', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 0 ? nxdomain : listed));
    const { panel, timers } = rig(resolver, 'any', { zones: 3 });
    for (let count = 0; count < 3; count++) await panel.decide(client); // zone 1: first once, follower once
    await timers.advance(3 * 600_000);
    const from = resolver.names.length;
    await panel.decide(client);
    assert.deepEqual(resolver.names.slice(from).map(zoneOf), [0, 2]);
  });
});

describe('votes that cost nothing', () => {
  test('the cache alone decides, at once and without a query', () => {
    const resolver = new HandResolver();
    const { panel } = rig(resolver, 'majority');
    assert.equal(panel.decideNow(client), undefined);
    resolver.known.set(known('z2.test'), { ...listed, from: 'cache' });
    assert.equal(panel.decideNow(client), undefined);
    resolver.known.set(known('z0.test'), { ...listed, from: 'cache' });
    const result = panel.decideNow(client);
    assert.equal(result?.outcome, 'listed');
    assert.deepEqual(
      result?.listing.map(({ name }) => name),
      ['z0.test', 'z2.test'],
    );
    assert.deepEqual(resolver.names, []);
  });

  test('the cache spares questions when it does not decide alone', async () => {
    const resolver = new HandResolver(() => nxdomain);
    const { panel } = rig(resolver, 'any');
    resolver.known.set(known('z0.test'), { ...nxdomain, from: 'cache' });
    resolver.known.set(known('z1.test'), { ...nxdomain, from: 'cache' });
    assert.equal((await panel.decide(client)).outcome, 'clear');
    assert.deepEqual(resolver.names.map(zoneOf), [2]);
  });

  test('a cached listing is known even if it was not needed', async () => {
    const resolver = new HandResolver(() => listed);
    const { panel } = rig(resolver, 'any');
    for (const name of ['z1.test', 'z2.test']) resolver.known.set(known(name), { ...listed, from: 'cache' });
    const result = await panel.decide(client);
    assert.deepEqual(
      result.listing.map(({ name }) => name),
      ['z1.test', 'z2.test'],
    );
  });

  test('a cached error answer is asked for anew and does not count', async () => {
    const resolver = new HandResolver();
    const { panel } = rig(resolver, 'any', { zones: 1 });
    resolver.known.set(known('z0.test'), { ...records('127.255.255.254'), from: 'cache' });
    assert.equal(panel.decideNow(client), undefined);
    const result = panel.decide(client);
    assert.equal(resolver.open[0]?.options.bypassCache, true);
    resolver.open[0]?.answer(listed);
    assert.equal((await result).outcome, 'listed');
  });

  test('a zone that is out abstains and is not asked', async () => {
    const resolver = new HandResolver(() => nxdomain);
    const { panel, health, zones } = rig(resolver, 'any');
    health.channels(zones[1]!)[4].tested({ verdict: 'bad', cause: 'blind', detail: '' });
    const result = await panel.decide(client);
    assert.equal(result.outcome, 'unknown');
    assert.deepEqual(causes(result), ['clear', 'blind', 'clear']);
    assert.deepEqual(resolver.names.map(zoneOf), [0, 2]);
  });

  test('without any zone nobody is listed', async () => {
    const { panel } = rig(new HandResolver(), 'all', { zones: 0 });
    assert.deepEqual(panel.decideNow(client), { outcome: 'clear', words: [], listing: [] });
    assert.equal(describeResult(await panel.decide(client)), 'no-list');
  });
});

describe('a zone that was found to list everyone', () => {
  const world = { verdict: 'bad', cause: 'lists-the-world', detail: '' } as const;
  const good = { verdict: 'good' } as const;

  test('has no say any more in a ballot under way, and the others are asked', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 0 ? undefined : nxdomain));
    const { panel, health, zones } = rig(resolver, 'any');
    const result = panel.decide(client);
    health.channels(zones[0]!)[4].tested(world);
    resolver.open[0]?.answer(listed);
    assert.deepEqual(
      [(await result).outcome, causes(await result)],
      ['unknown', ['lists-the-world', 'clear', 'clear']],
    );
  });

  test('takes back what it said in a ballot that is over', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 2 ? nxdomain : listed));
    for (const [policy, outcome] of [
      ['any', 'listed'],
      ['majority', 'unknown'],
    ] as const) {
      const { panel, health, zones } = rig(resolver, policy, { fanout: 'complete' });
      const result = await panel.decide(client);
      assert.equal(panel.review(client, result), result);
      health.channels(zones[2]!)[4].tested(world);
      assert.equal(panel.review(client, result), result, 'it did not list the client');
      health.channels(zones[0]!)[4].report({ vote: 'abstain', cause: 'error-answer' });
      assert.equal(panel.review(client, result), result, 'whoever refuses to answer by now has not lied before');
      health.channels(zones[1]!)[4].tested(world);
      const reviewed = panel.review(client, result);
      assert.deepEqual([reviewed.outcome, causes(reviewed)[1]], [outcome, 'lists-the-world'], policy);
      assert.deepEqual(
        reviewed.listing.map(({ name }) => name),
        ['z0.test'],
      );
    }
  });

  test('is asked anew when it is back: what the cache holds of it is from that time', async () => {
    const resolver = new HandResolver();
    const { panel, health, zones, clock } = rig(resolver, 'any', { zones: 1 });
    const channel = health.channels(zones[0]!)[4];
    clock.advance(60_000);
    channel.tested(world);
    clock.advance(60_000);
    channel.tested(good);
    channel.tested(good);
    clock.advance(1_000);
    resolver.known.set(known('z0.test'), { ...listed, age: 1_001, from: 'cache' });
    assert.equal(panel.decideNow(client), undefined);
    const result = panel.decide(client);
    assert.equal(resolver.open[0]?.options.bypassCache, true);
    resolver.open[0]?.answer(nxdomain);
    assert.equal((await result).outcome, 'clear');
    resolver.known.set(known('z0.test'), { ...listed, age: 999, from: 'cache' });
    assert.equal(panel.decideNow(client)?.outcome, 'listed');
  });

  test('lists nobody by an old answer that the resolver finds when asking fails', async () => {
    const resolver = new HandResolver(() => ({ ...listed, age: 90_000, from: 'stale' }));
    const { panel, health, zones, clock } = rig(resolver, 'any', { zones: 1 });
    const channel = health.channels(zones[0]!)[4];
    clock.advance(60_000);
    channel.tested(world);
    channel.tested(good);
    channel.tested(good);
    assert.equal((await panel.decide(client)).outcome, 'unknown');
  });
});

describe('time', () => {
  test('a zone that does not answer within 100 ms is helped by the next, and its answer still counts', async () => {
    const resolver = new HandResolver();
    const { panel, timers } = rig(resolver, 'any');
    const result = panel.decide(client);
    await timers.advance(99);
    assert.deepEqual(resolver.names.map(zoneOf), [0]);
    await timers.advance(1);
    assert.deepEqual(resolver.names.map(zoneOf), [0, 1]);
    resolver.open[0]?.answer(listed);
    const { outcome, words } = await result;
    assert.equal(outcome, 'listed');
    assert.deepEqual(
      words.map(({ vote }) => vote?.vote),
      ['listed', undefined, undefined],
    );
  });

  test('the hedge delay follows the answers of the zone, from 50 to 250 ms', async () => {
    for (const [latency, hedge] of [
      [10, 50],
      [180, 180],
      [400, 250],
    ] as const) {
      const resolver = new HandResolver();
      const { panel, timers } = rig(resolver, 'any', { zones: 2 });
      for (let count = 0; count < 120; count++) {
        const result = panel.decide(client);
        await timers.advance(latency);
        for (const query of [...resolver.open]) query.answer(listed);
        await result;
      }
      for (const query of [...resolver.open]) query.answer(listed);
      const from = resolver.names.length;
      void panel.decide(client);
      await timers.advance(hedge - 1);
      assert.equal(resolver.names.length - from, 1, `${latency} ms`);
      await timers.advance(1);
      assert.equal(resolver.names.length - from, 2, `${latency} ms`);
    }
  });

  test('when only stragglers keep it open, nobody waits more than 500 ms for them', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 0 ? undefined : nxdomain));
    const { panel, timers, clock } = rig(resolver, 'any');
    const begun = clock.monotonic();
    const result = panel.decide(client).then(given => ({ given, took: clock.monotonic() - begun }));
    await timers.advance(3_000);
    const { given, took } = await result;
    assert.equal(given.outcome, 'unknown');
    assert.deepEqual(causes(given), ['too-slow', 'clear', 'clear']);
    assert.equal(took, 500);
    assert.equal(describeResult(given), 'unknown z0.test=abstain(too-slow) z1.test=clear z2.test=clear incomplete=1/3');
  });

  test('patience with stragglers grows with how slow a zone is', async () => {
    const resolver = new HandResolver();
    const { panel, timers, clock } = rig(resolver, 'any', { zones: 1 });
    for (let count = 0; count < 60; count++) {
      const result = panel.decide(client);
      await timers.advance(300);
      resolver.open[0]?.answer(nxdomain);
      await result;
    }
    const begun = clock.monotonic();
    const result = panel.decide(client).then(() => clock.monotonic() - begun);
    await timers.advance(3_000);
    assert.equal(await result, 900);
  });

  test('a resolver that never answers can not hold a ballot: each zone and the ballot have their limit', async () => {
    const resolver = new HandResolver();
    const { panel, timers, clock } = rig(resolver, 'all', { zones: 2, zoneTimeout: 300, deadline: 2_500 });
    const begun = clock.monotonic();
    const result = panel.decide(client).then(given => ({ given, took: clock.monotonic() - begun }));
    assert.equal(resolver.open[0]?.options.timeout, 300);
    await timers.advance(2_500);
    const { given, took } = await result;
    assert.deepEqual(causes(given), ['timeout', 'not asked']);
    assert.equal(took, 500, 'zone timeout and the grace for the resolver');
    assert.equal(timers.size, 0);
  });

  test('the deadline ends it whatever is open', async () => {
    const resolver = new HandResolver();
    const { panel, timers, clock } = rig(resolver, 'any', { deadline: 250 });
    const begun = clock.monotonic();
    const result = panel.decide(client).then(given => ({ given, took: clock.monotonic() - begun }));
    await timers.advance(1_000);
    const { given, took } = await result;
    assert.equal(given.outcome, 'unknown');
    assert.deepEqual(causes(given), ['deadline', 'deadline', 'deadline']);
    assert.equal(took, 250);
  });

  test('answers that lie unread behind a blocked event loop are read before anyone is given up', async () => {
    const resolver = new HandResolver();
    const { panel, timers, clock } = rig(resolver, 'any', { zones: 1 });
    const result = panel.decide(client);
    clock.advance(700); // blocked: the timer for stragglers is 200 ms late
    await timers.advance(0);
    resolver.open[0]?.answer(listed);
    assert.equal((await result).outcome, 'listed');
  });

  test('with fanout "all" every zone is asked at once', async () => {
    const resolver = new HandResolver();
    const { panel } = rig(resolver, 'any', { fanout: 'all' });
    const result = panel.decide(client);
    assert.deepEqual(resolver.names.map(zoneOf), [0, 1, 2]);
    resolver.open[2]?.answer(listed);
    assert.equal((await result).outcome, 'listed');
  });
});

describe('the end of a ballot', () => {
  test('takes back young queries and lets late ones run, so that a silent zone is found out', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 0 ? undefined : listed));
    const { panel, timers, log } = rig(resolver, 'any', { zones: 2, start: 0 });
    for (let count = 0; count < 9; count++) {
      const result = panel.decide(client);
      await timers.advance(100);
      assert.equal((await result).outcome, 'listed');
    }
    const late = [...resolver.open];
    assert.equal(late.length, 5);
    assert.ok(late.every(({ options }) => !options.signal?.aborted));
    for (const query of late) query.answer(failed('timeout'));
    await settle();
    assert.deepEqual(log.lines, [
      'warn DNSBL z0.test is out for IPv4 clients: unreachable zone=z0.test family=ipv4 cause=unreachable detail=5 failures in a row, last: timeout',
    ]);
  });

  test('aborts what it asked too early', async () => {
    const resolver = new HandResolver();
    const { panel } = rig(resolver, 'any', { fanout: 'all' });
    const result = panel.decide(client);
    const young = resolver.open[1]!;
    resolver.open[0]?.answer(listed);
    await result;
    assert.equal(young.options.signal?.aborted, true);
  });

  test('comes with the signal of who asked; what was open abstains', async () => {
    const resolver = new HandResolver();
    const { panel, timers } = rig(resolver, 'majority');
    const stop = new AbortController();
    const result = panel.decide(client, { signal: stop.signal });
    stop.abort();
    assert.deepEqual(causes(await result), ['aborted', 'aborted', 'aborted']);
    assert.equal(timers.size, 0);
    assert.deepEqual(causes(await panel.decide(client, { signal: stop.signal })), ['aborted', 'aborted', 'aborted']);
    assert.equal(resolver.names.length, 2);
  });

  test('a resolver that throws is a failure like others', async () => {
    const resolver = new HandResolver(name => {
      if (zoneOf(name) === 0) throw new Error('broken');
      return nxdomain;
    });
    const { panel, log } = rig(resolver, 'any');
    assert.deepEqual(causes(await panel.decide(client)), ['malformed', 'clear', 'clear']);
    assert.deepEqual(log.lines, ['error the resolver failed in itself zone=z0.test error=Error: broken']);
  });

  test('leaves no timer and no query behind when all answer', async () => {
    const resolver = new HandResolver();
    const { panel, timers } = rig(resolver, 'majority');
    const result = panel.decide(client);
    for (const query of [...resolver.open]) query.answer(nxdomain);
    assert.equal((await result).outcome, 'clear');
    assert.deepEqual([timers.size, resolver.open.length], [0, 0]);
  });
});

describe('who is eligible', () => {
  const dual = (): Zone[] => [
    Zone.parse({ zone: 'z0.test', selfTest: false, ipv6: true }),
    Zone.parse({ zone: 'z1.test', selfTest: false, ipv6: false }),
    Zone.parse({ zone: 'z2.test', selfTest: false, ipv6: false }),
  ];

  test('zones that have no say on IPv6 are not asked about such clients and do not count', async () => {
    const resolver = new HandResolver(() => listed);
    const { panel } = rig(resolver, 'all', { zones: dual() });
    const result = await panel.decide(address('2001:db8::7'));
    assert.equal(result.outcome, 'listed');
    assert.deepEqual(
      result.words.map(({ zone }) => zone.name),
      ['z0.test'],
    );
    assert.match(resolver.names[0]!, /^7(\.0){23}\.8\.b\.d\.0\.1\.0\.0\.2\.z0\.test$/);
  });

  test('a number that the eligible zones can not reach lists nobody', () => {
    const { panel } = rig(new HandResolver(), { atLeast: 2 }, { zones: dual() });
    assert.equal(panel.decideNow(address('2001:db8::7'))?.outcome, 'clear');
  });
});

describe('a score policy', () => {
  const zones = (): Zone[] =>
    ['z0.test=127.0.0.2*3', 'z1.test*2', 'z2.test=127.0.[2..15].[1..3]*-5'].map(zone =>
      Zone.parse({ zone, selfTest: false }),
    );

  test('adds the weights up and asks the allow list too', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 2 ? records('127.0.5.2') : listed));
    const { panel } = rig(resolver, { score: 3 }, { zones: zones() });
    const result = await panel.decide(client);
    assert.equal(result.outcome, 'clear');
    assert.ok(result.listing.every(({ name }) => name !== 'z2.test'));
  });

  test('lists who reaches it, and names the lists but not the allow list', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 2 ? nxdomain : listed));
    const { panel } = rig(resolver, { score: 5 }, { zones: zones() });
    const result = await panel.decide(client);
    assert.equal(result.outcome, 'listed');
    assert.deepEqual(
      result.listing.map(({ name }) => name),
      ['z0.test', 'z1.test'],
    );
  });

  test('lets a silent allow list count for the client', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 2 ? failed('timeout') : listed));
    const { panel } = rig(resolver, { score: 3 }, { zones: zones() });
    assert.equal((await panel.decide(client)).outcome, 'unknown');
  });

  test('lets it count too if it is silent and all that is known of it is an old "not listed"', async () => {
    const old = (reply: Answer): HandResolver =>
      new HandResolver(name => (zoneOf(name) === 2 ? ({ ...reply, age: 7_200_000, from: 'stale' } as Answer) : listed));
    const outcomeOf = async (resolver: HandResolver): Promise<string> => {
      const { panel, clock } = rig(resolver, { score: 3 }, { zones: zones() });
      clock.advance(86_400_000);
      return (await panel.decide(client)).outcome;
    };
    assert.equal(await outcomeOf(old(nxdomain)), 'unknown');
    assert.equal(await outcomeOf(old(records('127.0.5.2'))), 'clear');

    const known2 = old(nxdomain);
    known2.known.set(known('z2.test'), { ...nxdomain, age: 7_200_000, from: 'stale' });
    assert.equal(await outcomeOf(known2), 'unknown');
  });
});

test('a zone that lists nearly everybody is told once, and goes on', async () => {
  const resolver = new HandResolver(() => listed);
  const { panel, log } = rig(resolver, 'any', { zones: plainZones(1) });
  for (let count = 0; count < 400; count++)
    assert.equal((await panel.decide(address(`198.51.${count >> 8}.${count & 255}`))).outcome, 'listed');
  assert.deepEqual(log.lines, ['warn DNSBL z0.test lists nearly every client; is it what you want? zone=z0.test']);
});

describe('a complete ballot', () => {
  test('hears every zone, whatever the outcome', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 2 ? nxdomain : listed));
    const { panel } = rig(resolver, 'any', { zones: 3, fanout: 'complete' });
    const result = await panel.decide(client);
    assert.deepEqual([result.outcome, causes(result)], ['listed', ['listed', 'listed', 'clear']]);
  });

  test('does not wait for a zone for ever', async () => {
    const resolver = new HandResolver(name => (zoneOf(name) === 1 ? undefined : listed));
    const { panel, timers } = rig(resolver, 'any', { zones: 2, fanout: 'complete' });
    const deciding = panel.decide(client);
    await settle();
    await timers.advance(3_000);
    assert.equal(causes(await deciding)[0], 'listed');
  });
});
