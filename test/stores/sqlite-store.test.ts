import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { StoreError, type Triplet } from '../../src/greylist/store.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/stores/sqlite-schema.ts';
import { tripletId } from '../../src/stores/triplet-id.ts';
import { tempDir } from '../support/temp-dir.ts';
import { describeStore, put, sweepAll } from './contract.ts';
import { openStore, pending, query, transactionsInLog, tripletAt, until } from './sqlite-support.ts';

describeStore('the SQLite store', async owner => (await openStore(owner)).store);
describeStore('the SQLite store with colliding ids', async owner => {
  const crowded = (salt: string, triplet: Triplet): number => tripletId(salt, triplet) % 200_000;
  return (await openStore(owner, { tripletId: crowded })).store;
});

test('the file says whose it is and of which version, and only its owner may read it', async t => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const { path, store } = await openStore(t);
  await store.update(tripletAt(1), put(pending));
  assert.deepEqual(query(path, 'PRAGMA application_id'), [[APPLICATION_ID]]);
  assert.deepEqual(query(path, 'PRAGMA user_version'), [[SCHEMA_VERSION]]);
  assert.deepEqual(query(path, 'PRAGMA journal_mode'), [['wal']]);
  for (const suffix of ['', '-wal', '-shm']) {
    assert.equal((statSync(path + suffix).mode & 0o777).toString(8), '600', suffix);
  }
});

test('rows are stored readable', async t => {
  const { path, store } = await openStore(t);
  const entry = { firstSeen: 1_000, lastSeen: 2_000, passed: 1_500, attempts: 3 };
  const quoted = { network: '2001:db8::/64', sender: '"o\'neil, é"@example.net', recipient: 'δ@example.org' };
  const odd = { network: '192.0.2.0/24', sender: 'a\0\udcff@example.net', recipient: '\u0001' };
  await store.update(quoted, put(entry));
  await store.update(odd, put({ ...entry, passed: null }));
  const columns = 'network, sender, recipient, first_seen, last_seen, passed, attempts';
  assert.deepEqual(query(path, `SELECT ${columns} FROM triplet ORDER BY network DESC`), [
    ['2001:db8::/64', '"o\'neil, é"@example.net', 'δ@example.org', 1_000, 2_000, 1_500, 3],
    ['192.0.2.0/24', '\u0001"a\\u0000\\udcff@example.net"', '\u0001"\\u0001"', 1_000, 2_000, null, 3],
  ]);
});

test('a store that is opened again remembers, whether it was closed before or not', async t => {
  const { path, store } = await openStore(t);
  await store.update(tripletAt(1), put(pending));
  const second = await openStore(t, { path });
  assert.deepEqual(await second.store.get(tripletAt(1)), pending);
  await second.store.close();
  await store.close();
  const third = await openStore(t, { path });
  assert.deepEqual(await third.store.get(tripletAt(1)), pending);
});

test('the updates of one turn of the event loop are one transaction', async t => {
  const { path, store } = await openStore(t);
  await store.update(tripletAt(0), put(pending));
  const before = transactionsInLog(path);
  const updates: Promise<unknown>[] = [];
  for (let index = 0; index < 200; index++) {
    updates.push(store.update(tripletAt(index), put(pending)));
    if (index % 3 === 0) await undefined;
    if (index % 50 === 0) await new Promise<void>(next => process.nextTick(next));
  }
  await Promise.all(updates);
  assert.equal(transactionsInLog(path), before + 1);
});

test('updates that store nothing make no transaction', async t => {
  const { path, store } = await openStore(t);
  await store.update(tripletAt(0), put(pending));
  const before = transactionsInLog(path);
  for (let index = 0; index < 20; index++) await store.update(tripletAt(index), stored => ({ answer: stored }));
  assert.equal(transactionsInLog(path), before);
});

test('an update resolves when others can see what it stored, and not before', async t => {
  const { path, store } = await openStore(t);
  const update = store.update(tripletAt(1), put(pending));
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[0]]);
  await update;
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[1]]);
});

