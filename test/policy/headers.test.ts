import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/net/address.ts';
import { greylistHeader, mailDate, warningHeader } from '../../src/policy/headers.ts';

const author = { product: 'milter-greylist/1.0', host: 'mx.example.org' };
const now = Date.UTC(2026, 10, 21, 8, 53, 48, 999);

test('X-Greylist tells the delay, who says so, where and when', () => {
  assert.deepEqual(greylistHeader(author, 314_000, now), {
    name: 'X-Greylist',
    value: 'delayed 314 seconds by milter-greylist/1.0 at mx.example.org; Sat, 21 Nov 2026 08:53:48 +0000',
  });
});

for (const [delayed, seconds] of [
  [0, 0],
  [999, 0],
  [1000, 1],
  [314_999, 314],
] as const) {
  test(`${delayed} ms are ${seconds} whole seconds`, () => {
    assert.ok(greylistHeader(author, delayed, now).value.startsWith(`delayed ${seconds} seconds by `));
  });
}

test('a one-digit day has two digits, and the year four', () => {
  assert.equal(mailDate(Date.UTC(2027, 0, 1, 0, 0, 0)), 'Fri, 01 Jan 2027 00:00:00 +0000');
});

test('X-RBL-Warning names address and zone', () => {
  assert.deepEqual(warningHeader(parseAddress('203.0.113.7')!, 'zen.spamhaus.org'), {
    name: 'X-RBL-Warning',
    value: '203.0.113.7 found in zen.spamhaus.org',
  });
});

test('no name can break a header line', () => {
  const value =
    greylistHeader({ product: 'x\r\ny', host: 'a\nb' }, 0, now).value +
    warningHeader(parseAddress('::1')!, 'z\r\n').value;
  assert.match(value, /^[\x20-\x7e]+$/);
});
