import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Channel, type Condition } from '../../src/dnsbl/channel.ts';
import type { TestResult } from '../../src/dnsbl/self-test.ts';
import type { AbstainCause, Vote } from '../../src/dnsbl/vote.ts';
import { Zone, type ZoneOptions } from '../../src/dnsbl/zone.ts';

const good: TestResult = { verdict: 'good' };
const blind: TestResult = { verdict: 'bad', cause: 'blind', detail: 'no test entry' };
const world: TestResult = { verdict: 'bad', cause: 'lists-the-world', detail: 'lists 127.0.0.1' };
const unsure: TestResult = { verdict: 'unsure', cause: 'timeout', detail: '' };
const clear: Vote = { vote: 'clear' };
const abstain = (cause: AbstainCause, detail = ''): Vote => ({ vote: 'abstain', cause, detail });

function channel(family: 4 | 6 = 4, options: Omit<ZoneOptions, 'zone'> = {}): { channel: Channel; changes: string[] } {
  const changes: string[] = [];
  const name = (condition: Condition): string =>
    condition.state === 'out' ? `out(${condition.cause}: ${condition.detail})` : condition.state;
  const made = new Channel(Zone.parse({ zone: 'bl.test', ...options }), family, ({ condition }, before) => {
    changes.push(`${name(before).replace(/: .*\)/, ')')} > ${name(condition)}`);
  });
  return { channel: made, changes };
}

/** A channel that passed its first test. */
function healthy(): ReturnType<typeof channel> {
  const made = channel();
  made.channel.tested(good);
  made.changes.length = 0;
  return made;
}

describe('the first self-test', () => {
  test('must end before a zone has a say', () => {
    const { channel: zone, changes } = channel();
    assert.deepEqual(zone.standing, { vote: 'abstain', cause: 'untested' });
    assert.ok(zone.eligible);
    zone.tested(good);
    assert.equal(zone.standing, undefined);
    assert.deepEqual(changes, ['untested > healthy']);
  });

  test('that fails keeps it out', () => {
    for (const [result, cause] of [
      [blind, 'blind'],
      [world, 'lists-the-world'],
      [unsure, 'unreachable'],
    ] as const) {
      const { channel: zone } = channel();
      zone.tested(result);
      assert.equal(zone.standing?.cause, cause);
    }
  });

  test('is waited for even where there are no test entries: it shows whether everyone is listed', () => {
    assert.equal(channel(4, { selfTest: false }).channel.condition.state, 'untested');
    assert.equal(channel(6, { selfTest: false, ipv6: true }).channel.condition.state, 'untested');
  });
});

describe('a doubt', () => {
  const listed: Vote = { vote: 'listed', codes: ['127.0.0.2'], score: 1 };
  const watched = (): { channel: Channel; doubts: () => number } => {
    let doubts = 0;
    const made = new Channel(
      Zone.parse('bl.test'),
      4,
      () => {},
      () => doubts++,
    );
    made.tested(good);
    return { channel: made, doubts: () => doubts };
  };

  test('arises when a zone lists eight clients without an exception, and again after eight more', () => {
    const { channel: zone, doubts } = watched();
    for (let count = 0; count < 7; count++) zone.report(listed);
    assert.equal(doubts(), 0);
    zone.report(abstain('timeout'));
    zone.report(listed);
    assert.equal(doubts(), 1);
    for (let count = 0; count < 8; count++) zone.report(listed);
    assert.equal(doubts(), 2);
  });

  test('does not arise about a zone that also says no', () => {
    const { channel: zone, doubts } = watched();
    for (let count = 0; count < 100; count++) zone.report(count % 8 === 7 ? clear : listed);
    assert.equal(doubts(), 0);
  });
});

