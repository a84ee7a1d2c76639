/**
 * What both history stores must do, and what of it outlives the process.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryStore } from '../../src/history/history-store.ts';
import { createMemoryHistory } from '../../src/stores/memory-history.ts';
import type { Owner } from '../support/temp-dir.ts';
import { openStore, query } from './sqlite-support.ts';

const kinds: readonly (readonly [name: string, open: (owner: Owner) => Promise<HistoryStore>])[] = [
  ['in memory', async () => createMemoryHistory()],
  ['on SQLite', async owner => (await openStore(owner)).store.history],
];

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ id: `s.${from + index}`, text: `{"n":${from + index}}` }));

for (const [name, open] of kinds) {
  test(`a history ${name} finds the last decisions by their ids and forgets those before`, async t => {
    const history = await open(t);
    history.append(rows(0, 7), 5);
    history.append(rows(7, 9), 5);
    const found = rows(0, 9).filter(({ id }) => history.find(id) !== undefined);
    assert.deepEqual(found, rows(4, 9));
    assert.deepEqual(history.find('s.8'), { id: 's.8', text: '{"n":8}' });
    assert.equal(history.find('s.9'), undefined);
  });

  test(`of two decisions with one id a history ${name} finds the latest`, async t => {
    const history = await open(t);
    history.append(
      [
        { id: 'a', text: '1' },
        { id: 'a', text: '2' },
      ],
      5,
    );
    assert.equal(history.find('a')?.text, '2');
  });

  test(`a history ${name} that shrinks keeps the latest`, async t => {
    const history = await open(t);
    history.append(rows(0, 9), 9);
    history.append(rows(9, 10), 2);
    assert.deepEqual(
      rows(0, 10).filter(({ id }) => history.find(id)),
      rows(8, 10),
    );
  });
}

test('a history on SQLite is there after a restart and goes on', async t => {
  const { store, path } = await openStore(t);
  store.history.append(rows(0, 3), 3);
  await store.close();
  const again = await openStore(t, { path });
  again.store.history.append(rows(3, 4), 3);
  assert.deepEqual(query(path, 'SELECT id FROM decision ORDER BY number'), [['s.1'], ['s.2'], ['s.3']]);
});
