import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Expiry, type Store, StoreError } from '../../src/greylist/store.ts';
import { createSweeper, expiryAt, type Sweeper } from '../../src/greylist/sweeper.ts';
import type { Timing } from '../../src/greylist/timing.ts';
import type { Logger } from '../../src/log/logger.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const timing: Timing = { delay: 5 * MINUTE, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };

interface Bench {
  readonly clock: FixedClock;
  readonly timers: FixedTimers;
  readonly sweeper: Sweeper;
  /** The expiry of each slice, and the wall clock at its time. */
  readonly slices: { readonly at: number; readonly expiry: Expiry }[];
  readonly log: string[];
}

/** A sweeper over a store that says each time what `answer` says. */
function setUp(answer: (slice: number) => Promise<{ removed: number; more: boolean }>): Bench {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const slices: Bench['slices'] = [];
  const log: string[] = [];
  const add = (message: string, fields: unknown): void => {
    log.push(`${message} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = { error: add, warn: add, info: add, debug: add };
  const store: Store = {
    ...createMemoryStore(),
    sweep(expiry) {
      slices.push({ at: clock.now(), expiry });
      return answer(slices.length);
    },
  };
  return {
    clock,
    timers,
    slices,
    log,
    sweeper: createSweeper({
      sweep: now => store.sweep(expiryAt(now, timing)),
      what: 'triplets',
      clock,
      timers,
      logger,
    }),
  };
}

const nothing = async (): Promise<{ removed: number; more: boolean }> => ({ removed: 0, more: false });

test('the first pass begins an hour after the start, the next an hour after its end', async () => {
  const { clock, timers, slices } = setUp(nothing);
  const start = clock.now();
  await timers.advance(3 * HOUR);
  assert.deepEqual(
    slices.map(({ at }) => at - start),
    [HOUR, 2 * HOUR, 3 * HOUR],
  );
});

test('a slice removes what is past the retry window or the lifetime', async () => {
  const { clock, timers, slices } = setUp(nothing);
  await timers.advance(HOUR);
  assert.deepEqual(slices[0]?.expiry, { pendingBefore: clock.now() - 2 * DAY, passedBefore: clock.now() - 36 * DAY });
});

test('a pass goes on in slices with pauses, and tells at its end how many it removed', async () => {
  const { clock, timers, slices, log } = setUp(async slice => ({ removed: 10, more: slice % 4 !== 0 }));
  const start = clock.now();
  await timers.advance(HOUR + MINUTE);
  assert.deepEqual(
    slices.map(({ at }) => at - start - HOUR),
    [0, 50, 100, 150],
  );
  assert.deepEqual(log, ['removed expired triplets {"count":40}']);
  await timers.advance(HOUR);
  assert.equal(slices.length, 8);
});

test('when the clock is set by more than an hour nothing is swept for an hour, in the midst of a pass too', async () => {
  for (const step of [HOUR + 1, -HOUR - 1, 400 * DAY]) {
    const { clock, timers, slices, log } = setUp(async () => ({ removed: 0, more: true }));
    await timers.advance(HOUR + 100);
    const before = slices.length;
    assert.ok(before > 0);
    clock.step(step);
    await timers.advance(HOUR);
    assert.equal(slices.length, before);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /the clock was set/);
    await timers.advance(MINUTE);
    assert.ok(slices.length > before);
    assert.equal(log.length, 1);
  }
});

test('a clock that is set again while nothing is swept starts the hour anew', async () => {
  const { clock, timers, slices } = setUp(nothing);
  await timers.advance(30 * MINUTE);
  clock.step(2 * DAY);
  await timers.advance(30 * MINUTE);
  assert.equal(slices.length, 0);
  await timers.advance(59 * MINUTE);
  assert.equal(slices.length, 0);
  await timers.advance(MINUTE);
  assert.equal(slices.length, 1);
});

test('small corrections of the clock change nothing', async () => {
  const { clock, timers, slices } = setUp(nothing);
  clock.step(-HOUR);
  await timers.advance(HOUR);
  assert.equal(slices.length, 1);
});

test('a store that fails is tried again an hour later', async () => {
  const { timers, slices, log } = setUp(async slice => {
    if (slice === 1) throw new StoreError('/x: locked');
    return { removed: 0, more: false };
  });
  await timers.advance(HOUR);
  assert.match(log[0] ?? '', /cannot remove expired triplets.*\/x: locked/);
  await timers.advance(HOUR);
  assert.equal(slices.length, 2);
});

test('a sweeper that is stopped does nothing any more, not even after the slice under way', async () => {
  const idle = setUp(nothing);
  idle.sweeper.stop();
  await idle.timers.advance(5 * HOUR);
  assert.equal(idle.slices.length, 0);

  for (const end of ['resolve', 'reject'] as const) {
    const slice = Promise.withResolvers<{ removed: number; more: boolean }>();
    const busy = setUp(() => slice.promise);
    await busy.timers.advance(HOUR);
    busy.sweeper.stop();
    if (end === 'resolve') slice.resolve({ removed: 0, more: true });
    else slice.reject(new StoreError('closed'));
    await busy.timers.advance(5 * HOUR);
    assert.equal(busy.slices.length, 1);
    assert.deepEqual(busy.log, []);
    assert.equal(busy.timers.size, 0);
  }
});

test('what has expired is gone after a pass, and the rest is there', async () => {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const store = createMemoryStore();
  const logger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
  const triplet = { network: 'n', sender: 's', recipient: 'r' };
  const entry = { firstSeen: clock.now(), lastSeen: clock.now(), passed: null, attempts: 1 };
  await store.update(triplet, () => ({ answer: undefined, store: entry }));
  createSweeper({ sweep: now => store.sweep(expiryAt(now, timing)), what: 'triplets', clock, timers, logger });
  await timers.advance(2 * DAY);
  assert.deepEqual(await store.get(triplet), entry);
  await timers.advance(2 * HOUR);
  assert.equal(await store.get(triplet), undefined);
});
