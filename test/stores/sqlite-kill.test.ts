/**
 * `kill -9` at any moment loses no triplet that was acknowledged.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore, query, tripletAt } from './sqlite-support.ts';

const ROUNDS = 20;

test('after a kill -9 every acknowledged triplet is in the database, which is sound', async t => {
  const path = join(tempDir(t), 'greylist.db');
  const acknowledged = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const first = round * 1_000_000;
    // By turns on the serving thread and on the store's own.
    const thread = round % 2 === 0 ? ['thread'] : [];
    const program = join(import.meta.dirname, 'write-triplets.ts');
    const child = spawnChild(t, process.execPath, [program, path, String(first), ...thread]);
    await child.line(/^\d+$/);
    await sleep(randomInt(0, 300));
    child.kill('SIGKILL');
    assert.equal((await child.exited).signal, 'SIGKILL', child.stderr);
    const { stdout } = child;
    // The last line may have been cut off: a number that is not the whole number.
    for (const line of stdout.slice(0, stdout.lastIndexOf('\n')).split('\n')) acknowledged.add(Number(line));
    const { store } = await openStore(t, { path });
    for (const index of acknowledged) {
      if (index >= first) assert.ok(await store.get(tripletAt(index)), `round ${round}: ${index}`);
    }
    await store.close();
    assert.deepEqual(query(path, 'PRAGMA integrity_check'), [['ok']]);
  }
  const senders = new Set(query(path, 'SELECT sender FROM triplet').map(row => (row as [string])[0]));
  for (const index of acknowledged) assert.ok(senders.has(tripletAt(index).sender), String(index));
  assert.ok(acknowledged.size > ROUNDS * 10, `${acknowledged.size} acknowledged`);
});
