import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Kind, Notebook } from '../../src/learning/notebook.ts';
import { benchOf, DAY, HOUR, SECOND, WatchedNotes } from './support.ts';

const words: Kind<string> = {
  name: 'word',
  encode: value => [value],
  decode: value => (Array.isArray(value) && typeof value[0] === 'string' ? value[0] : undefined),
};

test('a value is there at once, and in the store a second later, for whoever starts then', async () => {
  const { parts, clock, timers, restarted } = benchOf();
  const notebook = new Notebook(words, parts);
  notebook.put('a', 'one', clock.now() + DAY);
  assert.equal(notebook.get('a'), 'one');
  assert.equal(new Notebook(words, restarted()).get('a'), undefined);
  await timers.advance(SECOND);
  assert.equal(new Notebook(words, restarted()).get('a'), 'one');
});

test('a value lapses at its time, and one that was only kept does not outlive the process', async () => {
  const { parts, clock, timers, restarted } = benchOf();
  const notebook = new Notebook(words, parts);
  notebook.keep('a', 'one', clock.now() + HOUR);
  notebook.put('b', 'two', clock.now() + HOUR);
  await timers.advance(HOUR);
  assert.deepEqual([notebook.get('a'), notebook.get('b')], ['one', 'two']);
  assert.equal(new Notebook(words, restarted()).get('a'), undefined);
  clock.advance(1);
  assert.deepEqual([notebook.get('a'), notebook.get('b')], [undefined, undefined]);
});

test('what was removed is gone at once and stays gone, whether it was stored or still waiting', async () => {
  const { parts, clock, timers, restarted } = benchOf();
  const notebook = new Notebook(words, parts);
  notebook.put('a', 'one', clock.now() + DAY);
  notebook.remove('a');
  assert.equal(notebook.get('a'), undefined);
  assert.equal(new Notebook(words, parts).get('a'), undefined, 'the waiting change counts');
  notebook.put('b', 'two', clock.now() + DAY);
  await timers.advance(SECOND);
  notebook.remove('b');
  await timers.advance(SECOND);
  assert.deepEqual(
    ['a', 'b'].map(key => new Notebook(words, restarted()).get(key)),
    [undefined, undefined],
  );
});

test('a key costs one look at the store, also if nothing is there', () => {
  const store = new WatchedNotes();
  const notebook = new Notebook(words, benchOf(store).parts);
  for (let round = 0; round < 10; round++) assert.equal(notebook.get('a'), undefined);
  assert.equal(store.reads, 1);
});

test('once the keys in the store are known, one that is not among them costs no look; one that is gets it', async () => {
  const store = new WatchedNotes();
  const { clock, timers, restarted } = benchOf(store);
  const until = clock.now() + DAY;
  await store.write(
    Array.from({ length: 2_500 }, (_, index) => ({ kind: 'word', key: `k${index}`, note: { text: '["x"]', until } })),
  );
  const notebook = new Notebook(words, restarted());
  await timers.advance(SECOND);
  for (let index = 0; index < 100; index++) assert.equal(notebook.get(`other${index}`), undefined);
  assert.equal(store.reads, 0);
  for (let index = 0; index < 2_500; index += 100) assert.equal(notebook.get(`k${index}`), 'x');
  assert.equal(store.reads, 25);
  notebook.put('new', 'y', until);
  assert.equal(notebook.get('new'), 'y');
});

test('the changes of a second are stored together, many in several transactions', async () => {
  const store = new WatchedNotes();
  const { parts, clock, timers } = benchOf(store);
  const notebook = new Notebook(words, parts);
  for (let index = 0; index < 1_200; index++) notebook.put(`k${index % 600}`, 'x', clock.now() + DAY);
  await timers.advance(2 * SECOND);
  assert.deepEqual(store.writes, [500, 100]);
});

test('a store that fails is tried again; nothing is lost meanwhile, and the log says so', async () => {
  const store = new WatchedNotes();
  const { parts, clock, timers, warnings } = benchOf(store);
  const notebook = new Notebook(words, parts);
  notebook.put('a', 'one', clock.now() + DAY);
  store.failing = new Error('disk full');
  await timers.advance(SECOND);
  assert.deepEqual(warnings, ['what was learned could not be stored and will be tried again']);
  assert.equal(notebook.get('a'), 'one');
  assert.throws(() => notebook.get('b'), /disk full/);
  store.failing = undefined;
  await timers.advance(5 * SECOND);
  assert.deepEqual(store.writes, [1]);
});

test('with a store that stays broken no more than a bound gathers', () => {
  const { parts, clock, warnings } = benchOf();
  const notebook = new Notebook(words, parts);
  for (let index = 0; index < 20_010; index++) notebook.put(`k${index}`, 'x', clock.now() + DAY);
  assert.equal(warnings.length, 10);
  assert.equal(parts.writer.waiting('word', 'k20005'), undefined);
});

test('closing stores what waits', async () => {
  const { parts, clock, restarted } = benchOf();
  new Notebook(words, parts).put('a', 'one', clock.now() + DAY);
  await parts.writer.close();
  assert.equal(new Notebook(words, restarted()).get('a'), 'one');
});

test('what is learned after closing is lost, and nothing is tried for it', async () => {
  const { parts, clock, timers, warnings } = benchOf();
  const notebook = new Notebook(words, parts);
  await timers.advance(SECOND);
  await parts.writer.close();
  notebook.put('a', 'one', clock.now() + DAY);
  assert.equal(timers.size, 0);
  assert.deepEqual(warnings, []);
});

test('a note that makes no sense counts as none', async () => {
  const { parts, clock, store } = benchOf();
  const until = clock.now() + DAY;
  for (const [index, text] of ['', '{', '7', 'null', '[7]'].entries()) {
    await store.write([{ kind: 'word', key: `k${index}`, note: { text, until } }]);
    assert.equal(new Notebook(words, parts).get(`k${index}`), undefined, text);
  }
});

test('a key longer than any address is not written down', () => {
  const { parts, clock } = benchOf();
  new Notebook(words, parts).put('x'.repeat(2_000), 'one', clock.now() + DAY);
  assert.equal(parts.writer.waiting('word', 'x'.repeat(2_000)), undefined);
});
