import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileReplyText, TemplateError } from '../../src/policy/reply-text.ts';

const values = {
  wait: 3725,
  address: '203.0.113.7',
  dnsbl: 'zen.spamhaus.org',
  sender: 'a@example.net',
  recipient: 'b@example.org',
  id: 's1',
};

const rows: readonly (readonly [template: string, text: string])[] = [
  ['Come back in {WAIT} secs', 'Come back in 3725 secs'],
  ['Come back in {TIME}', 'Come back in 01:02:05'],
  ['{ADDR} found in {DNSBL}', '203.0.113.7 found in zen.spamhaus.org'],
  ['{SENDER} to {RECIPIENT}, see {ID}', 'a@example.net to b@example.org, see s1'],
  ['{WAIT}{WAIT}', '37253725'],
  ['no names, 100 % as it is', 'no names, 100 % as it is'],
  ['a } brace { alone', 'a } brace { alone'],
  ['{{WAIT}}', '{3725}'],
];

for (const [template, text] of rows) {
  test(`"${template}" becomes "${text}"`, () => assert.equal(compileReplyText('x', template)(values), text));
}

for (const [wait, time] of [
  [1, '00:00:01'],
  [60, '00:01:00'],
  [86_400, '24:00:00'],
  [360_000, '100:00:00'],
] as const) {
  test(`a wait of ${wait} seconds is ${time}`, () => assert.equal(compileReplyText('x', '{TIME}')({ wait }), time));
}

test('a value that a case does not have is empty', () => {
  assert.equal(compileReplyText('x', '<{WAIT}{TIME}{ADDR}{DNSBL}{SENDER}{RECIPIENT}{ID}>')({}), '<>');
});

for (const name of ['wait', 'WAITS', '', ' WAIT', 'constructor', '__proto__']) {
  test(`{${name}} is an error that names the template, the name and the known ones`, () => {
    assert.throws(
      () => compileReplyText('greylisted', `Come back {${name}}`),
      (error: unknown) => {
        assert.ok(error instanceof TemplateError);
        assert.equal(
          error.message,
          `template "greylisted": {${name}} is not known; expected one of {WAIT} {TIME} {ADDR} {DNSBL} {SENDER} {RECIPIENT} {ID}`,
        );
        return true;
      },
    );
  });
}

for (const [what, template] of [
  ['empty text', ' '],
  ['a line break', 'a\r\nb'],
  ['a control character', 'a\u0000b'],
  ['text beyond ASCII', 'später'],
  ['too long a text', 'x'.repeat(491)],
] as const) {
  test(`${what} is no template`, () => assert.throws(() => compileReplyText('early', template), TemplateError));
}

test('a value can neither break the line nor smuggle in another name', () => {
  const text = compileReplyText(
    'x',
    'from {SENDER}',
  )({ sender: 'a\r\n250 ok\0{ADDR}\u202e é', address: '203.0.113.7' });
  assert.equal(text, 'from a??250 ok?{ADDR}? ?');
});

test('a long value is cut and shows it', () => {
  const text = compileReplyText('x', '{SENDER}')({ sender: 'x'.repeat(64_000) });
  assert.equal(text, `${'x'.repeat(125)}...`);
});

test('whatever the values, the text is one line of printable ASCII that fits a reply', () => {
  const template = compileReplyText('x', '{SENDER} {RECIPIENT} {ADDR} {DNSBL} {ID} {WAIT} {TIME}');
  const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ unit: 'grapheme', maxLength: 600 }));
  fc.assert(
    fc.property(any, any, any, any, any, fc.nat(), (sender, recipient, address, dnsbl, id, wait) => {
      const text = template({ sender, recipient, address, dnsbl, id, wait });
      assert.match(text, /^[\x20-\x7e]*$/);
      // 512 bytes less `550 5.7.1 ` and CRLF, RFC 5321 section 4.5.3.1.5.
      assert.ok(text.length <= 500);
    }),
  );
});
