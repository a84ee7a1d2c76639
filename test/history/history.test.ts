import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../../src/greylist/store.ts';
import { recordIn } from '../../src/history/decision-record.ts';
import { History } from '../../src/history/history.ts';
import type { HistoryRow, HistoryStore } from '../../src/history/history-store.ts';
import type { Decision } from '../../src/policy/decision.ts';
import { benchOf, checkOf, envelopeOf, rejecting } from '../policy/support.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

class Target implements HistoryStore {
  readonly batches: (readonly HistoryRow[])[] = [];
  failing = false;
  /** Rows of before that are still to be dropped. */
  old = 0;
  async append(rows: readonly HistoryRow[], size: number): Promise<number> {
    if (this.failing) throw new StoreError('disk full');
    if (rows.length > 0) this.batches.push(rows);
    const dropped = size === 0 ? Math.min(this.old, 1_000) : 0;
    this.old -= dropped;
    return dropped;
  }
  find(id: string): HistoryRow | undefined {
    return this.batches.flat().find(row => row.id === id);
  }
}

function make(initial = 1_000) {
  let size = initial;
  const resize = (next: number): void => {
    size = next;
  };
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const store = new Target();
  const warnings: string[] = [];
  const log = { warn: (_cause: string, message: string) => void warnings.push(message) };
  return {
    clock,
    timers,
    store,
    warnings,
    resize,
    history: new History({ store, size: () => size, clock, timers, log }),
  };
}

async function decision(id: string): Promise<Decision> {
  return benchOf([checkOf('no', () => rejecting())]).policy.recipient(
    envelopeOf({ id, sender: `a"\n${'x'.repeat(999)}` }),
  );
}

test('decisions of a quarter of a second are stored together, with all that tells why', async () => {
  const { clock, timers, store, history } = make();
  const now = clock.now();
  history.add(await decision('s.1'));
  history.add(await decision('s.2'));
  assert.equal(store.batches.length, 0);
  await timers.advance(250);
  assert.deepEqual(
    store.batches.map(rows => rows.map(({ id }) => id)),
    [['s.1', 's.2']],
  );
  const record = recordIn(store.find('s.1') as HistoryRow);
  assert.equal(record.time, now);
  assert.equal(record.client.address, '203.0.113.7');
  assert.deepEqual([record.action, record.reason, record.check], ['reject', 'dnsbl', 'no']);
  assert.equal(record.reply?.text, 'Rejected.');
  assert.equal(record.sender, `a"\n${'x'.repeat(317)}…`);
});

test('what comes faster than it can be stored is left out, the oldest first, and the order stays', async () => {
  const { timers, store, history } = make();
  for (let index = 0; index < 700; index++) history.add(await decision(`s.${index}`));
  await timers.advance(250);
  const ids = store.batches.flat().map(({ id }) => Number(id.slice(2)));
  assert.deepEqual(
    ids,
    Array.from({ length: 100 }, (_, index) => index + 600),
  );
});

test('a store that is busy for a moment costs nothing and is no news; one that stays broken is told of, and costs the oldest', async () => {
  const { timers, store, warnings, history } = make();
  store.failing = true;
  history.add(await decision('s.0'));
  await timers.advance(250);
  store.failing = false;
  await timers.advance(250);
  assert.equal(store.find('s.0')?.id, 's.0');
  assert.deepEqual(warnings, []);
  store.failing = true;
  for (let index = 1; index <= 101; index++) history.add(await decision(`s.${index}`));
  await timers.advance(500);
  assert.equal(warnings.length, 1);
  store.failing = false;
  await timers.advance(250);
  assert.deepEqual([store.find('s.1'), store.find('s.2')?.id, store.find('s.101')?.id], [undefined, 's.2', 's.101']);
  await timers.advance(1_000);
  assert.equal(timers.size, 0);
});

test('decisions that can not be stored at the end are told of, and nothing is tried again', async () => {
  const { timers, store, warnings, history } = make();
  store.failing = true;
  history.add(await decision('s.1'));
  await history.close();
  assert.equal(warnings.length, 1);
  assert.equal(timers.size, 0);
});

test('closing stores what waits; a size of 0 stores nothing', async () => {
  const { store, history } = make();
  history.add(await decision('s.1'));
  await history.close();
  assert.equal(store.batches.length, 1);
  const none = make(0);
  none.history.add(await decision('s.1'));
  await none.history.close();
  assert.equal(none.store.batches.length, 0);
});

test('a history of no size leaves nothing of before either, part by part, also if that fails at first', async () => {
  const { timers, store, history, resize } = make();
  store.old = 2_500;
  history.resized();
  await timers.advance(10_000);
  assert.equal(store.old, 2_500);
  history.add(await decision('s.1'));
  resize(0);
  history.resized();
  store.failing = true;
  await timers.advance(250);
  store.failing = false;
  await timers.advance(5_000);
  assert.equal(store.old, 1_500);
  await timers.advance(500);
  assert.equal(store.old, 0);
  await timers.advance(10_000);
  assert.deepEqual(store.batches, []);
  // Nothing is left to do until there is a size again.
  resize(10);
  history.resized();
  history.add(await decision('s.2'));
  await timers.advance(250);
  assert.equal(store.batches.length, 1);
});
