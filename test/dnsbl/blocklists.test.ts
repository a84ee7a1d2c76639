import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BlocklistOptions,
  type Blocklists,
  checkBlocklists,
  createBlocklists,
} from '../../src/dnsbl/blocklists.ts';
import { ZoneError } from '../../src/dnsbl/zone-error.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { address, LinesLogger } from './support.ts';

function build(
  zoneFile: string,
  options: BlocklistOptions,
): { lists: Blocklists; log: LinesLogger; resolver: FakeResolver } {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const log = new LinesLogger();
  const resolver = new FakeResolver(zoneFile, { clock, timers, cache: true });
  return { lists: createBlocklists(options, { resolver, clock, timers, random: () => 0, log }), log, resolver };
}

const zoneFile = ['a', 'b', 'c']
  .map(name => `${name}.test SOA\n2.0.0.127.${name}.test A 127.0.0.2\n7.113.0.203.${name}.test A 127.0.0.2\n`)
  .join('');
const client = address('203.0.113.7');

test('zones abstain until their self-tests have ended, and then decide', async () => {
  const { lists } = build(zoneFile, { zones: ['a.test', 'b.test', 'c.test'], policy: 'majority' });
  assert.equal(lists.panel.decideNow(client)?.outcome, 'unknown');
  await lists.start();
  const result = await lists.panel.decide(client);
  assert.equal(result.outcome, 'listed');
  assert.equal(lists.panel.decideNow(client)?.outcome, 'listed', 'the cache knows it now');
  lists.stop();
});

test('several filters of one zone cost one query', async () => {
  const { lists, resolver } = build(`${zoneFile}7.113.0.203.a.test A 127.0.0.2 127.0.0.10`, {
    zones: ['a.test=127.0.0.2*2', 'a.test=127.0.0.10*3'],
    policy: { score: 5 },
  });
  await lists.start();
  const before = resolver.queries.length;
  assert.equal((await lists.panel.decide(client)).outcome, 'listed');
  assert.equal(resolver.queries.length, before + 1);
  lists.stop();
});

test('dead zones are left out with an error line, and the rest runs on', async () => {
  const { lists, log } = build(zoneFile, { zones: ['dnsbl.sorbs.net', 'a.test'], policy: 'all' });
  await lists.start();
  assert.equal((await lists.panel.decide(client)).outcome, 'listed');
  assert.match(log.lines[0] ?? '', /^error DNSBL dnsbl\.sorbs\.net is not asked: dead since 2024/);
  lists.stop();
});

test('if a dead zone leaves too few, nobody is listed, loudly, and it starts all the same', async () => {
  const { lists, log } = build(zoneFile, { zones: ['dnsbl.sorbs.net', 'a.test'], policy: { atLeast: 2 } });
  await lists.start();
  assert.equal((await lists.panel.decide(client)).outcome, 'clear');
  assert.match(log.lines[1] ?? '', /^error the DNSBL policy asks for more than the zones that are left can say/);
  lists.stop();
});

test('zones and policies that make no sense are refused', () => {
  for (const options of [
    { zones: ['a.test', 'a.test'], policy: 'any' },
    { zones: ['a.test'], policy: { atLeast: 2 } },
    { zones: ['a.test*-3'], policy: 'any' },
    { zones: ['a'], policy: 'any' },
  ] as const)
    assert.throws(() => checkBlocklists(options), ZoneError);
});
