/**
 * The store with its thread: what a `judge` promises is what `update` promises, whatever happens to the thread.
 */
import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { systemClock } from '../../src/clock.ts';
import { judgeAttempt, type Question } from '../../src/greylist/attempt.ts';
import { type Entry, StoreError } from '../../src/greylist/store.ts';
import type { Timing } from '../../src/greylist/timing.ts';
import type { NotingStore } from '../../src/stores/sqlite-store.ts';
import { StoreThread } from '../../src/stores/store-thread.ts';
import { PATIENCE } from '../support/bell.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { describeStore } from './contract.ts';
import { holdLock } from './hold-lock.ts';
import { MemoryLogger, type Opened, openStore, pending, query, tripletAt } from './sqlite-support.ts';

const timing: Timing = { delay: 300_000, retryWindow: 172_800_000, lifetime: 3_110_400_000, tooSoon: 0 };
const start = Date.UTC(2026, 10, 28);

function at(later: number, more: Partial<Question> = {}): Question {
  return { now: start + later, timing, held: undefined, full: false, ...more };
}

async function open(owner: Owner, options: Parameters<typeof openStore>[1] = {}): Promise<Opened & { judge: Judge }> {
  const opened = await openStore(owner, { thread: true, ...options });
  return { ...opened, judge: (index, question) => asking(opened.store)(tripletAt(index), question) };
}

type Judge = (index: number, question: Question) => ReturnType<NonNullable<NotingStore['judge']>>;

function asking(store: NotingStore): NonNullable<NotingStore['judge']> {
  assert.ok(store.judge);
  return store.judge.bind(store);
}

describeStore('the SQLite store with a thread', async owner => (await open(owner)).store);

test('an attempt is judged and stored by the time it is answered', async t => {
  const { judge, path } = await open(t);
  const reasons: string[] = [];
  for (const later of [0, 100_000, 300_000, 400_000]) reasons.push((await judge(1, at(later))).outcome.reason);
  assert.deepEqual(reasons, ['new', 'early', 'matured', 'known']);
  assert.deepEqual(query(path, 'SELECT first_seen, last_seen, passed, attempts FROM triplet'), [
    [start, start + 300_000, start + 300_000, 3],
  ]);
});

test('many at once each get their own answer, in the order in which they came', async t => {
  const { judge, path } = await open(t);
  const all = await Promise.all(Array.from({ length: 3_000 }, (_, index) => judge(index % 1_000, at(index))));
  assert.deepEqual(
    all.map(({ outcome }) => outcome),
    Array.from({ length: 3_000 }, (_, index) =>
      index < 1_000
        ? { pass: false, reason: 'new', waitSeconds: 300 }
        : { pass: false, reason: 'early', waitSeconds: Math.ceil((300_000 - (index - (index % 1_000))) / 1_000) },
    ),
  );
  assert.deepEqual(query(path, 'SELECT count(*), sum(attempts) FROM triplet'), [[1_000, 3_000]]);
});

test('whatever comes, in whatever order, is answered as the pure judgement would', async t => {
  const { judge, store } = await open(t);
  let round = 0;
  const step = fc.record({ who: fc.nat(3), pause: fc.nat(400_000), full: fc.boolean(), hold: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      const known = new Map<number, Entry>();
      const base = ++round * 10;
      let later = 0;
      for (const { who, pause, full, hold } of steps) {
        later += pause;
        const question = at(later, { full, held: hold ? { ...pending, firstSeen: start } : undefined });
        const expected = judgeAttempt(known.get(who), question);
        if (expected.store) known.set(who, expected.store);
        assert.deepEqual(await judge(base + who, question), expected.answer);
      }
      for (const [who, entry] of known) assert.deepEqual(await store.get(tripletAt(base + who)), entry);
    }),
    { numRuns: 60 },
  );
});

test('while another process has the lock, who is known is answered; the others wait for it and are stored', async t => {
  const { judge, path } = await open(t, { patience: PATIENCE });
  await judge(0, at(0));
  await judge(0, at(300_000));
  const release = await holdLock(t, path);
  const waiting = judge(1, at(300_000));
  assert.equal((await judge(0, at(300_001))).outcome.reason, 'known');
  await release();
  assert.equal((await waiting).outcome.reason, 'new');
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[2]]);
});

test('a lock that does not end in time, and a full disk, are told as what they are, and nothing is stored', async t => {
  const locked = await open(t, { patience: 50 });
  await holdLock(t, locked.path);
  await assert.rejects(locked.judge(1, at(0)), (error: Error) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, /greylist\.db: another process has locked the database for more than 0\.05 s/);
    return true;
  });
  const full = await open(t, { maxPages: 40 });
  const results = await Promise.allSettled(Array.from({ length: 2_000 }, (_, index) => full.judge(index, at(0))));
  const failures = results.filter(({ status }) => status === 'rejected');
  assert.ok(failures.length > 0);
  for (const { reason } of failures as PromiseRejectedResult[]) assert.match(reason.message, /the disk is full/);
  assert.deepEqual(query(full.path, 'SELECT count(*) FROM triplet'), [[2_000 - failures.length]]);
});

