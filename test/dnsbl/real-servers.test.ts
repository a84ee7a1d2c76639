/**
 * The blocklists against real servers: rbldnsd, one a list, behind unbound. What is listed where, any, all and majority, one
 * server killed, IPv6, and what the doctor says of sick lists and of a resolver that hides answers.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dnsblCheckUp } from '../../src/cli/dnsbl.ts';
import type { DoctorReport } from '../../src/cli/dnsbl-doctor.ts';
import { systemClock, systemTimers } from '../../src/clock.ts';
import { systemRandom } from '../../src/dns/random.ts';
import type { ServerAddress } from '../../src/dns/servers.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import type { Policy } from '../../src/dnsbl/ballot.ts';
import { createBlocklists } from '../../src/dnsbl/blocklists.ts';
import { type Child, findProgram, freePort, spawnChild } from '../support/process.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { address, LinesLogger } from './support.ts';

const rbldnsd = await findProgram('rbldnsd');
const unbound = await findProgram('unbound');
const missing = [rbldnsd ? [] : ['rbldnsd'], unbound ? [] : ['unbound']].flat().join(' and ');
const skip = missing === '' ? false : `not installed: ${missing}`;

const soa = '$SOA 60 ns.test hostmaster.test 0 600 300 86400 60\n$TTL 60\n';
const entries = ':127.0.0.2:Listed, see https://lists.test/?$\n127.0.0.2\n';
const entriesIpv6 = '::ffff:7f00:2\n2001:db8:bad::/48\n';
/** Lists of addresses. A client's last octet says, bit by bit, which of a, b and c list it: 1, 2, 4. */
const bits = (bit: number): string =>
  [...Array(256).keys()]
    .filter(octet => octet & bit)
    .map(octet => `203.0.113.${octet}\n`)
    .join('');
const everyone = '0.0.0.0/1\n128.0.0.0/1\n';
const lists: Readonly<Record<string, string>> = {
  'a.test': soa + entries + bits(1),
  'b.test': soa + entries + bits(2),
  'c.test': soa + entries + bits(4),
  'world.test': `${soa}:127.0.0.2:Everyone\n${everyone}`,
  'denied.test': `${soa}:127.255.255.254:Not through a public resolver\n${everyone}`,
};

/** Starts one list's server. */
async function startList(owner: Owner, zone: string): Promise<{ child: Child; port: number }> {
  const directory = tempDir(owner);
  const port = await freePort();
  writeFileSync(join(directory, 'ip4'), lists[zone] ?? '', { mode: 0o644 });
  writeFileSync(join(directory, 'ip6'), `${soa}:127.0.0.2:Listed\n${zone === 'a.test' ? entriesIpv6 : ''}`, {
    mode: 0o644,
  });
  const user = process.getuid?.() === 0 ? ['-u', 'rbldns'] : [];
  const data = [`${zone}:ip4set:ip4`, ...(zone === 'a.test' ? [`${zone}:ip6trie:ip6`] : [])];
  const child = spawnChild(owner, rbldnsd!, ['-n', ...user, '-w', directory, '-b', `127.0.0.1/${port}`, ...data]);
  await child.line(/started/);
  return { child, port };
}

/** Starts a resolver that knows the lists and nothing else; `extra` goes into its server section. */
async function startResolver(owner: Owner, ports: ReadonlyMap<string, number>, extra = ''): Promise<ServerAddress> {
  const directory = tempDir(owner);
  const port = await freePort();
  const zones = [...ports].map(
    ([zone, at]) => `stub-zone:\n  name: "${zone}"\n  stub-addr: 127.0.0.1@${at}\n  stub-no-cache: yes\n`,
  );
  const transparent = [...ports.keys()].map(zone => `  local-zone: "${zone}." transparent\n`);
  writeFileSync(
    join(directory, 'unbound.conf'),
    `server:\n  directory: "${directory}"\n  pidfile: ""\n  chroot: ""\n  username: ""\n  use-syslog: no\n  logfile: ""\n` +
      `  verbosity: 1\n  interface: 127.0.0.1\n  port: ${port}\n  access-control: 127.0.0.0/8 allow\n  num-threads: 1\n` +
      `  do-ip6: no\n  do-not-query-localhost: no\n  module-config: "iterator"\n  local-zone: "." static\n` +
      `${transparent.join('')}${extra}${zones.join('')}remote-control:\n  control-enable: no\n`,
  );
  const child = spawnChild(owner, unbound!, ['-d', '-c', join(directory, 'unbound.conf')]);
  await child.line(/start of service/);
  return { address: '127.0.0.1', family: 4, port };
}

describe('with rbldnsd behind unbound', { skip }, () => {
  const cleaners: (() => void | Promise<void>)[] = [];
  const owner: Owner = { after: clean => cleaners.unshift(clean) };
  const servers = new Map<string, { child: Child; port: number }>();
  const ports = new Map<string, number>();
  let server: ServerAddress;

  before(async () => {
    for (const zone of Object.keys(lists)) servers.set(zone, await startList(owner, zone));
    for (const [zone, { port }] of servers) ports.set(zone, port);
    server = await startResolver(owner, ports);
  });

  after(async () => {
    for (const clean of cleaners) await clean();
  });

  function resolverOf(from: ServerAddress): ReturnType<typeof createStubResolver> {
    const logger = new LinesLogger();
    return createStubResolver({ servers: [from], clock: systemClock, random: systemRandom, logger, timeout: 500 });
  }

  /** What becomes of each client under each policy. */
  async function outcomes(
    zones: readonly string[],
    policies: readonly Policy[],
    clients: readonly string[],
  ): Promise<string[]> {
    const resolver = resolverOf(server);
    const deps = { resolver, clock: systemClock, timers: systemTimers, random: Math.random, log: new LinesLogger() };
    const panels = policies.map(policy => createBlocklists({ zones, policy }, deps));
    await Promise.all(panels.map(made => made.start()));
    const rows = clients.map(client => [client]);
    // One policy after the other: the later ones find the earlier ones' votes in the cache and see all of them.
    for (const { panel } of panels)
      for (const [row, client] of clients.entries()) rows[row]!.push((await panel.decide(address(client))).outcome);
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
    const hiding = await startResolver(owner, ports, '  private-address: 127.0.0.0/8\n');
    const exempting = await startResolver(owner, ports, '  private-address: 127.0.0.0/8\n  private-domain: "a.test"\n');
    const report = await doctor(['a.test'], hiding);
    assert.deepEqual([report.ok, report.zones[0]?.verdict, report.resolver.stripsLoopback], [false, 'blind', true]);
    assert.match(report.resolver.advice.join(), /private-domain/);
    assert.equal((await doctor(['a.test'], exempting)).ok, true);
  });

  async function doctor(zones: readonly string[], from = server): Promise<DoctorReport> {
    const resolver = resolverOf(from);
    const deps = { resolver, servers: [from], clock: systemClock, timers: systemTimers, random: Math.random };
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
    assert.deepEqual(await outcomes(three, policies, clients), [
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
