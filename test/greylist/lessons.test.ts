import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Attempt, Crowd, judgeAndLearn, type Lessons } from '../../src/greylist/lessons.ts';
import type { Triplet } from '../../src/greylist/store.ts';
import { judge, type Outcome, type Timing } from '../../src/greylist/timing.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';

const MINUTE = 60_000;
const timing: Timing = { delay: 5 * MINUTE, retryWindow: 2_880 * MINUTE, lifetime: 51_840 * MINUTE, tooSoon: 0 };
const start = Date.UTC(2026, 10, 21);

function tripletTo(recipient: string): Triplet {
  return { network: '203.0.113.0/24', sender: 'a@example.net', recipient };
}

function setUp(isFull: () => boolean, crowd = new Crowd()) {
  const store = createMemoryStore();
  const attempts: Attempt[] = [];
  const lessons: Lessons = { crowd, isFull, learn: attempt => void attempts.push(attempt) };
  const attempt = (recipient: string, at: number): Promise<Outcome> =>
    judgeAndLearn(store, tripletTo(recipient), start + at, timing, lessons);
  return { store, attempts, attempt };
}

test('a network that is not full gets its triplets stored, and each attempt is learned from', async () => {
  const { store, attempts, attempt } = setUp(() => false);
  assert.deepEqual(await attempt('b', 0), { pass: false, reason: 'new', waitSeconds: 300 });
  assert.deepEqual((await attempt('b', MINUTE)).reason, 'early');
  assert.deepEqual((await attempt('b', 5 * MINUTE)).reason, 'matured');
  assert.deepEqual((await attempt('b', 6 * MINUTE)).reason, 'known');
  assert.ok(await store.get(tripletTo('b')));
  const told = attempts.map(({ outcome, added }) => [outcome.reason, added]);
  assert.deepEqual(told, [
    ['new', true],
    ['early', false],
    ['matured', false],
    ['known', false],
  ]);
});

test('from a full network a new triplet waits as long, is not stored, and passes after its wait', async () => {
  const { store, attempts, attempt } = setUp(() => true);
  assert.deepEqual(await attempt('b', 0), { pass: false, reason: 'crowded', waitSeconds: 300 });
  assert.deepEqual(await attempt('b', MINUTE), { pass: false, reason: 'early', waitSeconds: 240 });
  assert.equal(await store.get(tripletTo('b')), undefined);
  assert.deepEqual(await attempt('b', 5 * MINUTE), { pass: true, reason: 'matured', delayed: 5 * MINUTE });
  assert.equal((await store.get(tripletTo('b')))?.passed, start + 5 * MINUTE);
  assert.equal((await attempt('b', 6 * MINUTE)).reason, 'known');
  assert.deepEqual(
    attempts.map(({ added }) => added),
    [false, false, true, false],
  );
});

test('triplets stored before the network was full mature as if it were not', async () => {
  let full = false;
  const { attempt } = setUp(() => full);
  await attempt('b', 0);
  full = true;
  assert.equal((await attempt('c', MINUTE)).reason, 'crowded');
  assert.equal((await attempt('b', 5 * MINUTE)).reason, 'matured');
});

test('a triplet out of the crowd is stored with its first attempt when there is room again', async () => {
  let full = true;
  const crowd = new Crowd();
  const { store, attempt } = setUp(() => full, crowd);
  await attempt('b', 0);
  full = false;
  assert.equal((await attempt('b', MINUTE)).reason, 'early');
  assert.equal((await store.get(tripletTo('b')))?.firstSeen, start);
  assert.equal(crowd.get(tripletTo('b')), undefined);
});

test('a crowd holds no more than its limit: who came first makes room, and waits anew', async () => {
  const { attempt } = setUp(() => true, new Crowd(2));
  for (const recipient of ['b', 'c', 'd']) await attempt(recipient, 0);
  assert.equal((await attempt('c', 5 * MINUTE)).reason, 'matured');
  assert.equal((await attempt('b', 5 * MINUTE)).reason, 'crowded');
});

test('full or not, in any order of attempts, everyone is answered as the timing alone would', async () => {
  const steps = fc.array(
    fc.record({ recipient: fc.constantFrom('b', 'c', 'd'), pause: fc.nat(20 * MINUTE), full: fc.boolean() }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async sequence => {
      let full = false;
      let at = 0;
      const { attempt } = setUp(() => full);
      const known = new Map<string, Parameters<typeof judge>[0]>();
      for (const { recipient, pause, full: now } of sequence) {
        at += pause;
        full = now;
        const { answer, store } = judge(known.get(recipient), start + at, timing);
        if (store) known.set(recipient, store);
        const outcome = await attempt(recipient, at);
        if (outcome.reason === 'crowded') assert.equal(answer.reason, 'new');
        assert.deepEqual(outcome, outcome.reason === 'crowded' ? { ...answer, reason: 'crowded' } : answer);
      }
    }),
  );
});
