import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListedShare } from '../../src/dnsbl/listed-share.ts';

/** Adds `count` new clients and returns how many times the share was news. */
function add(share: ListedShare, count: number, listed: (index: number) => boolean, name = 'client'): number {
  let news = 0;
  for (let index = 0; index < count; index++) if (share.add(`${name}${index}`, listed(index))) news++;
  return news;
}

test('only two hundred distinct clients say something', () => {
  const share = new ListedShare();
  assert.equal(
    add(share, 199, () => true),
    0,
  );
  for (let again = 0; again < 1_000; again++) assert.ok(!share.add('client0', true));
  assert.ok(share.add('another', true));
});

test('98 in a hundred may be, more is news, once', () => {
  const atLimit = new ListedShare();
  assert.equal(
    add(atLimit, 200, index => index >= 4),
    0,
  );
  const above = new ListedShare();
  assert.equal(
    add(above, 600, index => index % 100 !== 0 || index > 100),
    1,
  );
});

test('after the share was normal again it is news again', () => {
  const share = new ListedShare();
  assert.equal(
    add(share, 200, () => true, 'a'),
    1,
  );
  assert.equal(
    add(share, 200, () => false, 'b'),
    0,
  );
  assert.equal(
    add(share, 200, () => true, 'c'),
    1,
  );
});
