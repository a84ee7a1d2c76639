/**
 * The blocklists against real servers: rbldnsd, one a list, behind unbound. What is listed where, any, all and majority, one
 * server killed, IPv6, and what the doctor says of sick lists and of a resolver that hides answers.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dnsblCheckUp } from '../../src/cli/dnsbl.ts';
import type { DoctorReport } from '../../src/cli/dnsbl-doctor.ts';
import { systemClock, systemTimers } from '../../src/clock.ts';
import { systemRandom } from '../../src/dns/random.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import type { Policy } from '../../src/dnsbl/ballot.ts';
import { createBlocklists } from '../../src/dnsbl/blocklists.ts';
import type { Result } from '../../src/dnsbl/result.ts';
import { address, LinesLogger } from '../dnsbl/support.ts';
import type { Owner } from '../support/temp-dir.ts';
import { type Rbldnsd, rbldnsdMissing, startRbldnsd, testEntry, type ZoneData } from './support/rbldnsd.ts';
import { startUnbound, type Unbound, unboundMissing } from './support/unbound.ts';

const everyone = ['0.0.0.0/1', '128.0.0.0/1'];
/** A list of every 203.0.113.x with this bit in x. */
function listOf(bit: number, ip6: readonly string[] = []): ZoneData {
  const octets = [...Array(256).keys()].filter(octet => octet & bit);
  return { ip4: [...testEntry.ip4, ...octets.map(octet => `203.0.113.${octet}`)], ip6: [...testEntry.ip6, ...ip6] };
}
const lists: Readonly<Record<string, ZoneData>> = {
  'a.test': listOf(1, ['2001:db8:bad::/48']),
  'b.test': listOf(2),
  'c.test': listOf(4),
  'world.test': { ip4: [':127.0.0.2:Everyone', ...everyone] },
  'denied.test': { ip4: [':127.255.255.254:Not through a public resolver', ...everyone] },
};

/** Whether a list that is not dead had no time to answer. */
function isLate({ words }: Result, dead: readonly string[]): boolean {
  return words.some(
    ({ zone, vote }) =>
      vote?.vote === 'abstain' && ['timeout', 'too-slow', 'deadline'].includes(vote.cause) && !dead.includes(zone.name),
  );
}

