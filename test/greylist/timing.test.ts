import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry, Step } from '../../src/greylist/store.ts';
import { checkTiming, judge, type Outcome, type Timing } from '../../src/greylist/timing.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const timing: Timing = { delay: 300 * SECOND, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };
const impatient: Timing = { ...timing, tooSoon: 10 * SECOND };
const now = Date.UTC(2026, 10, 21, 8, 53, 48);

function pendingSince(age: number, attempts = 1): Entry {
  return { firstSeen: now - age, lastSeen: now - age, passed: null, attempts };
}

function passedAndSilent(silence: number): Entry {
  return { firstSeen: now - 40 * DAY, lastSeen: now - silence, passed: now - 39 * DAY, attempts: 3 };
}

const fresh: Entry = { firstSeen: now, lastSeen: now, passed: null, attempts: 1 };

interface Row {
  readonly name: string;
  readonly stored: Entry | undefined;
  readonly timing?: Timing;
  readonly answer: Outcome;
  readonly store: Entry | undefined;
}

const rows: readonly Row[] = [
  {
    name: 'a triplet never seen waits for the delay',
    stored: undefined,
    answer: { pass: false, reason: 'new', waitSeconds: 300 },
    store: fresh,
  },
  {
    name: 'the wait of a delay that is no whole second is rounded up',
    stored: undefined,
    timing: { ...timing, delay: 1_001 },
    answer: { pass: false, reason: 'new', waitSeconds: 2 },
    store: fresh,
  },
  {
    name: 'with no delay the wait is a second',
    stored: undefined,
    timing: { ...timing, delay: 0 },
    answer: { pass: false, reason: 'new', waitSeconds: 1 },
    store: fresh,
  },
  {
    name: 'a retry that is too soon starts the delay again',
    stored: pendingSince(10 * SECOND - 1, 4),
    timing: impatient,
    answer: { pass: false, reason: 'too-soon', waitSeconds: 300 },
    store: { firstSeen: now, lastSeen: now, passed: null, attempts: 5 },
  },
  {
    name: 'a retry at the limit of too soon is only early',
    stored: pendingSince(10 * SECOND),
    timing: impatient,
    answer: { pass: false, reason: 'early', waitSeconds: 290 },
    store: { firstSeen: now - 10 * SECOND, lastSeen: now, passed: null, attempts: 2 },
  },
  {
    name: 'a retry at once is early, if nothing is too soon',
    stored: pendingSince(0),
    answer: { pass: false, reason: 'early', waitSeconds: 300 },
    store: { firstSeen: now, lastSeen: now, passed: null, attempts: 2 },
  },
  {
    name: 'an early retry waits for the rest, rounded up',
    stored: pendingSince(27 * SECOND + 1, 2),
    answer: { pass: false, reason: 'early', waitSeconds: 273 },
    store: { firstSeen: now - 27 * SECOND - 1, lastSeen: now, passed: null, attempts: 3 },
  },
  {
    name: 'a retry a millisecond early waits for a second',
    stored: pendingSince(300 * SECOND - 1),
    answer: { pass: false, reason: 'early', waitSeconds: 1 },
    store: { firstSeen: now - 300 * SECOND + 1, lastSeen: now, passed: null, attempts: 2 },
  },
  {
    name: 'a retry after exactly the delay passes',
    stored: pendingSince(300 * SECOND),
    answer: { pass: true, reason: 'matured', delayed: 300 * SECOND },
    store: { firstSeen: now - 300 * SECOND, lastSeen: now, passed: now, attempts: 2 },
  },
  {
    name: 'a retry at the end of the retry window passes',
    stored: pendingSince(2 * DAY, 7),
    answer: { pass: true, reason: 'matured', delayed: 2 * DAY },
    store: { firstSeen: now - 2 * DAY, lastSeen: now, passed: now, attempts: 8 },
  },
  {
    name: 'a retry after the retry window waits anew, and is never refused',
    stored: pendingSince(2 * DAY + 1, 7),
    answer: { pass: false, reason: 'late', waitSeconds: 300 },
    store: fresh,
  },
  {
    name: 'a triplet that passed within the hour is known, and nothing is written',
    stored: passedAndSilent(HOUR - 1),
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: undefined,
  },
  {
    name: 'a triplet that passed an hour ago is known, and its time is renewed',
    stored: passedAndSilent(HOUR),
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: { ...passedAndSilent(HOUR), lastSeen: now },
  },
  {
    name: 'a triplet is known to the end of its lifetime',
    stored: passedAndSilent(36 * DAY),
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: { ...passedAndSilent(36 * DAY), lastSeen: now },
  },
  {
    name: 'a triplet that was silent for longer waits anew',
    stored: passedAndSilent(36 * DAY + 1),
    answer: { pass: false, reason: 'expired', waitSeconds: 300 },
    store: fresh,
  },
  {
    name: 'a lifetime of less than a day is renewed more often, or regular mail would outlive it',
    stored: passedAndSilent(5 * 60 * SECOND),
    timing: { ...timing, lifetime: 2 * HOUR },
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: { ...passedAndSilent(0) },
  },
  {
    name: 'a pending triplet first seen in the future counts from now on',
    stored: { firstSeen: now + DAY, lastSeen: now + DAY, passed: null, attempts: 2 },
    answer: { pass: false, reason: 'early', waitSeconds: 300 },
    store: { firstSeen: now, lastSeen: now, passed: null, attempts: 3 },
  },
  {
    name: 'a pending triplet last seen in the future keeps its age',
    stored: { firstSeen: now - 400 * SECOND, lastSeen: now + DAY, passed: null, attempts: 2 },
    answer: { pass: true, reason: 'matured', delayed: 400 * SECOND },
    store: { firstSeen: now - 400 * SECOND, lastSeen: now, passed: now, attempts: 3 },
  },
  {
    name: 'a known triplet whose times lie in the future is corrected at once',
    stored: { firstSeen: now + 1, lastSeen: now + 3, passed: now + 2, attempts: 2 },
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: { firstSeen: now, lastSeen: now, passed: now, attempts: 2 },
  },
  {
    name: 'a known triplet is corrected even if only one of its times lies in the future',
    stored: { firstSeen: now - DAY, lastSeen: now - 5, passed: now + 2, attempts: 2 },
    answer: { pass: true, reason: 'known', delayed: 0 },
    store: { firstSeen: now - DAY, lastSeen: now, passed: now, attempts: 2 },
  },
];

