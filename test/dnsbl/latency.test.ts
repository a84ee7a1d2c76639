import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Latency } from '../../src/dnsbl/latency.ts';

test('until fifty answers are in, the defaults hold', () => {
  const latency = new Latency();
  for (let count = 0; count < 49; count++) latency.add(240);
  assert.deepEqual([latency.hedge, latency.patience], [100, 500]);
  latency.add(240);
  assert.deepEqual([latency.hedge, latency.patience], [240, 720]);
});

test('one slow answer in twenty does not count, two do', () => {
  const few = new Latency();
  const more = new Latency();
  for (let count = 0; count < 64; count++) {
    few.add(count % 22 === 0 ? 240 : 60);
    more.add(count % 10 === 0 ? 240 : 60);
  }
  assert.deepEqual([few.hedge, more.hedge], [60, 240]);
});

test('old answers are forgotten', () => {
  const latency = new Latency();
  for (let count = 0; count < 64; count++) latency.add(240);
  for (let count = 0; count < 72; count++) latency.add(80);
  assert.equal(latency.hedge, 80);
});

test('hedging stays within 50 and 250 ms, patience above 500 ms', () => {
  for (const [time, hedge, patience] of [
    [1, 50, 500],
    [1_000, 250, 3_000],
  ] as const) {
    const latency = new Latency();
    for (let count = 0; count < 64; count++) latency.add(time);
    assert.deepEqual([latency.hedge, latency.patience], [hedge, patience]);
  }
});
