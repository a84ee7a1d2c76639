import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithin, parseTimeSpan } from '../../../src/policy/rules/time-span.ts';

/** The 22nd of November 2026 is a Sunday. */
const at = (day: number, hour: number, minute = 0): number => new Date(2026, 10, 22 + day, hour, minute).getTime();

const rows: readonly (readonly [span: string, inside: readonly number[], outside: readonly number[]])[] = [
  ['mon-fri 08:00-18:00', [at(1, 8), at(5, 17, 59)], [at(1, 7, 59), at(5, 18), at(0, 9), at(6, 9)]],
  ['sat,sun', [at(0, 0), at(6, 23, 59)], [at(1, 0), at(5, 23, 59)]],
  ['fri-mon', [at(5, 1), at(6, 1), at(0, 1), at(1, 1)], [at(2, 1), at(4, 1)]],
  ['22:00-06:00', [at(3, 22), at(3, 5, 59), at(0, 0)], [at(3, 6), at(3, 21, 59)]],
  ['fri 22:00-06:00', [at(5, 23), at(6, 5)], [at(5, 5), at(6, 23)]],
  ['00:00-24:00', [at(1, 0), at(1, 23, 59)], []],
  ['MON', [at(1, 12)], [at(2, 12)]],
];

for (const [span, inside, outside] of rows) {
  test(`${span} holds when it says, and at no other time`, () => {
    for (const time of inside) assert.ok(isWithin(parseTimeSpan(span), time), new Date(time).toString());
    for (const time of outside) assert.ok(!isWithin(parseTimeSpan(span), time), new Date(time).toString());
  });
}

for (const text of [
  '',
  'noon',
  'mon fri',
  'mon-',
  'mon-fri-sun',
  '8:00-18:00',
  '08:00',
  '25:00-26:00',
  '08:60-09:00',
  '24:00-06:00',
]) {
  test(`'${text}' is no span of time`, () => assert.throws(() => parseTimeSpan(text), RangeError));
}