for (const { name, stored, timing: own = timing, answer, store } of rows) {
  test(name, () => {
    const expected: Step<Outcome> = store === undefined ? { answer } : { answer, store };
    assert.deepEqual(judge(stored, now, own), expected);
  });
}

const anyTiming: fc.Arbitrary<Timing> = fc
  .record({
    delay: fc.integer({ min: 0, max: DAY }),
    soon: fc.double({ min: 0, max: 1, noNaN: true }),
    window: fc.integer({ min: SECOND, max: 9 * DAY }),
    lifetime: fc.integer({ min: 0, max: 60 * DAY }),
  })
  .map(({ delay, soon, window, lifetime }) => ({
    delay,
    retryWindow: delay + window,
    lifetime,
    tooSoon: Math.floor(soon * delay),
  }));

const moment = fc.integer({ min: 0, max: 4e12 });
const anyEntry: fc.Arbitrary<Entry | undefined> = fc.option(
  fc.record({
    firstSeen: moment,
    lastSeen: moment,
    passed: fc.option(moment),
    attempts: fc.integer({ min: 1, max: 1_000 }),
  }),
  { nil: undefined },
);

test('whatever is stored, whoever returns after the announced wait passes', () => {
  fc.assert(
    fc.property(anyTiming, anyEntry, moment, (own, stored, at) => {
      const first = judge(stored, at, own);
      if (first.answer.pass) return;
      const { waitSeconds } = first.answer;
      assert.ok(Number.isInteger(waitSeconds) && waitSeconds >= 1);
      const second = judge(first.store, at + waitSeconds * 1000, own);
      assert.deepEqual([second.answer.pass, second.answer.reason], [true, 'matured']);
    }),
    { numRuns: 5_000 },
  );
});

