import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from '../../src/dns/breaker.ts';

/** Sends a query at `at` that gets no reply. Returns whether the server is under suspicion from then on. */
function lose(breaker: Breaker, at: number): boolean {
  breaker.sent();
  return breaker.failed(at);
}

/** Open from 1,200 ms on, when the control question has not been answered either, until 2,200 ms. */
function opened(): Breaker {
  const breaker = new Breaker();
  for (let i = 0; i < 5; i++) lose(breaker, 0);
  assert.equal(breaker.confirm(1_200), 1_000);
  return breaker;
}

test('the fifth failure in a row brings suspicion, and if that is confirmed it opens for a second', () => {
  const breaker = new Breaker();
  for (const at of [0, 100, 200, 300]) {
    assert.equal(lose(breaker, at), false);
    assert.equal(breaker.confirm(at + 200), undefined, 'there is nothing to confirm');
  }
  assert.equal(lose(breaker, 400), true);
  assert.ok(breaker.allows(600), 'suspicion alone takes nothing away');
  assert.equal(breaker.confirm(800), 1_000);
  assert.ok(!breaker.allows(800));
  assert.ok(!breaker.allows(1_799));
  assert.ok(breaker.allows(1_800));
});

test('it is told of suspicion once, however many queries are lost meanwhile', () => {
  const breaker = new Breaker();
  const told = Array.from({ length: 100 }, () => lose(breaker, 0));
  assert.equal(told.indexOf(true), 4);
  assert.equal(told.lastIndexOf(true), 4);
});

test('any reply ends the suspicion', () => {
  const breaker = new Breaker();
  for (let i = 0; i < 5; i++) lose(breaker, 0);
  assert.equal(breaker.replied(250), false);
  assert.equal(breaker.confirm(400), undefined);
  assert.ok(breaker.allows(400));
  for (let i = 0; i < 4; i++) assert.equal(lose(breaker, 500), false);
  assert.equal(lose(breaker, 500), true, 'it is suspected anew');
});

test('a reply in between starts the count again', () => {
  const breaker = new Breaker();
  for (const at of [0, 10, 20, 30]) lose(breaker, at);
  assert.equal(breaker.replied(300), false);
  for (const at of [400, 410, 420, 430]) assert.equal(lose(breaker, at), false);
  assert.equal(lose(breaker, 440), true);
});

test('a failure does not count if the server replied to something else meanwhile', () => {
  const breaker = new Breaker();
  for (let at = 0; at < 100_000; at += 1_000) {
    breaker.replied(at + 50);
    assert.equal(lose(breaker, at), false);
  }
  assert.ok(breaker.allows(100_000));
});

test('only a few probes go through while it is half open', () => {
  const breaker = opened();
  for (let i = 0; i < 3; i++) {
    assert.ok(breaker.allows(2_300));
    breaker.sent();
  }
  assert.ok(!breaker.allows(2_300));
  breaker.withdrawn(2_300);
  assert.ok(breaker.allows(2_300), 'a probe given up makes room for another');
});

test('a failed probe, confirmed, doubles the pause, up to five minutes; failures of older queries do not', () => {
  const breaker = opened();
  let at = 2_200;
  const pauses: number[] = [];
  for (let i = 0; i < 12; i++) {
    assert.ok(breaker.allows(at));
    breaker.sent();
    breaker.sent();
    assert.equal(breaker.failed(at), true);
    assert.equal(breaker.failed(at), false, 'the second probe of the same round changes nothing');
    assert.equal(breaker.confirm(at + 200), undefined, 'it was open already');
    assert.equal(breaker.failed(at - 1), false, 'sent before it opened');
    assert.equal(breaker.confirm(at + 300), undefined);
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
  breaker.failed(2_300);
  breaker.confirm(2_500);
  assert.ok(!breaker.allows(4_499));
  assert.equal(breaker.replied(4_500), true);
  assert.ok(breaker.allows(4_500));
  for (let i = 0; i < 4; i++) lose(breaker, 5_000);
  assert.equal(lose(breaker, 5_000), true);
  assert.equal(breaker.confirm(5_200), 1_000);
});
