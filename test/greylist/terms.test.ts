/**
 * Terms: how checks change what the greylist asks of one attempt. Whatever they say, and however it changes between attempts,
 * nobody may be refused for good.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AttemptTerms, createGreylist, type Greylist } from '../../src/greylist/greylist.ts';
import type { Outcome, Timing } from '../../src/greylist/timing.ts';
import type { Logger } from '../../src/log/logger.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const plain: Timing = { delay: 5 * MINUTE, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };
const logger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
const client = parseAddress('203.0.113.7') as Address;
const far = parseAddress('2001:db8::1') as Address;

function setUp(timing: Timing = plain): { greylist: Greylist; clock: FixedClock } {
  const clock = new FixedClock();
  const parts = { store: createMemoryStore(), clock, timers: new FixedTimers(clock), logger };
  return { greylist: createGreylist({ ...parts, timing, form: { prefix4: 24, prefix6: 64 } }), clock };
}

function attempt(greylist: Greylist, terms?: AttemptTerms, address = client): Promise<Outcome> {
  return greylist.recipient(address, 'a@example.net', 'b@example.org', terms);
}

async function waits(timing: Timing, terms: AttemptTerms): Promise<number> {
  const outcome = await attempt(setUp(timing).greylist, terms);
  assert.ok(!outcome.pass);
  return outcome.waitSeconds;
}

test('the delay is the configured one, the one told, and what is told on top', async () => {
  assert.equal(await waits(plain, {}), 300);
  assert.equal(await waits(plain, { delay: 60 * MINUTE }), 3600);
  assert.equal(await waits(plain, { delay: 1_000 }), 1);
  assert.equal(await waits(plain, { delay: 0 }), 1);
  assert.equal(await waits(plain, { extraDelay: 10 * MINUTE }), 900);
  assert.equal(await waits(plain, { delay: MINUTE, extraDelay: MINUTE }), 120);
});

test('no told delay comes nearer than a minute to the end of the retry window, unless the configured one does', async () => {
  assert.equal(await waits(plain, { delay: 30 * DAY }), (2 * DAY - MINUTE) / 1000);
  assert.equal(await waits(plain, { extraDelay: 30 * DAY }), (2 * DAY - MINUTE) / 1000);
  const tight: Timing = { ...plain, delay: 5 * MINUTE, retryWindow: 5 * MINUTE + 10_000 };
  assert.equal(await waits(tight, { extraDelay: DAY }), 300);
});

test('whoever returns after exactly the longest told wait passes', async () => {
  const { greylist, clock } = setUp();
  const terms = { delay: 30 * DAY, extraDelay: DAY };
  const told = await attempt(greylist, terms);
  assert.ok(!told.pass);
  clock.advance(told.waitSeconds * 1000);
  assert.equal((await attempt(greylist, terms)).reason, 'matured');
});

test('a told delay shorter than tooSoon makes that as short', async () => {
  const { greylist, clock } = setUp({ ...plain, tooSoon: 4 * MINUTE });
  await attempt(greylist, { delay: MINUTE });
  clock.advance(MINUTE);
  assert.equal((await attempt(greylist, { delay: MINUTE })).reason, 'matured');
});

test('the first attempt counts for the wait, whatever was told then', async () => {
  const { greylist, clock } = setUp();
  await attempt(greylist, { delay: 60 * MINUTE });
  clock.advance(5 * MINUTE);
  assert.equal((await attempt(greylist)).reason, 'matured');
  const other = setUp();
  await attempt(other.greylist);
  other.clock.advance(5 * MINUTE);
  assert.deepEqual(await attempt(other.greylist, { delay: 60 * MINUTE }), {
    pass: false,
    reason: 'early',
    waitSeconds: 55 * 60,
  });
});

test('a key takes the place of the network, for whoever comes with it', async () => {
  const { greylist, clock } = setUp();
  const key = 'spf:example.net';
  await attempt(greylist, { key });
  clock.advance(5 * MINUTE);
  assert.equal((await attempt(greylist, { key: 'spf:example.com' }, far)).reason, 'new');
  assert.equal((await attempt(greylist, {}, far)).reason, 'new');
  assert.equal((await attempt(greylist, { key }, far)).reason, 'matured');
  const { triplet } = await greylist.peek(client, 'a@example.net', 'b@example.org', { key });
  assert.equal(triplet.network, key);
});

const terms: fc.Arbitrary<AttemptTerms> = fc.record(
  {
    key: fc.constantFrom('spf:example.net', 'spf:example.com'),
    delay: fc.oneof(fc.nat(10 * MINUTE), fc.nat(60 * DAY)),
    extraDelay: fc.oneof(fc.nat(10 * MINUTE), fc.nat(60 * DAY)),
  },
  { requiredKeys: [] },
);
const timings: fc.Arbitrary<Timing> = fc
  .record({ delay: fc.nat(10 * MINUTE), window: fc.nat(3 * DAY), lifetime: fc.nat(40 * DAY), tooSoon: fc.nat(100) })
  .map(({ delay, window, lifetime, tooSoon }) => ({
    delay,
    retryWindow: delay + 1_000 + window,
    lifetime,
    tooSoon: Math.floor((delay * tooSoon) / 100),
  }));

test('terms may change between attempts: whoever does as the last answer says passes when terms stay as they are', async () => {
  const pause = fc.oneof(fc.nat(10 * MINUTE), fc.nat(3 * DAY));
  const past = fc.array(fc.tuple(terms, pause), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(timings, past, terms, async (timing, attempts, last) => {
      const { greylist, clock } = setUp(timing);
      for (const [given, milliseconds] of attempts) {
        await attempt(greylist, given);
        clock.advance(milliseconds);
      }
      const told = await attempt(greylist, last);
      if (told.pass) return;
      clock.advance(told.waitSeconds * 1000);
      assert.equal((await attempt(greylist, last)).pass, true);
    }),
    { numRuns: 1_000 },
  );
});

test('terms that change for ever keep nobody out who tries twice a day', async () => {
  const delays = fc.record({ delay: fc.nat(DAY / 2), extraDelay: fc.nat(DAY / 2) }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(delays),
      fc.integer({ min: MINUTE, max: 12 * 60 * MINUTE }),
      async (given, every) => {
        const { greylist, clock } = setUp();
        const start = clock.now();
        for (;;) {
          const next = given.next().value as AttemptTerms;
          if ((await attempt(greylist, next)).pass) return;
          clock.advance(every);
          assert.ok(clock.now() - start <= DAY + every, 'still kept waiting after the longest delay of all');
        }
      },
    ),
    { numRuns: 200 },
  );
});
