import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { describeStore, put } from './contract.ts';

describeStore('the memory store', async () => createMemoryStore());

test('a full memory store forgets the triplet that was written to least recently', async () => {
  const store = createMemoryStore({ limit: 3 });
  const entry = { firstSeen: 1, lastSeen: 1, passed: null, attempts: 1 };
  const at = (recipient: string) => ({ network: 'n', sender: 's', recipient });
  for (const recipient of ['a', 'b', 'c']) await store.update(at(recipient), put(entry));
  await store.update(at('a'), put(entry));
  await store.update(at('b'), stored => ({ answer: stored }));
  await store.update(at('d'), put(entry));
  assert.equal(await store.get(at('b')), undefined);
  for (const recipient of ['a', 'c', 'd']) assert.deepEqual(await store.get(at(recipient)), entry, recipient);
});
