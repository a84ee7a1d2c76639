/**
 * The ring of the last decisions on SQLite.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, query } from './sqlite-support.ts';

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ id: `s.${from + index}`, text: `{"n":${from + index}}` }));

test('a history finds the last decisions by their ids and forgets those before', async t => {
  const { history } = (await openStore(t)).store;
  await history.append(rows(0, 7), 5);
  await history.append(rows(7, 9), 5);
  const found = rows(0, 9).filter(({ id }) => history.find(id) !== undefined);
  assert.deepEqual(found, rows(4, 9));
  assert.deepEqual(history.find('s.8'), { id: 's.8', text: '{"n":8}' });
  assert.equal(history.find('s.9'), undefined);
});

test('of two decisions with one id the latest is found', async t => {
  const { history } = (await openStore(t)).store;
  await history.append(
    [
      { id: 'a', text: '1' },
      { id: 'a', text: '2' },
    ],
    5,
  );
  assert.equal(history.find('a')?.text, '2');
});

test('a history that shrinks keeps the latest', async t => {
  const { history } = (await openStore(t)).store;
  await history.append(rows(0, 9), 9);
  await history.append(rows(9, 10), 2);
  assert.deepEqual(
    rows(0, 10).filter(({ id }) => history.find(id)),
    rows(8, 10),
  );
});

test('a history that shrinks by far does so step by step', async t => {
  const { store, path } = await openStore(t);
  await store.history.append(rows(0, 2_500), 2_500);
  const left: unknown[] = [];
  for (let count = 0; count < 4; count++) {
    await store.history.append(rows(count, count + 1), 10);
    left.push(query(path, 'SELECT count(*), max(number) FROM decision')[0]);
  }
  assert.deepEqual(left, [
    [1_501, 2_501],
    [502, 2_502],
    [10, 2_503],
    [10, 2_504],
  ]);
});

test('a history is there after a restart and goes on', async t => {
  const { store, path } = await openStore(t);
  await store.history.append(rows(0, 3), 3);
  await store.close();
  const again = await openStore(t, { path });
  await again.store.history.append(rows(3, 4), 3);
  assert.deepEqual(query(path, 'SELECT id FROM decision ORDER BY number'), [['s.1'], ['s.2'], ['s.3']]);
});
