/**
 * What becomes of the store's promises when the file, the disk or another process is at fault.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { systemClock } from '../../src/clock.ts';
import { StoreError } from '../../src/greylist/store.ts';
import { SCHEMA_VERSION } from '../../src/stores/sqlite-schema.ts';
import { PATIENCE } from '../support/bell.ts';
import { run } from '../support/process.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { put, sweepAll } from './contract.ts';
import { holdLock } from './hold-lock.ts';
import { type Opened, openStore, pending, query, tripletAt } from './sqlite-support.ts';

/** A check for `assert.rejects`: a StoreError that names the file and says this. */
function storeError(path: string, pattern: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof StoreError, String(error));
    assert.ok(error.message.startsWith(`${path}: `), error.message);
    assert.match(error.message, pattern);
    return true;
  };
}

/** A closed database with `rows` triplets. */
async function makeDatabase(owner: Owner, rows = 1): Promise<string> {
  const { store, path } = await openStore(owner);
  await Promise.all(Array.from({ length: rows }, (_, index) => store.update(tripletAt(index), put(pending))));
  await store.close();
  return path;
}

test('a database of a newer version is refused, with the version found and the one supported, and left alone', async t => {
  const path = await makeDatabase(t);
  const database = new Database(path);
  database.pragma('user_version = 7');
  database.close();
  const before = readFileSync(path);
  await assert.rejects(
    openStore(t, { path }),
    storeError(path, new RegExp(`has database version 7, .* supports up to ${SCHEMA_VERSION}`)),
  );
  assert.deepEqual(readFileSync(path), before);
});

test("another program's database is refused and left alone", async t => {
  for (const statement of ['CREATE TABLE theirs (x)', 'PRAGMA application_id = 42', 'PRAGMA user_version = 3']) {
    const path = join(tempDir(t), 'greylist.db');
    const database = new Database(path);
    database.exec(statement);
    database.close();
    const before = readFileSync(path);
    await assert.rejects(openStore(t, { path }), storeError(path, /the SQLite database of another program/));
    assert.deepEqual(readFileSync(path), before);
  }
});

test('a file that is no database is refused and left alone', async t => {
  const path = join(tempDir(t), 'greylist.db');
  writeFileSync(path, 'From: someone\n'.repeat(1_000));
  const before = readFileSync(path);
  await assert.rejects(openStore(t, { path }), storeError(path, /not an SQLite database/));
  assert.deepEqual(readFileSync(path), before);
});

test('a database whose first pages are spoiled is refused', async t => {
  const path = await makeDatabase(t);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(8_000, 0xa5), 0, 8_000, 100);
  closeSync(file);
  await assert.rejects(openStore(t, { path }), storeError(path, /corrupt/));
});

test('an empty file becomes a database', async t => {
  const path = join(tempDir(t), 'greylist.db');
  writeFileSync(path, '');
  const { store } = await openStore(t, { path });
  await store.update(tripletAt(1), put(pending));
  assert.deepEqual(await store.get(tripletAt(1)), pending);
});

test('a folder that is missing, a file in its place and a folder in the place of the file are refused', async t => {
  const folder = tempDir(t);
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder.db'));
  for (const path of [join(folder, 'missing', 'x.db'), join(folder, 'file', 'x.db'), join(folder, 'folder.db')]) {
    await assert.rejects(openStore(t, { path }), storeError(path, /can not be (made|opened)/));
  }
});

test('a folder or file that may not be written to is refused', async t => {
  const unwritable = join(tempDir(t), 'folder');
  mkdirSync(unwritable, { mode: 0o555 });
  const path = await makeDatabase(t);
  chmodSync(path, 0o444);
  const locked = await makeDatabase(t);
  chmodSync(dirname(locked), 0o555);
  chmodSync(locked, 0o666);
  const root = process.geteuid?.() === 0;
  // root may write anywhere
  if (root) process.seteuid?.(65_534);
  try {
    const inside = join(unwritable, 'x.db');
    await assert.rejects(openStore(t, { path: inside }), storeError(inside, /can not be made .*permission denied/));
    // whose own the file is, may write to it again at once
    if (root) await assert.rejects(openStore(t, { path }), storeError(path, /can not be written to/));
    await assert.rejects(openStore(t, { path: locked }), storeError(locked, /can not be (opened|written to)/));
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(dirname(locked), 0o755);
  }
});

/** Stores triplets until that fails; returns how many of them were acknowledged. */
async function fill({ store, path }: Opened, expected: RegExp): Promise<number> {
  let acknowledged = 0;
  for (let batch = 0; batch < 1_000; batch++) {
    const first = batch * 50;
    const updates = Array.from({ length: 50 }, (_, index) => store.update(tripletAt(first + index), put(pending)));
    const outcomes = await Promise.allSettled(updates);
    const rejected = outcomes.filter(outcome => outcome.status === 'rejected');
    if (rejected.length > 0) {
      assert.equal(rejected.length, 50, 'a batch is stored as a whole or not at all');
      for (const { reason } of rejected) storeError(path, expected)(reason);
      return acknowledged;
    }
    acknowledged += 50;
  }
  throw new Error('the database never got full');
}