describe('live questions', () => {
  test('take a zone out after five failures in a row', () => {
    const { channel: zone, changes } = healthy();
    for (let count = 0; count < 4; count++) zone.report(abstain('servfail'));
    zone.report(clear);
    for (let count = 0; count < 4; count++) zone.report(abstain('servfail'));
    assert.deepEqual(changes, []);
    zone.report(abstain('timeout'));
    assert.deepEqual(changes, ['healthy > out(unreachable: 5 failures in a row, last: timeout)']);
  });

  test('take it out when more than half of twenty fail', () => {
    const { channel: zone, changes } = healthy();
    for (let count = 0; count < 19; count++) zone.report(count % 2 === 0 ? abstain('timeout') : clear);
    assert.deepEqual(changes, []);
    zone.report(abstain('timeout'));
    assert.deepEqual(changes, ['healthy > out(unreachable: 11 of the last 20 questions failed, last: timeout)']);
  });

  test('forget failures that are long past', () => {
    const { channel: zone, changes } = healthy();
    for (let round = 0; round < 50; round++) {
      for (let count = 0; count < 4; count++) zone.report(abstain('timeout'));
      for (let count = 0; count < 6; count++) zone.report(clear);
    }
    assert.deepEqual(changes, []);
  });

  test('take it out at once when it gives error answers, foreign answers, or its domain is gone', () => {
    for (const cause of ['error-answer', 'foreign-answer', 'zone-gone'] as const) {
      const { channel: zone, changes } = healthy();
      zone.report(abstain(cause, 'in words'));
      assert.deepEqual(changes, [`healthy > out(${cause}: in words)`]);
    }
  });

  test('say nothing about a zone that was not asked, or when our own side failed', () => {
    const { channel: zone, changes } = healthy();
    for (let count = 0; count < 50; count++)
      for (const cause of [
        'aborted',
        'queue-full',
        'refused-connection',
        'breaker-open',
        'too-slow',
        'deadline',
      ] as const)
        zone.report(abstain(cause));
    assert.deepEqual(changes, []);
  });

  test('do not bring a zone back: late answers prove nothing', () => {
    const { channel: zone } = healthy();
    zone.report(abstain('error-answer'));
    for (let count = 0; count < 50; count++) zone.report(clear);
    assert.equal(zone.standing?.cause, 'error-answer');
  });
});

