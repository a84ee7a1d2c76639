import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from '../../src/dns/breaker.ts';

/** Sends a query at `at` that gets no reply, seen at `at + 200`. */
function lose(breaker: Breaker, at: number): number | undefined {
  breaker.sent();
  return breaker.failed(at + 200, at);
}

function opened(): Breaker {
  const breaker = new Breaker();
  for (let i = 0; i < 5; i++) lose(breaker, 0);
  return breaker;
}

test('it opens at the fifth failure in a row, for a second', () => {
  const breaker = new Breaker();
  for (const at of [0, 100, 200, 300]) {
    assert.equal(lose(breaker, at), undefined);
    assert.ok(breaker.allows(at + 200));
  }
  assert.equal(lose(breaker, 400), 1_000);
  assert.ok(!breaker.allows(600));
  assert.ok(!breaker.allows(1_599));
  assert.ok(breaker.allows(1_600));
});

test('a reply in between starts the count again', () => {
  const breaker = new Breaker();
  for (const at of [0, 10, 20, 30]) lose(breaker, at);
  assert.equal(breaker.replied(300), false);
  for (const at of [400, 410, 420, 430]) assert.equal(lose(breaker, at), undefined);
  assert.equal(lose(breaker, 440), 1_000);
});

test('a failure does not count if the server replied to something else meanwhile', () => {
  const breaker = new Breaker();
  for (let at = 0; at < 100_000; at += 1_000) {
    breaker.replied(at + 50);
    assert.equal(lose(breaker, at), undefined);
  }
  assert.ok(breaker.allows(100_000));
});

test('only a few probes go through while it is half open', () => {
  const breaker = opened(); // until 1200
  for (let i = 0; i < 3; i++) {
    assert.ok(breaker.allows(1_300));
    breaker.sent();
  }
  assert.ok(!breaker.allows(1_300));
  breaker.withdrawn(1_300);
  assert.ok(breaker.allows(1_300), 'a probe given up makes room for another');
});

test('a failed probe doubles the pause, up to five minutes; failures of older queries do not', () => {
  const breaker = opened();
  let at = 1_200;
  const pauses: number[] = [];
  for (let i = 0; i < 12; i++) {
    assert.ok(breaker.allows(at));
    breaker.sent();
    breaker.sent();
    breaker.failed(at + 200, at);
    breaker.failed(at + 200, at); // the second probe of the same round changes nothing
    breaker.failed(at + 200, at - 1); // sent before it opened
    let pause = 1_000;
    while (!breaker.allows(at + 200 + pause)) pause += 1_000;
    pauses.push(pause);
    at += 200 + pause;
  }
  assert.deepEqual(
    pauses,
    [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300].map(seconds => seconds * 1_000),
  );
});

test('any reply closes it, and then it opens for a second again', () => {
  const breaker = opened();
  breaker.sent();
  breaker.failed(1_500, 1_300);
  assert.ok(!breaker.allows(1_600));
  assert.equal(breaker.replied(1_700), true);
  assert.ok(breaker.allows(1_700));
  for (let i = 0; i < 4; i++) lose(breaker, 2_000);
  assert.equal(lose(breaker, 2_000), 1_000);
});