async function survivesFullness(opened: Opened, makeRoom: () => Promise<void>): Promise<void> {
  const { store, path, clock, logger } = opened;
  clock.advance(3_600_000);
  const stored = await fill(opened, /the disk is full/);
  assert.ok(stored > 0);
  for (let index = 0; index < stored + 50; index++) {
    assert.deepEqual(await store.get(tripletAt(index)), index < stored ? pending : undefined, String(index));
  }
  assert.deepEqual(await store.update(tripletAt(0), entry => ({ answer: entry })), pending);
  await makeRoom();
  await store.update(tripletAt(stored), put(pending));
  assert.deepEqual(await store.get(tripletAt(stored)), pending);
  assert.deepEqual(logger.lines, [], 'nothing is wrong with the file: it stays open');
  await store.close();
  assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
}

test('a database of its largest size rejects new triplets, keeps all it has, and goes on when there is room', async t => {
  const opened = await openStore(t, { maxPages: 40 });
  await survivesFullness(opened, async () => {
    await sweepAll(opened.store, { pendingBefore: pending.firstSeen + 1, passedBefore: 0 });
  });
});

test('a full disk rejects new triplets, loses none that were acknowledged, and the store goes on when there is room', async t => {
  const folder = tempDir(t);
  const mount = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (mount.code !== 0) return t.skip('mounting a small file system takes root');
  try {
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(400_000));
    const opened = await openStore(t, { path: join(folder, 'greylist.db') });
    await survivesFullness(opened, async () => unlinkSync(ballast));
  } finally {
    await run('umount', ['--lazy', folder]);
  }
});

test("another process's lock holds up what must be stored, nothing else, and never the event loop", async t => {
  const { store, path } = await openStore(t, { clock: systemClock, patience: PATIENCE });
  await store.update(tripletAt(0), put(pending));
  const release = await holdLock(t, path);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let stored = 0;
  const updates = Array.from({ length: 2_000 }, async (_, index) => {
    await store.update(tripletAt(index + 1), put(pending));
    stored += 1;
  });
  assert.deepEqual(await store.update(tripletAt(0), stored => ({ answer: stored })), pending);
  await sleep(1_000);
  delay.disable();
  assert.equal(stored, 0, 'all of them wait');
  await release();
  await Promise.all(updates);
  // Whoever blocks the loop until the lock is gone blocks its release.
  t.diagnostic(`event loop delay ${delay.percentile(99) / 1e6} ms`);
  assert.ok(delay.percentile(99) / 1e6 < 1_000, `event loop delay ${delay.percentile(99) / 1e6} ms`);
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[2_001]]);
});

test('a lock that does not end rejects what waited too long, and nothing of it is stored', async t => {
  const { store, path } = await openStore(t, { clock: systemClock, patience: 200 });
  const release = await holdLock(t, path);
  const start = performance.now();
  const updates = Array.from({ length: 50 }, (_, index) => store.update(tripletAt(index), put(pending)));
  for (const outcome of await Promise.allSettled(updates)) {
    assert.equal(outcome.status, 'rejected');
    storeError(path, /locked the database for more than 0.2 s/)((outcome as PromiseRejectedResult).reason);
  }
  const took = performance.now() - start;
  assert.ok(took >= 200, `${took} ms`);
  await release();
  await store.update(tripletAt(99), put(pending));
  assert.deepEqual(query(path, 'SELECT sender FROM triplet'), [['s99@example.net']]);
});

test('sweeping a locked database removes nothing, and says that there is more', async t => {
  const { store, path } = await openStore(t, { clock: systemClock });
  await store.update(tripletAt(0), put(pending));
  const release = await holdLock(t, path);
  assert.deepEqual(await store.sweep({ pendingBefore: 5_000, passedBefore: 0 }), { removed: 0, more: true });
  await release();
  assert.deepEqual(await store.get(tripletAt(0)), pending);
});

test('a store that is closed while it waits for a lock still stores what it was given', async t => {
  const { store, path } = await openStore(t, { clock: systemClock, patience: PATIENCE });
  const release = await holdLock(t, path);
  const update = store.update(tripletAt(1), put(pending));
  await sleep(20);
  const closed = store.close();
  await sleep(20);
  await release();
  await closed;
  await update;
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[1]]);
});

test('a file that is deleted is made anew within a second, and told of', async t => {
  for (const suffixes of [[''], ['', '-wal', '-shm']]) {
    const { store, path, clock, logger } = await openStore(t);
    await store.update(tripletAt(1), put(pending));
    for (const suffix of suffixes) unlinkSync(path + suffix);
    clock.advance(1_000);
    assert.equal(await store.update(tripletAt(2), put(pending)), undefined);
    assert.equal(await store.get(tripletAt(1)), undefined);
    await store.close();
    assert.deepEqual(query(path, 'SELECT sender FROM triplet'), [['s2@example.net']]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(logger.lines.join('\n'), /^error: the database file was deleted or replaced.*\nwarn: .*open again/);
  }
});

test('a file that is deleted when many triplets have gone to the log through its own thread is made anew', async t => {
  const { store, path, clock } = await openStore(t);
  const updates = Array.from({ length: 6_000 }, (_, index) => store.update(tripletAt(index), put(pending)));
  await Promise.all(updates);
  rmSync(path);
  clock.advance(1_000);
  await Promise.all(Array.from({ length: 3_000 }, (_, index) => store.update(tripletAt(index), put(pending))));
  await store.close();
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[3_000]]);
  assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
});