describe('with rbldnsd behind unbound', {
  skip: [rbldnsdMissing, unboundMissing].filter(Boolean).join(', ') || false,
}, () => {
  const cleaners: (() => void | Promise<void>)[] = [];
  const owner: Owner = { after: clean => cleaners.unshift(clean) };
  const servers = new Map<string, Rbldnsd>();
  let ports: Readonly<Record<string, number>>;
  let server: Unbound;

  before(async () => {
    for (const [zone, data] of Object.entries(lists)) servers.set(zone, await startRbldnsd(owner, { [zone]: data }));
    ports = Object.fromEntries([...servers].map(([zone, { port }]) => [zone, port]));
    server = await startUnbound(owner, { zones: ports });
  });

  after(async () => {
    for (const clean of cleaners) await clean();
  });

  function resolverOf({ port }: Unbound): ReturnType<typeof createStubResolver> {
    const servers = [{ address: '127.0.0.1', family: 4 as const, port }];
    const common = { clock: systemClock, random: systemRandom, logger: new LinesLogger() };
    return createStubResolver({ ...common, servers });
  }

  /** What becomes of each client under each policy. */
  async function outcomes(
    zones: readonly string[],
    policies: readonly Policy[],
    clients: readonly string[],
    dead: readonly string[] = [],
  ): Promise<string[]> {
    const resolver = resolverOf(server);
    const deps = { resolver, clock: systemClock, timers: systemTimers, random: Math.random, log: new LinesLogger() };
    const panels = policies.map(policy => createBlocklists({ zones, policy }, deps));
    await Promise.all(panels.map(made => made.start()));
    const rows = clients.map(client => [client]);
    // One policy after the other: the later ones find the earlier ones' votes in the cache and see all of them.
    for (const { panel } of panels)
      for (const [row, client] of clients.entries()) {
        const decide = async (): Promise<Result> => await panel.decide(address(client));
        let result = await decide();
        // Half a second is all that a list gets. When a busy machine holds up one that lives, its answer is there the next time.
        for (let tries = 0; tries < 5 && isLate(result, dead); tries++) {
          await sleep(200);
          result = await decide();
        }
        rows[row]!.push(result.outcome);
      }
    for (const made of panels) made.stop();
    await resolver.close();
    return rows.map(row => row.join(' '));
  }

  const three = ['a.test', 'b.test', 'c.test'];
  const policies = ['any', 'majority', 'all'] as const;

  test('listings and policies', async () => {
    assert.deepEqual(await outcomes(three, policies, ['203.0.113.0', '203.0.113.1', '203.0.113.3', '203.0.113.7']), [
      '203.0.113.0 clear clear clear',
      '203.0.113.1 listed clear clear',
      '203.0.113.3 listed listed clear',
      '203.0.113.7 listed listed listed',
    ]);
  });

  test('IPv6', async () => {
    assert.deepEqual(await outcomes(['a.test'], ['any'], ['2001:db8:bad::7', '2001:db8:900d::7']), [
      '2001:db8:bad::7 listed',
      '2001:db8:900d::7 clear',
    ]);
  });

  test('lists that list everyone, or refuse, list nobody', async () => {
    assert.deepEqual(await outcomes(['world.test', 'denied.test'], ['any'], ['203.0.113.7']), ['203.0.113.7 unknown']);
  });

  test('a resolver that takes loopback answers away is diagnosed, not believed', async () => {
    const section = ['private-address: 127.0.0.0/8'];
    const hiding = await startUnbound(owner, { zones: ports, server: section });
    const exempting = await startUnbound(owner, { zones: ports, server: [...section, 'private-domain: "a.test"'] });
    const report = await doctor(['a.test'], hiding);
    assert.deepEqual([report.ok, report.zones[0]?.verdict, report.resolver.stripsLoopback], [false, 'blind', true]);
    assert.match(report.resolver.advice.join(), /private-domain/);
    assert.equal((await doctor(['a.test'], exempting)).ok, true);
  });

  async function doctor(zones: readonly string[], from = server): Promise<DoctorReport> {
    const resolver = resolverOf(from);
    const asked = [{ address: '127.0.0.1', family: 4 as const, port: from.port }];
    const deps = { resolver, servers: asked, clock: systemClock, timers: systemTimers, random: Math.random };
    const { text } = await dnsblCheckUp({ zones, policy: 'any', json: true }, { ...deps, log: new LinesLogger() });
    await resolver.close();
    return JSON.parse(text) as DoctorReport;
  }

  test('the doctor tells the healthy from the sick', async () => {
    const { zones, resolver } = await doctor(['a.test', 'world.test', 'denied.test']);
    assert.deepEqual(
      zones.map(({ zone, ok, verdict }) => [zone, ok, verdict]),
      [
        ['a.test', true, 'ok'],
        ['world.test', false, 'lists-the-world'],
        ['denied.test', false, 'error-answer'],
      ],
    );
    assert.deepEqual([resolver.rewritesNxdomain, resolver.stripsLoopback], [false, false]);
  });

  test('with one server killed nobody is listed who would not have been', async () => {
    const victim = servers.get('c.test')!;
    await victim.child.stop('SIGKILL');
    const clients = ['203.0.113.16', '203.0.113.17', '203.0.113.19', '203.0.113.20'];
    assert.deepEqual(await outcomes(three, policies, clients, ['c.test']), [
      '203.0.113.16 unknown clear clear',
      '203.0.113.17 listed unknown clear',
      '203.0.113.19 listed listed unknown',
      '203.0.113.20 unknown clear clear',
    ]);
    const { ok, zones } = await doctor(three);
    assert.equal(ok, false);
    assert.deepEqual(
      zones.map(zone => zone.ok),
      [true, true, false],
    );
    assert.match(zones[2]?.advice ?? '', /do not answer your resolver/);
  });
});
