import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeLossless, encodeLossless } from '../../src/stores/lossless-text.ts';

test('ordinary text is stored as it is', () => {
  for (const text of [
    '',
    'a@example.org',
    '"john doe"@example.org',
    "o'neil",
    'ä𝄞\ufffd\u202e',
    'a\u0001',
    'a\r\nb\x7f',
  ]) {
    assert.equal(encodeLossless(text), text);
  }
});

test('text that SQLite can not hold or search is stored as a marked literal', () => {
  assert.equal(encodeLossless('a\0b'), '\u0001"a\\u0000b"');
  assert.equal(encodeLossless('\udce9@x'), '\u0001"\\udce9@x"');
  assert.equal(encodeLossless('\u0001"a"'), '\u0001"\\u0001\\"a\\""');
});

test('whatever the text, its stored form is valid Unicode without NUL, and gives it back', () => {
  const codes = fc.array(fc.oneof(fc.constantFrom(0, 1, 0x22, 0x5c, 0xd800, 0xdc80), fc.nat(0xffff)), {
    maxLength: 10,
  });
  fc.assert(
    fc.property(codes, units => {
      const text = String.fromCharCode(...units);
      const stored = encodeLossless(text);
      assert.ok(stored.isWellFormed() && !stored.includes('\0'));
      assert.equal(decodeLossless(stored), text);
    }),
    { numRuns: 2_000 },
  );
});