describe('the way back', () => {
  test('takes two good tests in a row', () => {
    const { channel: zone, changes } = healthy();
    zone.tested(world);
    zone.tested(good);
    zone.tested(blind);
    zone.tested(good);
    assert.equal(zone.condition.state, 'out');
    zone.tested(good);
    assert.deepEqual(changes, [
      'healthy > out(lists-the-world: lists 127.0.0.1)',
      'out(lists-the-world) > out(blind: no test entry)',
      'out(blind) > healthy',
    ]);
  });

  test('is tried after 1, 2, 4 … 300 seconds, and soon again once a test was good', () => {
    const { channel: zone } = healthy();
    assert.equal(zone.nextTest(0), 300_000);
    assert.equal(zone.nextTest(0.5), 315_000);
    const waits: number[] = [];
    for (let count = 0; count < 11; count++) {
      zone.tested(blind);
      waits.push(zone.nextTest(0) / 1000);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    zone.tested(good);
    assert.equal(zone.nextTest(0), 1_000);
    zone.tested(good);
    assert.equal(zone.nextTest(0), 300_000);
    zone.report(abstain('error-answer'));
    assert.equal(zone.nextTest(0), 1_000);
  });

  test("is not made longer by a resolver that fails: that is not the list's fault", () => {
    const { channel: zone } = channel();
    for (let count = 0; count < 10; count++) {
      zone.tested({ verdict: 'unsure', cause: 'refused-connection', detail: 'ECONNREFUSED' });
      assert.equal(zone.nextTest(0), 1_000);
    }
    assert.equal(zone.standing?.cause, 'unreachable');
  });

  test('starts with a clean count of failures', () => {
    const { channel: zone } = healthy();
    for (let count = 0; count < 5; count++) zone.report(abstain('timeout'));
    zone.tested(good);
    zone.tested(good);
    for (let count = 0; count < 4; count++) zone.report(abstain('timeout'));
    assert.equal(zone.condition.state, 'healthy');
  });

  test('a test without an answer counts like a live failure while the zone is well', () => {
    const { channel: zone } = healthy();
    for (let count = 0; count < 4; count++) zone.tested(unsure);
    assert.equal(zone.condition.state, 'healthy');
    zone.tested(unsure);
    assert.equal(zone.standing?.cause, 'unreachable');
  });

  test('the same cause again is no change', () => {
    const { channel: zone, changes } = healthy();
    zone.tested(blind);
    zone.tested({ ...blind, detail: 'other words' });
    assert.equal(changes.length, 1);
  });
});

describe('IPv6', () => {
  function pair(ipv4: TestResult): { ipv4: Channel; ipv6: Channel } {
    const { channel: sibling } = channel(4);
    sibling.tested(ipv4);
    return { ipv4: sibling, ipv6: channel(6).channel };
  }

  test('is in use where the IPv6 test entry is listed', () => {
    const { ipv4, ipv6 } = pair(good);
    ipv6.tested(good, ipv4);
    assert.equal(ipv6.condition.state, 'healthy');
  });

  test('is in use all the same where that entry is missing, if the list is well otherwise', () => {
    const { ipv4, ipv6 } = pair(good);
    ipv6.tested(blind, ipv4);
    assert.equal(ipv6.condition.state, 'unproven');
    assert.equal(ipv6.standing, undefined);
    assert.equal(ipv6.nextTest(0), 300_000);
    ipv6.tested(good, ipv4);
    assert.equal(ipv6.condition.state, 'healthy', 'it may get one some day');
  });

  test('waits until the list is well: a missing entry proves nothing before', () => {
    for (const result of [blind, unsure, world]) {
      const { ipv4, ipv6 } = pair(result);
      ipv6.tested(blind, ipv4);
      assert.equal(ipv6.standing?.cause, 'untested');
      assert.equal(ipv6.nextTest(0), 2_000);
      ipv4.tested(good);
      ipv4.tested(good);
      ipv6.tested(blind, ipv4);
      assert.equal(ipv6.condition.state, 'unproven');
    }
  });

  test('is out when the list does not answer, lists the world, or live questions fail, and comes back without an entry', () => {
    const { ipv4, ipv6 } = pair(good);
    ipv6.tested(blind, ipv4);
    ipv6.tested(world, ipv4);
    assert.equal(ipv6.standing?.cause, 'lists-the-world');
    ipv6.tested(blind, ipv4);
    assert.equal(ipv6.standing?.cause, 'lists-the-world', 'one good test is not enough');
    ipv6.tested(blind, ipv4);
    assert.equal(ipv6.condition.state, 'unproven');
    for (let count = 0; count < 5; count++) ipv6.report(abstain('timeout'));
    assert.equal(ipv6.standing?.cause, 'unreachable');
  });

  test('is out with the list itself, if nothing proves it', () => {
    const { ipv4, ipv6 } = pair(good);
    ipv6.tested(blind, ipv4);
    ipv4.tested(blind);
    ipv6.tested(blind, ipv4);
    assert.equal(ipv6.standing?.cause, 'blind');
  });

  test('misses an entry that was there once: that is a fault, and it stays in the count', () => {
    const { ipv4, ipv6 } = pair(good);
    ipv6.tested(good, ipv4);
    ipv6.tested(blind, ipv4);
    assert.ok(ipv6.eligible);
    assert.equal(ipv6.standing?.cause, 'blind');
  });

  test('can be told: then a missing entry is a fault, or nothing is tested', () => {
    const { channel: told } = channel(6, { ipv6: true });
    told.tested(blind, pair(good).ipv4);
    assert.equal(told.standing?.cause, 'blind');
    const { channel: never } = channel(6, { ipv6: false });
    assert.equal(never.eligible, false);
  });
});
