/**
 * What every store must do. Each store's test file runs this with a way to open a fresh one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Entry, type Expiry, type Step, type Store, StoreError, type Triplet } from '../../src/greylist/store.ts';
import type { Owner } from '../support/temp-dir.ts';

const now = Date.UTC(2026, 10, 21);
const triplet: Triplet = { network: '203.0.113.0/24', sender: 'a@example.net', recipient: 'b@example.org' };
const pending: Entry = { firstSeen: now, lastSeen: now + 5, passed: null, attempts: 3 };
const passed: Entry = { firstSeen: now, lastSeen: now + 9, passed: now + 7, attempts: 4 };

/** Tells whether the triplet was there, and stores `entry`. */
export function put(entry: Entry): (stored: Entry | undefined) => Step<Entry | undefined> {
  return stored => ({ answer: stored, store: entry });
}

/** Sweeps to the end of a pass; returns how many were removed. */
export async function sweepAll(store: Store, expiry: Expiry): Promise<number> {
  let total = 0;
  for (;;) {
    const { removed, more } = await store.sweep(expiry);
    total += removed;
    if (!more) return total;
  }
}

export function describeStore(name: string, open: (owner: Owner) => Promise<Store>): void {
  test(`${name} knows nothing of a triplet that was never stored`, async t => {
    const store = await open(t);
    assert.equal(await store.get(triplet), undefined);
    assert.equal(await store.update(triplet, stored => ({ answer: stored })), undefined);
    assert.equal(await store.get(triplet), undefined);
  });

  test(`${name} gives back what an update stored, pending or passed`, async t => {
    const store = await open(t);
    assert.equal(await store.update(triplet, put(pending)), undefined);
    assert.deepEqual(await store.get(triplet), pending);
    assert.deepEqual(await store.update(triplet, put(passed)), pending);
    assert.deepEqual(await store.get(triplet), passed);
    assert.deepEqual(await store.update(triplet, put(pending)), passed);
  });

  test(`${name} leaves an entry alone if the update stores nothing`, async t => {
    const store = await open(t);
    await store.update(triplet, put(pending));
    assert.equal(await store.update(triplet, () => ({ answer: 'read' })), 'read');
    assert.deepEqual(await store.get(triplet), pending);
  });

  test(`${name} runs updates that come at once one after the other`, async t => {
    const store = await open(t);
    const count = (stored: Entry | undefined): Step<number> => {
      const attempts = (stored?.attempts ?? 0) + 1;
      return { answer: attempts, store: { ...pending, attempts } };
    };
    const answers = await Promise.all(Array.from({ length: 600 }, () => store.update(triplet, count)));
    assert.deepEqual(
      answers,
      Array.from({ length: 600 }, (_, index) => index + 1),
    );
    assert.equal((await store.get(triplet))?.attempts, 600);
  });

  test(`${name} rejects an update whose decision throws, and stores the others of the same turn`, async t => {
    const store = await open(t);
    const other = { ...triplet, recipient: 'c@example.org' };
    const fault = new Error('decide');
    const outcomes = await Promise.allSettled([
      store.update(triplet, () => {
        throw fault;
      }),
      store.update(other, put(pending)),
    ]);
    assert.deepEqual(outcomes, [
      { status: 'rejected', reason: fault },
      { status: 'fulfilled', value: undefined },
    ]);
    assert.equal(await store.get(triplet), undefined);
    assert.deepEqual(await store.get(other), pending);
  });

  test(`${name} keeps all triplets apart that differ anywhere, whatever characters they hold`, async t => {
    const store = await open(t);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map(codes => String.fromCharCode(...codes)),
      fc.constantFrom('', '\0', 'a\0b', 'a', '\u0001', '\u0001"a"', '"a"', '\ud800', '\udc80', '\ufffd', "';--", 'a\n'),
    );
    const anyTriplet = fc.record({ network: text, sender: text, recipient: text });
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyTriplet, { minLength: 2, maxLength: 12 }), async triplets => {
        const run = `${serial++}:`;
        const model = new Map<string, number>();
        for (const [index, one] of triplets.entries()) {
          const key = { ...one, network: run + one.network };
          const before = await store.update(key, put({ ...pending, attempts: index }));
          assert.equal(before?.attempts, model.get(JSON.stringify(key)));
          model.set(JSON.stringify(key), index);
        }
        for (const [key, attempts] of model) assert.equal((await store.get(JSON.parse(key)))?.attempts, attempts);
      }),
      { numRuns: 50 },
    );
  });

  test(`${name} does not mistake parts of a triplet for one another`, async t => {
    const store = await open(t);
    await store.update({ network: 'n', sender: 'ab', recipient: 'c' }, put(pending));
    for (const other of [
      { network: 'n', sender: 'a', recipient: 'bc' },
      { network: 'na', sender: 'b', recipient: 'c' },
      { network: 'n', sender: '', recipient: 'abc' },
      { network: '', sender: 'nab', recipient: 'c' },
      { network: 'n', sender: 'c', recipient: 'ab' },
    ]) {
      assert.equal(await store.get(other), undefined, JSON.stringify(other));
    }
  });

  test(`${name} keeps addresses of 64 KB`, async t => {
    const store = await open(t);
    const long = { ...triplet, sender: 'x'.repeat(65_536) };
    const almost = { ...triplet, sender: `${'x'.repeat(65_535)}y` };
    await store.update(long, put(pending));
    assert.deepEqual(await store.get(long), pending);
    assert.equal(await store.get(almost), undefined);
  });

  test(`${name} sweeps what has expired by the millisecond, and nothing else`, async t => {
    const store = await open(t);
    const rows: readonly [recipient: string, entry: Entry, stays: boolean][] = [
      ['pending, first seen before', { firstSeen: now - 1, lastSeen: now + 99, passed: null, attempts: 9 }, false],
      ['pending, first seen then', { firstSeen: now, lastSeen: now, passed: null, attempts: 1 }, true],
      ['pending, first seen in the future', { firstSeen: now + 9, lastSeen: now, passed: null, attempts: 1 }, true],
      ['passed, last seen before', { firstSeen: 0, lastSeen: now - 1001, passed: now - 1001, attempts: 1 }, false],
      ['passed, last seen then', { firstSeen: 0, lastSeen: now - 1000, passed: 1, attempts: 1 }, true],
      ['passed, last seen in the future', { firstSeen: 0, lastSeen: now + 9, passed: 1, attempts: 1 }, true],
    ];
    for (const [recipient, entry] of rows) await store.update({ ...triplet, recipient }, put(entry));
    assert.equal(await sweepAll(store, { pendingBefore: now, passedBefore: now - 1000 }), 2);
    for (const [recipient, entry, stays] of rows) {
      assert.deepEqual(await store.get({ ...triplet, recipient }), stays ? entry : undefined, recipient);
    }
  });

  test(`${name} sweeps in slices, between which triplets are stored and found`, async t => {
    const store = await open(t);
    const count = 20_000;
    const at = (index: number): Triplet => ({ ...triplet, recipient: `r${index}@example.org` });
    const old = { ...pending, firstSeen: now - 1 };
    const stored = Array.from({ length: count }, (_, index) => store.update(at(index), put(index % 2 ? old : pending)));
    await Promise.all(stored);
    let removed = 0;
    let slices = 0;
    for (let more = true; more; slices++) {
      const slice = await store.sweep({ pendingBefore: now, passedBefore: 0 });
      removed += slice.removed;
      more = slice.more;
      await store.update(at(count + slices), put(passed));
      assert.deepEqual(await store.get(at(0)), pending);
    }
    assert.ok(slices > 1, `${slices} slices`);
    assert.equal(removed, count / 2);
    assert.equal(await sweepAll(store, { pendingBefore: now, passedBefore: 0 }), 0);
    for (let index = 0; index < slices; index++) assert.deepEqual(await store.get(at(count + index)), passed);
  });

  test(`${name} finishes what is under way when it is closed, and rejects what comes later`, async t => {
    const store = await open(t);
    const underWay = store.update(triplet, put(pending));
    const closed = store.close();
    assert.equal(await underWay, undefined);
    await closed;
    await store.close();
    for (const attempt of [
      () => store.update(triplet, put(pending)),
      () => store.get(triplet),
      () => store.sweep({ pendingBefore: 0, passedBefore: 0 }),
    ]) {
      await assert.rejects(attempt, error => error instanceof StoreError && /closed/.test(error.message));
    }
  });
}
