import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createGreylist, type Greylist } from '../../src/greylist/greylist.ts';
import { type Store, StoreError } from '../../src/greylist/store.ts';
import type { Outcome, Timing } from '../../src/greylist/timing.ts';
import type { Logger } from '../../src/log/logger.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const timing: Timing = { delay: 300_000, retryWindow: 2 * 86_400_000, lifetime: 36 * 86_400_000, tooSoon: 0 };
const form = { prefix4: 24, prefix6: 64 };
const logger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
const client = parseAddress('203.0.113.7') as Address;
const neighbour = parseAddress('203.0.113.99') as Address;
const stranger = parseAddress('198.51.100.1') as Address;

function setUp(store: Store = createMemoryStore()): { greylist: Greylist; clock: FixedClock; timers: FixedTimers } {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const greylist = createGreylist({ store, clock, timers, timing, form, logger });
  return { greylist, clock, timers };
}

test('a first attempt waits, an early one waits for the rest, and one after the wait passes', async () => {
  const { greylist, clock } = setUp();
  const attempt = (): Promise<Outcome> => greylist.recipient(client, 'a@example.net', 'b@example.org');
  assert.deepEqual(await attempt(), { pass: false, reason: 'new', waitSeconds: 300 });
  clock.advance(27_500);
  assert.deepEqual(await attempt(), { pass: false, reason: 'early', waitSeconds: 273 });
  clock.advance(273_000);
  assert.deepEqual(await attempt(), { pass: true, reason: 'matured', delayed: 300_500 });
  clock.advance(1);
  assert.deepEqual(await attempt(), { pass: true, reason: 'known', delayed: 0 });
});

test('the network counts, not the address; another sender, recipient or network waits anew', async () => {
  const { greylist, clock } = setUp();
  await greylist.recipient(client, 'a@example.net', 'b@example.org');
  clock.advance(300_000);
  const reason = async (address: Address, sender: string, recipient: string): Promise<string> =>
    (await greylist.recipient(address, sender, recipient)).reason;
  assert.equal(await reason(stranger, 'a@example.net', 'b@example.org'), 'new');
  assert.equal(await reason(client, 'c@example.net', 'b@example.org'), 'new');
  assert.equal(await reason(client, 'a@example.net', 'c@example.org'), 'new');
  assert.equal(await reason(neighbour, 'A@Example.NET', '<b@example.org.>'), 'matured');
});

test('a peek tells what would be answered, and is no attempt', async () => {
  const { greylist, clock } = setUp();
  const triplet = { network: '203.0.113.0/24', sender: 'a@example.net', recipient: 'b@example.org' };
  const peek = () => greylist.peek(client, 'A@example.net', 'b@example.org');
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await peek(), {
      triplet,
      stored: undefined,
      outcome: { pass: false, reason: 'new', waitSeconds: 300 },
    });
  }
  await greylist.recipient(client, 'a@example.net', 'b@example.org');
  const stored = { firstSeen: clock.now(), lastSeen: clock.now(), passed: null, attempts: 1 };
  clock.advance(300_000);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await peek(), {
      triplet,
      stored,
      outcome: { pass: true, reason: 'matured', delayed: 300_000 },
    });
  }
});

test('the wait counts from the attempt, not from when the store got round to it', async () => {
  const inner = createMemoryStore();
  const clock = new FixedClock();
  const late: Store = {
    update(triplet, decide) {
      clock.advance(4_000);
      return inner.update(triplet, decide);
    },
    get: triplet => inner.get(triplet),
    sweep: expiry => inner.sweep(expiry),
    close: () => inner.close(),
  };
  const greylist = createGreylist({ store: late, clock, timers: new FixedTimers(clock), timing, form, logger });
  const start = clock.now();
  await greylist.recipient(client, 'a', 'b');
  assert.equal((await greylist.peek(client, 'a', 'b')).stored?.firstSeen, start);
});

test('a store that fails is heard of', async () => {
  const failure = new StoreError('/x: the disk is full');
  const { greylist } = setUp({
    update: () => Promise.reject(failure),
    get: () => Promise.reject(failure),
    sweep: () => Promise.reject(failure),
    close: async () => {},
  });
  await assert.rejects(greylist.recipient(client, 'a', 'b'), failure);
  await assert.rejects(greylist.peek(client, 'a', 'b'), failure);
});

test('settings with which nobody could pass are refused', () => {
  const clock = new FixedClock();
  assert.throws(
    () =>
      createGreylist({
        store: createMemoryStore(),
        clock,
        timers: new FixedTimers(clock),
        timing: { ...timing, retryWindow: 0 },
        form,
        logger,
      }),
    RangeError,
  );
});

test('an honest sender is never kept waiting for good, whatever the clock does before it obeys', async () => {
  const step = fc.oneof(fc.nat(400_000), fc.integer({ min: -50 * 86_400_000, max: 50 * 86_400_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
      const { greylist, clock } = setUp();
      const attempt = (): Promise<Outcome> => greylist.recipient(client, 'a@example.net', 'b@example.org');
      for (const milliseconds of steps) {
        await attempt();
        clock.step(milliseconds);
      }
      const told = await attempt();
      if (told.pass) return;
      clock.advance(told.waitSeconds * 1000);
      assert.equal((await attempt()).reason, 'matured');
    }),
    { numRuns: 300 },
  );
});
