import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { mayBeThere } from '../../src/stores/database-path.ts';
import { openReadOnlyStore } from '../../src/stores/read-only-store.ts';
import { SCHEMA_VERSION } from '../../src/stores/sqlite-schema.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore, pending, query, tripletAt } from './sqlite-support.ts';

test('a look at a database in use sees all that is in it, and what it would store is dropped', async t => {
  const { store, path } = await openStore(t);
  await store.update(tripletAt(1), () => ({ answer: undefined, store: pending }));
  await store.notes.write([{ kind: 'network', key: 'a', note: { text: 'x', until: 9 } }]);
  await store.history.append([{ id: 's.1', text: '{}' }], 5);
  const look = openReadOnlyStore(path);
  t.after(() => look.close());
  assert.deepEqual(await look.get(tripletAt(1)), pending);
  assert.deepEqual(look.notes.read('network', 'a'), { text: 'x', until: 9 });
  assert.deepEqual(look.history.find('s.1'), { id: 's.1', text: '{}' });
  const answer = await look.update(tripletAt(2), stored => ({ answer: stored, store: pending }));
  await look.notes.write([{ kind: 'network', key: 'a', note: undefined }]);
  await look.history.append([{ id: 's.2', text: '{}' }], 5);
  assert.deepEqual(await look.sweep({ pendingBefore: 9e12, passedBefore: 9e12 }), { removed: 0, more: false });
  assert.equal(answer, undefined);
  assert.deepEqual(query(path, 'SELECT count(*) FROM triplet'), [[1]]);
  assert.deepEqual(query(path, "SELECT count(*) FROM note WHERE key = 'a'"), [[1]]);
  assert.deepEqual(query(path, 'SELECT id FROM decision'), [['s.1']]);
});

test('what the daemon stores meanwhile is seen, and its writing is not held up', async t => {
  const { store, path } = await openStore(t);
  const look = openReadOnlyStore(path);
  t.after(() => look.close());
  assert.equal(await look.get(tripletAt(1)), undefined);
  await store.update(tripletAt(1), () => ({ answer: undefined, store: pending }));
  assert.deepEqual(await look.get(tripletAt(1)), pending);
});

test('a file that is not there is an error that names it, and is not made', t => {
  const path = join(tempDir(t), 'nothing.db');
  assert.throws(() => openReadOnlyStore(path), { name: 'StoreError', message: new RegExp(path) });
  assert.throws(() => readFileSync(path), { code: 'ENOENT' });
});

test('a file that only others may read is not taken for none, and the error says why', async t => {
  const { path } = await openStore(t);
  const denied = { name: 'StoreError', message: /: the database can not be read \(EACCES/ };
  for (const shut of [path, dirname(path)]) {
    chmodSync(shut, 0o000);
    asNobody(() => {
      assert.equal(mayBeThere(path), true, shut);
      assert.throws(() => openReadOnlyStore(path), denied);
    });
    chmodSync(shut, 0o700);
  }
  assert.equal(mayBeThere(join(dirname(path), 'nothing.db')), false);
});

/** Does something without the rights of root. */
function asNobody(act: () => void): void {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(12_345);
  try {
    act();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

for (const [version, message] of [
  [SCHEMA_VERSION - 1, /the daemon converts it when it starts/],
  [SCHEMA_VERSION + 1, /supports up to/],
] as const) {
  test(`a database of version ${version} is not looked at, and stays as it is`, async t => {
    const { store, path } = await openStore(t);
    await store.close();
    const database = new Database(path);
    database.pragma(`user_version = ${version}`);
    database.close();
    const before = readFileSync(path);
    assert.throws(() => openReadOnlyStore(path), { name: 'StoreError', message });
    assert.deepEqual(readFileSync(path), before);
  });
}