test('a file that is replaced by another database is taken as it is, without what was in the old log', async t => {
  const other = await makeDatabase(t, 10);
  const { store, path, clock } = await openStore(t);
  await Promise.all(Array.from({ length: 500 }, (_, index) => store.update(tripletAt(100 + index), put(pending))));
  renameSync(other, path);
  clock.advance(1_000);
  assert.deepEqual(await store.update(tripletAt(3), put({ ...pending, attempts: 2 })), pending);
  assert.equal(await store.get(tripletAt(100)), undefined);
  await store.close();
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[10]]);
  assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
});

test('a file that is replaced by something else makes updates reject until it is gone', async t => {
  const { store, path, clock, logger } = await openStore(t);
  await store.update(tripletAt(1), put(pending));
  const foreign = join(dirname(path), 'foreign');
  writeFileSync(foreign, 'no database\n'.repeat(1_000));
  renameSync(foreign, path);
  clock.advance(1_000);
  for (let round = 0; round < 3; round++) {
    const updates = [store.update(tripletAt(2), put(pending)), store.update(tripletAt(3), put(pending))];
    for (const update of updates) await assert.rejects(update, storeError(path, /not an SQLite database/));
    await assert.rejects(store.get(tripletAt(1)), storeError(path, /not an SQLite database/));
    clock.advance(1_000);
  }
  assert.equal(readFileSync(path, 'latin1').slice(0, 11), 'no database');
  assert.equal(logger.lines.filter(line => line.startsWith('error: the database can not be opened')).length, 1);
  unlinkSync(path);
  clock.advance(1_000);
  await store.update(tripletAt(4), put(pending));
  assert.deepEqual(query(path, 'SELECT sender FROM triplet'), [['s4@example.net']]);
});

test('a file that is replaced together with its log keeps what is in that log', async t => {
  const other = await openStore(t);
  await other.store.update(tripletAt(1), put(pending));
  const { store, path, clock } = await openStore(t);
  await store.update(tripletAt(2), put(pending));
  for (const suffix of ['', '-wal']) {
    copyFileSync(other.path + suffix, `${path}.new`);
    renameSync(`${path}.new`, path + suffix);
  }
  clock.advance(1_000);
  assert.deepEqual(await store.update(tripletAt(1), stored => ({ answer: stored })), pending);
  assert.equal(await store.get(tripletAt(2)), undefined);
});

test('a file that is emptied is made anew', async t => {
  const { store, path, clock } = await openStore(t);
  await Promise.all(Array.from({ length: 300 }, (_, index) => store.update(tripletAt(index), put(pending))));
  truncateSync(path, 0);
  clock.advance(1_000);
  await store.update(tripletAt(2), put(pending));
  await store.close();
  assert.deepEqual(query(path, 'SELECT sender FROM triplet'), [['s2@example.net']]);
  assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
});

test('a folder that is gone makes updates reject until it is back', async t => {
  const { store, path, clock } = await openStore(t);
  await store.update(tripletAt(1), put(pending));
  const elsewhere = `${dirname(path)}-moved`;
  t.after(() => rmSync(elsewhere, { recursive: true, force: true }));
  renameSync(dirname(path), elsewhere);
  clock.advance(1_000);
  await assert.rejects(store.update(tripletAt(2), put(pending)), storeError(path, /can not be made/));
  renameSync(elsewhere, dirname(path));
  clock.advance(1_000);
  assert.deepEqual(await store.update(tripletAt(1), put(pending)), pending);
});

test('a database that is found corrupt rejects, and is neither deleted nor overwritten', async t => {
  const path = await makeDatabase(t, 3_000);
  const { store, clock } = await openStore(t, { path });
  const size = statSync(path).size;
  const file = openSync(path, 'r+');
  for (let page = 4; page < size / 4096; page++) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
  closeSync(file);
  let rejected = 0;
  for (let index = 0; index < 50; index++) {
    clock.advance(30_000);
    await store.update(tripletAt(5_000 + index), put(pending)).catch(error => {
      storeError(path, /corrupt|opened anew/)(error);
      rejected++;
    });
  }
  assert.ok(rejected > 40, `${rejected} rejected`);
  assert.ok(statSync(path).size >= size);
  await store.close();
});

test('a database that is corrupt and replaced is used again', async t => {
  const path = await makeDatabase(t, 3_000);
  const spare = `${path}.spare`;
  copyFileSync(path, spare);
  const { store, clock } = await openStore(t, { path });
  truncateSync(path, 4096);
  await assert.rejects(store.update(tripletAt(1), put(pending)), storeError(path, /corrupt/));
  renameSync(spare, path);
  clock.advance(1_000);
  assert.deepEqual(await store.update(tripletAt(1), put(pending)), pending);
  assert.ok(existsSync(path));
});