test('a file that is deleted or replaced is opened anew, by the thread too', async t => {
  const { judge, path, clock, store, logger } = await open(t);
  await judge(1, at(0));
  await store.notes.write([{ kind: 'network', key: 'a', note: { text: 'x', until: 9 } }]);
  const copy = join(tempDir(t), 'copy.db');
  const database = new Database(path);
  database.exec(`VACUUM INTO '${copy}'`);
  database.close();
  rmSync(path);
  clock.advance(1_000);
  assert.equal((await judge(1, at(1_000))).outcome.reason, 'new');
  assert.equal(store.notes.read('network', 'a'), undefined);
  renameSync(copy, path);
  clock.advance(1_000);
  assert.equal((await judge(1, at(2_000))).outcome.reason, 'early');
  assert.equal((await judge(2, at(2_000))).outcome.reason, 'new');
  await store.close();
  assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[2]]);
  assert.equal(logger.lines.filter(line => line.includes('open again')).length, 2);
});

test('chores are done by the thread: notes, past decisions and sweeping', async t => {
  const { judge, path, store } = await open(t, { clock: systemClock });
  await Promise.all(Array.from({ length: 500 }, (_, index) => judge(index, at(index < 300 ? 0 : 1_000))));
  let removed = 0;
  for (let more = true; more; ) {
    const slice = await store.sweep({ pendingBefore: start + 500, passedBefore: 0 });
    removed += slice.removed;
    more = slice.more;
  }
  assert.equal(removed, 300);
  await store.notes.write([{ kind: 'network', key: 'a', note: { text: 'x', until: 9 } }]);
  await store.history.append([{ id: 's.1', text: '{}' }], 5);
  assert.equal(store.notes.read('network', 'a')?.text, 'x');
  assert.equal(store.history.find('s.1')?.text, '{}');
  assert.deepEqual(await store.notes.sweep(10), { removed: 1, more: false });
  const spoiled = { kind: 'network', key: 'b', note: { text: 'x', until: Number.NaN } };
  await assert.rejects(store.notes.write([spoiled]), (error: Error) => error instanceof StoreError);
  assert.deepEqual(query(path, 'SELECT (SELECT count(*) FROM triplet), (SELECT count(*) FROM note)'), [[200, 0]]);
});

test('what is under way when the store is closed is still stored and answered', async t => {
  const { judge, path, store } = await open(t);
  const answers = Array.from({ length: 1_000 }, (_, index) => judge(index, at(0)));
  await store.close();
  assert.equal((await Promise.all(answers)).filter(({ added }) => added).length, 1_000);
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[1_000]]);
  await assert.rejects(judge(1, at(0)), /closed/);
});

test('more than can wait are told so at once', async t => {
  const { judge } = await open(t);
  const results = await Promise.allSettled(Array.from({ length: 20_010 }, () => judge(1, at(0))));
  const failures = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.equal(failures.length, 10);
  assert.match(failures[0]?.reason.message, /greylist\.db: 20000 changes wait for the disk/);
});

test('a thread that can not work is told of once, and everything it was given is done without it', async t => {
  const logger = new MemoryLogger();
  const judged: number[] = [];
  const thread = new StoreThread({
    work: { path: join(tempDir(t), 'missing', 'greylist.db'), patience: 0, options: { synchronous: 'NORMAL' } },
    logger,
    wrote: () => {},
    onCorrupt: () => {},
    instead: {
      judge: async (triplet, question) => {
        judged.push(Number(/\d+/.exec(triplet.sender)?.[0]));
        return judgeAttempt(undefined, question).answer;
      },
      chore: async () => ({ removed: 7, more: false }),
    },
  });
  const answers = [thread.judge(tripletAt(1), at(0)), thread.judge(tripletAt(2), at(0))];
  const chore = thread.chore({ sweepNotes: 0 });
  await thread.started;
  assert.equal(thread.isReady, false);
  assert.deepEqual(
    (await Promise.all(answers)).map(({ outcome }) => outcome.reason),
    ['new', 'new'],
  );
  assert.deepEqual(judged, [1, 2]);
  assert.equal((await chore).removed, 7);
  await thread.close();
  assert.equal(logger.lines.length, 1);
  assert.match(logger.lines[0] ?? '', /^warn: the store has lost its thread and goes on without .*can not be made/);
});
