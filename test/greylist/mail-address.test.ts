import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizeAddress } from '../../src/greylist/mail-address.ts';
import { decodeText } from '../../src/milter/text.ts';

test('addresses are folded and stripped, and stay readable', () => {
  const cases: readonly [given: string, normalized: string][] = [
    ['', ''],
    ['<>', ''],
    ['User@Example.ORG', 'user@example.org'],
    ['<User@Example.ORG>', 'user@example.org'],
    ['user@example.org.', 'user@example.org'],
    ['<user@example.org...>', 'user@example.org'],
    ['"John Doe"@example.org', '"john doe"@example.org'],
    ['POSTMASTER', 'postmaster'],
    // What is not documented stays as it is.
    ['<<a@b>>', '<a@b>'],
    ['<a@b', '<a@b'],
    ['a@b>', 'a@b>'],
    [' a@b ', ' a@b '],
    ['a+x@b', 'a+x@b'],
    ['ÄÖ@Exämple', 'ÄÖ@exämple'],
    ['\u212a@b', '\u212a@b'],
    ['\u0130@b', '\u0130@b'],
    ['a\0B\r\n@c', 'a\0b\r\n@c'],
    // No dots make a null sender.
    ['.', '.'],
    ['...', '.'],
    ['<.>', '.'],
    ['<', '<'],
    ['>', '>'],
  ];
  for (const [given, normalized] of cases) assert.equal(normalizeAddress(given), normalized, JSON.stringify(given));
});

/** The documented normalisation, said in another way: on bytes. */
function documented(bytes: readonly number[]): readonly number[] {
  let rest = [...bytes];
  if (rest.length > 1 && rest[0] === 0x3c && rest.at(-1) === 0x3e) rest = rest.slice(1, -1);
  while (rest.length > 1 && rest.at(-1) === 0x2e) rest.pop();
  return rest.map(byte => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
}

const wireByte = fc.oneof(
  fc.constantFrom(0x3c, 0x3e, 0x2e, 0x41, 0x61, 0x40, 0xc3, 0x84, 0xa4, 0xe9, 0xed, 0xb2, 0x80),
  fc.integer({ min: 1, max: 255 }),
);
const wireText = fc.array(wireByte, { maxLength: 8 });

test('two byte strings from the wire share a triplet only by the documented normalisation', () => {
  const normalize = (bytes: readonly number[]): string =>
    normalizeAddress(decodeText(Buffer.from(bytes), 0, bytes.length));
  const check = (one: readonly number[], other: readonly number[]): void => {
    const same = Buffer.from(documented(one)).equals(Buffer.from(documented(other)));
    assert.equal(normalize(one) === normalize(other), same);
  };
  fc.assert(fc.property(wireText, wireText, check), { numRuns: 5_000 });
  // Two unrelated strings are hardly ever alike; these are often.
  const variant = fc.tuple(fc.boolean(), fc.boolean(), fc.nat(2));
  fc.assert(
    fc.property(wireText, variant, (bytes, [brackets, upper, dots]) => {
      const cased = upper ? bytes.map(byte => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)) : bytes;
      const dotted = [...cased, ...Array<number>(dots).fill(0x2e)];
      check(bytes, brackets ? [0x3c, ...dotted, 0x3e] : dotted);
    }),
    { numRuns: 5_000 },
  );
});
