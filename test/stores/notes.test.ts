/**
 * What both note stores must do, and what of it outlives the process.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { systemTimers } from '../../src/clock.ts';
import { KeyForms } from '../../src/greylist/key-forms.ts';
import type { Change, Note, NoteStore } from '../../src/learning/note-store.ts';
import { createMemoryNotes } from '../../src/stores/memory-notes.ts';
import type { NotingStore } from '../../src/stores/sqlite-store.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { openStore, pending, query, tripletAt } from './sqlite-support.ts';

const kinds: readonly (readonly [name: string, open: (owner: Owner) => Promise<NoteStore>])[] = [
  ['in memory', async () => createMemoryNotes()],
  ['on SQLite', async owner => (await openStore(owner)).store.notes],
];

function note(key: string, text = 'x', until = 1_000): Change {
  return { kind: 'network', key, note: { text, until } };
}

for (const [name, open] of kinds) {
  test(`a note store ${name} gives back what was written last, by kind and key, and forgets what was removed`, async t => {
    const notes = await open(t);
    assert.equal(notes.read('network', 'a'), undefined);
    await notes.write([
      note('a', 'one'),
      note('b', 'two'),
      { ...note('a', 'other'), kind: 'pair' },
      note('a', 'three', 2_000),
    ]);
    assert.deepEqual(notes.read('network', 'a'), { text: 'three', until: 2_000 });
    assert.deepEqual(notes.read('pair', 'a'), { text: 'other', until: 1_000 });
    await notes.write([{ kind: 'network', key: 'a', note: undefined }]);
    assert.equal(notes.read('network', 'a'), undefined);
    assert.deepEqual(notes.read('network', 'b'), { text: 'two', until: 1_000 });
  });

  test(`a note store ${name} tells all keys of a kind, slice by slice`, async t => {
    const notes = await open(t);
    const keys = Array.from({ length: 25 }, (_, index) => (index === 7 ? '\u0001\0' : `k${index}`));
    await notes.write(keys.map(key => note(key)));
    await notes.write([{ ...note('other'), kind: 'pair' }]);
    const told: string[] = [];
    for (
      let slice = notes.keys('network', '', 10);
      slice.length > 0;
      slice = notes.keys('network', told.at(-1) ?? '', 10)
    )
      told.push(...slice);
    assert.deepEqual(new Set(told), new Set(keys));
    assert.equal(told.length, keys.length);
  });

  test(`a sweep of notes ${name} removes all that have lapsed, and no other`, async t => {
    const notes = await open(t);
    const count = 1_200;
    await notes.write(Array.from({ length: count }, (_, index) => note(`k${index}`, 'x', index)));
    let removed = 0;
    for (;;) {
      const slice = await notes.sweep(700);
      removed += slice.removed;
      if (!slice.more) break;
    }
    assert.equal(removed, 700);
    assert.equal(notes.read('network', 'k699'), undefined);
    assert.ok(notes.read('network', 'k700'));
    assert.ok(notes.read('network', `k${count - 1}`));
  });

  test(`a note store ${name} agrees with a map after any changes`, async t => {
    const change = fc.record({
      kind: fc.constantFrom('network', 'pair'),
      key: fc.oneof(fc.constantFrom('', 'a', 'b'), fc.string({ unit: 'binary' })),
      note: fc.option(fc.record({ text: fc.string(), until: fc.nat() }, { noNullPrototype: true }), { nil: undefined }),
    });
    const notes = await open(t);
    const expected = new Map<string, Note>();
    await fc.assert(
      fc.asyncProperty(fc.array(change), async changes => {
        await notes.write(changes);
        for (const { kind, key, note: value } of changes) {
          if (value) expected.set(`${kind} ${key}`, value);
          else expected.delete(`${kind} ${key}`);
        }
        for (const { kind, key } of changes) assert.deepEqual(notes.read(kind, key), expected.get(`${kind} ${key}`));
      }),
    );
  });
}

test('in memory the note written least recently makes room', async () => {
  const notes = createMemoryNotes(2);
  await notes.write([note('a'), note('b'), note('a'), note('c')]);
  assert.deepEqual(
    ['a', 'b', 'c'].map(key => notes.read('network', key) !== undefined),
    [true, false, true],
  );
});

test('notes outlive the store, and a transaction that fails stores none of its notes', async t => {
  const { store, path } = await openStore(t);
  await store.notes.write([note('a', 'kept')]);
  const spoiled = { kind: 'network', key: 'c', note: { text: 'x', until: Number.NaN } };
  await assert.rejects(store.notes.write([note('b'), spoiled]), /greylist\.db/);
  await store.update(tripletAt(1), () => ({ answer: undefined, store: pending }));
  await store.close();
  const again = await openStore(t, { path });
  assert.equal(again.store.notes.read('network', 'a')?.text, 'kept');
  assert.equal(again.store.notes.read('network', 'b'), undefined);
  assert.deepEqual(await again.store.get(tripletAt(1)), pending);
});

test("another process's lock makes a write throw at once, and the next one after it works", async t => {
  const { store, path } = await openStore(t);
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(store.notes.write([note('a')]), /locked/);
  other.exec('COMMIT');
  other.close();
  await store.notes.write([note('a')]);
  assert.ok(store.notes.read('network', 'a'));
});

test('a database of the first version gets its table of notes and keeps its triplets', async t => {
  const path = join(tempDir(t), 'greylist.db');
  const { store } = await openStore(t, { path });
  await store.update(tripletAt(1), () => ({ answer: undefined, store: pending }));
  await store.close();
  makeFirst(path);
  const again = await openStore(t, { path });
  assert.deepEqual(await again.store.get(tripletAt(1)), pending);
  await again.store.notes.write([note('a')]);
  assert.deepEqual(query(path, "SELECT kind, key, text, until FROM note WHERE kind = 'network'"), [
    ['network', 'a', 'x', 1_000],
  ]);
  // Its senders were told apart exactly.
  const forms = new KeyForms({
    memory: { read: () => read(again.store), async write() {} },
    ...again,
    timers: systemTimers,
  });
  assert.deepEqual(
    forms.use({ prefix4: 24, prefix6: 64 }, 1_000).map(({ form }) => form),
    [{ prefix4: 24, prefix6: 64, senderKey: 'exact' }],
  );
});

test('a database of the first version without triplets, like a new one, was written in no other form', async t => {
  const { store, path } = await openStore(t);
  assert.equal(read(store), undefined);
  await store.close();
  makeFirst(path);
  assert.equal(read((await openStore(t, { path })).store), undefined);
});

/** Makes a database one of the first version, which had no other tables than these. */
function makeFirst(path: string): void {
  const database = new Database(path);
  const later = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('meta', 'triplet')`)
    .pluck()
    .all() as readonly string[];
  for (const name of later) database.exec(`DROP TABLE "${name}"`);
  database.pragma('user_version = 1');
  database.close();
}

function read(store: NotingStore): string | undefined {
  return store.notes.read('forms', '')?.text;
}