test('nothing that is stored lies in the future', () => {
  fc.assert(
    fc.property(anyTiming, anyEntry, moment, (own, stored, at) => {
      const { store } = judge(stored, at, own);
      if (!store) {
        assert.ok(stored !== undefined && Math.max(stored.firstSeen, stored.lastSeen, stored.passed ?? 0) <= at);
      } else assert.ok(Math.max(store.firstSeen, store.lastSeen, store.passed ?? 0) <= at);
    }),
    { numRuns: 5_000 },
  );
});

/** Milliseconds by which the clock moves before an attempt: mostly the time that goes by, now and then someone sets it. */
const movement = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 * SECOND }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 40 * DAY }) },
  { weight: 1, arbitrary: fc.integer({ min: -40 * DAY, max: 0 }) },
);

test('over any attempts and clock steps nothing passes before its delay, and nothing that passed is forgotten in its lifetime', () => {
  fc.assert(
    fc.property(fc.array(movement, { minLength: 1, maxLength: 60 }), fc.boolean(), (movements, soon) => {
      const own = soon ? impatient : timing;
      let at = now;
      let stored: Entry | undefined;
      // The model: the earliest moment that the present wait has been counted from, and the last renewal.
      let waitingSince: number | undefined;
      let renewed: number | undefined;
      for (const movement of movements) {
        at += movement;
        if (waitingSince !== undefined) waitingSince = Math.min(waitingSince, at);
        if (renewed !== undefined) renewed = Math.min(renewed, at);
        const { answer, store } = judge(stored, at, own);
        if (renewed !== undefined) {
          assert.equal(answer.pass, at - renewed <= own.lifetime);
        } else if (waitingSince !== undefined && answer.pass) {
          assert.ok(at - waitingSince >= own.delay);
          assert.equal(answer.delayed, at - waitingSince);
        } else if (waitingSince === undefined) assert.equal(answer.pass, false);
        if (answer.pass) {
          waitingSince = undefined;
          renewed = store ? at : renewed;
        } else {
          if (answer.reason !== 'early') waitingSince = at;
          renewed = undefined;
        }
        stored = store ?? stored;
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a known triplet is written at most once an hour, however often it comes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: HOUR }), { maxLength: 50 }), gaps => {
      let stored: Entry = { firstSeen: now - DAY, lastSeen: now, passed: now, attempts: 2 };
      let written = now;
      let at = now;
      for (const gap of gaps) {
        at += gap;
        const { store } = judge(stored, at, timing);
        if (!store) continue;
        assert.ok(at - written >= HOUR);
        written = at;
        stored = store;
      }
    }),
  );
});

test('settings with which nobody could pass are refused by name', () => {
  const bad: readonly [Partial<Timing>, RegExp][] = [
    [{ delay: -1 }, /^delay: -1 ms/],
    [{ delay: Number.NaN }, /^delay: NaN ms/],
    [{ lifetime: Number.POSITIVE_INFINITY }, /^lifetime: Infinity ms/],
    [{ tooSoon: 300_001 }, /^tooSoon: 300001 ms, expected at most delay/],
    [{ retryWindow: 300_999 }, /^retryWindow: 300999 ms, expected at least delay \(300000 ms\)/],
  ];
  for (const [change, message] of bad) {
    assert.throws(
      () => checkTiming({ ...timing, ...change }),
      error => error instanceof RangeError && message.test(error.message),
    );
  }
  checkTiming(timing);
  checkTiming({ ...timing, retryWindow: 301_000, tooSoon: 300_000 });
});
