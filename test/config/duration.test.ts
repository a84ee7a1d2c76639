import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../src/config/duration.ts';

test('durations are seconds, or numbers with units', () => {
  const table: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['300', 300_000],
    ['007', 7_000],
    ['500ms', 500],
    ['1s', 1_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['5w1d', 36 * 86_400_000],
    ['1d2h3m4s5ms', 93_784_005],
  ];
  for (const [text, milliseconds] of table) assert.equal(parseDuration(text), milliseconds, text);
});

test('anything else is refused with the text and what was expected', () => {
  for (const text of [
    '',
    ' ',
    '5x',
    '-5',
    '+5',
    '5 m',
    '5M',
    '1.5h',
    '1e3',
    '0x10',
    'm',
    '5m5',
    '30m1h',
    '5m5m',
    '٣',
    '5m\n',
  ]) {
    assert.throws(() => parseDuration(text), {
      name: 'RangeError',
      message: `'${text}' is not a duration: expected seconds, or numbers with units w d h m s ms, largest first, such as 300, 5m or 1h30m`,
    });
  }
});

test('a duration longer than a hundred years is a slip', () => {
  assert.equal(parseDuration('36525d'), 36_525 * 86_400_000);
  for (const text of ['36526d', '999999999999', `${'9'.repeat(12)}w`])
    assert.throws(() => parseDuration(text), /too long/);
});
