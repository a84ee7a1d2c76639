import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clip, escapeJson, VALUE_LIMIT } from '../../src/log/escape.ts';
import { logfmtTail, logfmtValue } from '../../src/log/logfmt.ts';
import { hostile, parseLogfmt, UNSAFE } from '../support/hostile-text.ts';

test('plain values stand bare, all others in quotes', () => {
  const table: readonly (readonly [string | number | boolean, string])[] = [
    ['a@example.org', 'a@example.org'],
    ['[203.0.113.7]', '[203.0.113.7]'],
    ['', '""'],
    ['two words', '"two words"'],
    ['bounce-a=b.org@x', '"bounce-a=b.org@x"'],
    ['"quoted"@x', '"\\"quoted\\"@x"'],
    ['back\\slash', '"back\\\\slash"'],
    ['a\r\nb', '"a\\r\\nb"'],
    ['\0\x1b\x7f\x85\u202e\u2028', '"\\u0000\\u001b\\u007f\\u0085\\u202e\\u2028"'],
    ['\ud800', '"\\ud800"'],
    ['\u{e0001}', '"\\udb40\\udc01"'],
    ['jürgen@例え.jp', '"jürgen@例え.jp"'],
    [300, '300'],
    [false, 'false'],
  ];
  for (const [value, text] of table) assert.equal(logfmtValue(value), text);
});

test('a value longer than the limit is cut and says so', () => {
  const long = 'x'.repeat(VALUE_LIMIT + 1);
  assert.equal(logfmtValue(long), `"${'x'.repeat(VALUE_LIMIT)}…"`);
  assert.equal(logfmtValue('x'.repeat(VALUE_LIMIT)), 'x'.repeat(VALUE_LIMIT));
  assert.equal(logfmtValue('y'.repeat(65_536)).length, VALUE_LIMIT + 3);
});

test('whatever the values are, a line stays one line of safe characters and gives them back', () => {
  fc.assert(
    fc.property(fc.record({ sender: hostile, recipient: hostile, client_name: hostile }), fields => {
      const line = logfmtTail(fields).slice(1);
      assert.doesNotMatch(line, UNSAFE);
      const read = parseLogfmt(line);
      assert.deepEqual(Object.keys(read), Object.keys(fields));
      for (const [key, value] of Object.entries(fields)) assert.equal(read[key], clip(value));
    }),
    { numRuns: 2_000 },
  );
});

test('finished JSON is made safe without changing what it says', () => {
  fc.assert(
    fc.property(hostile, value => {
      const safe = escapeJson(JSON.stringify({ value }));
      assert.doesNotMatch(safe, UNSAFE);
      assert.deepEqual(JSON.parse(safe), { value });
    }),
    { numRuns: 2_000 },
  );
});

test('undefined fields are left out, and odd keys are tamed', () => {
  assert.equal(logfmtTail({ a: 1, b: undefined, 'c d"\n': 'e' }), ' a=1 c_d__=e');
});
