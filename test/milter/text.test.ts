import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeString, decodeStrings, decodeText, encodeStrings, encodeText } from '../../src/milter/text.ts';

const decode = (bytes: Uint8Array): string => decodeText(Buffer.from(bytes), 0, bytes.length);

/** Bytes of all kinds: any, UTF-8, UTF-8 with bytes changed, and the borders of UTF-8's rules. */
const border = fc.constantFrom(
  0x00,
  0x7f,
  0x80,
  0xbf,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xed,
  0xa0,
  0xb0,
  0xef,
  0xf0,
  0xf4,
  0xf5,
  0xff,
);
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'grapheme' }).map(text => Uint8Array.from(Buffer.from(text))),
  fc.array(border, { maxLength: 12 }).map(bytes => Uint8Array.from(bytes)),
  fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
    const bytes = Uint8Array.from(Buffer.from(text));
    bytes[at % bytes.length] = byte;
    return bytes;
  }),
);

test('any bytes come back from the text they were read as', () => {
  fc.assert(
    fc.property(anyBytes, bytes => {
      assert.deepEqual(encodeText(decode(bytes)), Buffer.from(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('two different byte strings never become the same text', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (one, other) => {
      assert.equal(decode(one) === decode(other), Buffer.compare(one, other) === 0);
    }),
    { numRuns: 2_000 },
  );
});

test('every string of up to two bytes has a text of its own', () => {
  const texts = new Set<string>();
  for (let first = 0; first < 256; first++) {
    texts.add(decode(Uint8Array.of(first)));
    for (let second = 0; second < 256; second++) texts.add(decode(Uint8Array.of(first, second)));
  }
  assert.equal(texts.size, 256 + 256 * 256);
});

test('valid UTF-8 is read as such, also beside bytes that are none', () => {
  assert.equal(decode(Buffer.from('grüße@例え.jp 😀')), 'grüße@例え.jp 😀');
  assert.equal(decode(Buffer.from('\xe4b\xc3\xa9\xff', 'latin1')), '\udce4bé\udcff');
});

test('what UTF-8 forbids is escaped byte by byte: overlong forms, surrogates, too much, cut short', () => {
  assert.equal(decode(Buffer.of(0xc0, 0xaf)), '\udcc0\udcaf');
  assert.equal(decode(Buffer.of(0xed, 0xb2, 0x80)), '\udced\udcb2\udc80'); // U+DC80 itself, as CESU-8 would have it
  assert.equal(decode(Buffer.of(0xf4, 0x90, 0x80, 0x80)), '\udcf4\udc90\udc80\udc80');
  assert.equal(decode(Buffer.of(0xe2, 0x82)), '\udce2\udc82');
  assert.equal(decode(Buffer.of(0xe2, 0x82, 0x41)), '\udce2\udc82A');
});

test('text is read from its range alone', () => {
  const bytes = Buffer.from('\xe2\x82\xac|abc|\xe2\x82\xac', 'latin1');
  assert.equal(decodeText(bytes, 4, 7), 'abc');
  assert.equal(decodeText(bytes, 0, 3), '€');
  assert.equal(decodeText(bytes, 1, 3), '\udc82\udcac');
  assert.equal(decodeText(bytes, 5, 5), '');
});

test('strings end at their NUL; the last may lack it; empty ones count', () => {
  const strings = (text: string): string[] => decodeStrings(Buffer.from(text, 'latin1'), 0, text.length);
  assert.deepEqual(strings(''), []);
  assert.deepEqual(strings('\0'), ['']);
  assert.deepEqual(strings('a\0\0b\0'), ['a', '', 'b']);
  assert.deepEqual(strings('a\0b'), ['a', 'b']);
});

test('strings do not reach over the end of their packet', () => {
  const bytes = Buffer.from('a\0bc\0d\0', 'latin1');
  assert.deepEqual(decodeStrings(bytes, 0, 3), ['a', 'b']);
  assert.deepEqual(decodeStrings(bytes, 2, 4), ['bc']);
  assert.equal(decodeString(bytes, 2, 4), 'bc');
  assert.equal(decodeString(bytes, 0, 7), 'a');
});

test('strings come back from the bytes they were written as', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0')));
  fc.assert(
    fc.property(texts, strings => {
      const bytes = encodeStrings(...strings);
      assert.deepEqual(decodeStrings(bytes, 0, bytes.length), strings);
    }),
  );
});

test('a NUL inside a string is refused: the reader would end it there', () => {
  assert.throws(() => encodeStrings('ok', 'a\0b'), { name: 'RangeError', message: /NUL in "a\\u0000b"/ });
});