test('two stores on one file lose no update of each other', async t => {
  const { path, store } = await openStore(t);
  const other = (await openStore(t, { path })).store;
  const updates: Promise<unknown>[] = [];
  for (let round = 0; round < 100; round++) {
    for (const one of [store, other, store]) {
      updates.push(
        one.update(tripletAt(round % 7), stored => {
          const attempts = (stored?.attempts ?? 0) + 1;
          return { answer: attempts, store: { ...pending, attempts } };
        }),
      );
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  await Promise.all(updates);
  assert.deepEqual(query(path, 'SELECT sum(attempts) FROM triplet'), [[300]]);
});

test('triplets whose ids collide are kept apart', async t => {
  const { store, path } = await openStore(t, { tripletId: () => 4_711 });
  for (let index = 0; index < 16; index++) await store.update(tripletAt(index), put({ ...pending, attempts: index }));
  for (let index = 0; index < 16; index++) assert.equal((await store.get(tripletAt(index)))?.attempts, index);
  assert.equal(await store.get(tripletAt(99)), undefined);
  assert.deepEqual(query(path, 'SELECT min(id), max(id) FROM triplet'), [[4_711, 4_726]]);
});

test('a deleted row hides none of those that collided with it, and its place is used again', async t => {
  const { store, path } = await openStore(t, { tripletId: () => 4_711 });
  const old = { ...pending, firstSeen: 1 };
  for (let index = 0; index < 5; index++) await store.update(tripletAt(index), put(index % 2 ? pending : old));
  assert.equal(await sweepAll(store, { pendingBefore: 2, passedBefore: 0 }), 3);
  assert.deepEqual(await store.get(tripletAt(3)), pending);
  assert.deepEqual(await store.update(tripletAt(3), put({ ...pending, attempts: 8 })), pending);
  await store.update(tripletAt(7), put(pending));
  assert.deepEqual(query(path, 'SELECT id, sender FROM triplet ORDER BY id'), [
    [4_711, 's7@example.net'],
    [4_712, 's1@example.net'],
    [4_714, 's3@example.net'],
  ]);
});

test('more collisions than there are places for are an error, and store nothing', async t => {
  const { store } = await openStore(t, { tripletId: () => 0 });
  for (let index = 0; index < 16; index++) await store.update(tripletAt(index), put(pending));
  await assert.rejects(
    store.update(tripletAt(16), put(pending)),
    error => error instanceof StoreError && /all 16 ids .* are taken/.test(error.message),
  );
  assert.equal(await store.update(tripletAt(17), stored => ({ answer: stored })), undefined);
  assert.deepEqual(await store.get(tripletAt(15)), pending);
});

test('the log is moved into the database by the way, and does not grow without end', async t => {
  const { store, path, logger } = await openStore(t);
  const empty = statSync(path).size;
  for (let batch = 0; batch < 20; batch++) {
    const updates = Array.from({ length: 250 }, (_, index) =>
      store.update(tripletAt(batch * 250 + index), put(pending)),
    );
    await Promise.all(updates);
  }
  await until(() => statSync(path).size > empty + 100_000, 'rows in the database file');
  await store.close();
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[5_000]]);
  assert.deepEqual(logger.lines, []);
});

test('with synchronous FULL every commit is flushed to the disk', async t => {
  const { store, path } = await openStore(t, { synchronous: 'FULL' });
  await store.update(tripletAt(1), put(pending));
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[1]]);
});

test('a file that another process keeps locked is waited for at the start', async t => {
  const path = join(tempDir(t), 'greylist.db');
  const holder = new Database(path);
  holder.pragma('journal_mode = WAL');
  holder.pragma('journal_mode = DELETE');
  holder.exec('BEGIN EXCLUSIVE');
  setTimeout(() => holder.exec('ROLLBACK'), 100);
  const { store } = await openStore(t, { path });
  holder.close();
  await store.update(tripletAt(1), put(pending));
  assert.deepEqual(await store.get(tripletAt(1)), pending);
});

test('the salt of each database is its own, so ids differ', async t => {
  const ids: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    const { store, path } = await openStore(t);
    await store.update(tripletAt(1), put(pending));
    ids.push(query(path, 'SELECT id FROM triplet')[0]);
  }
  assert.notDeepEqual(ids[0], ids[1]);
});
