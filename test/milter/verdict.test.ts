import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeReply } from '../../src/milter/client-reply.ts';
import type { Stage } from '../../src/milter/constants.ts';
import { decodeText } from '../../src/milter/text.ts';
import {
  acceptConnection,
  acceptMessage,
  discardMessage,
  isLegal,
  outcomeOf,
  proceed,
  reject,
  reply,
  skipBody,
  tempfail,
  type Verdict,
} from '../../src/milter/verdict.ts';
import { packetTexts } from './support.ts';

const wire = (verdict: Verdict<never>): string => packetTexts(Buffer.from(verdict.packet)).join('|');

test('plain verdicts are one byte without data', () => {
  const bytes = [proceed, reject, tempfail, acceptConnection, acceptMessage, discardMessage, skipBody].map(wire);
  assert.deepEqual(bytes, ['c', 'r', 't', 'a', 'a', 'd', 's']);
});

test('a reply is its code, its enhanced code, its text and one NUL', () => {
  assert.equal(wire(reply(451, '4.7.1', 'Greylisted, wait 300 seconds')), 'y451 4.7.1 Greylisted, wait 300 seconds\0');
  assert.equal(wire(reply(550, null, 'No')), 'y550 No\0');
  assert.equal(wire(reply(421, '4.3.2', '')), 'y421 4.3.2 \0');
});

test('a reply of several lines has code and enhanced code on each, CRLF between them and none at the end', () => {
  assert.equal(
    wire(reply(550, '5.7.1', 'one', 'two', 'three')),
    'y550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\0',
  );
  assert.equal(wire(reply(451, null, 'one', 'two')), 'y451-one\r\n451 two\0');
});

test('a per cent sign is doubled: Sendmail prints the text as a format', () => {
  assert.equal(wire(reply(451, '4.7.1', '100% of %s %%')), 'y451 4.7.1 100%% of %%s %%%%\0');
});

test('text beyond ASCII is UTF-8', () => {
  assert.equal(wire(reply(451, '4.7.1', 'grün')), 'y451 4.7.1 gr\xc3\xbcn\0');
});

test('a line break or another control character is refused, so nobody can forge a line or end the text', () => {
  const hostile = ['a\r\n250 OK', 'a\nb', 'a\rb', 'a\0b', 'tab\there', '\x7f', '\x85', '\x1b[31m'];
  for (const line of hostile) {
    assert.throws(() => reply(451, '4.7.1', line), {
      name: 'RangeError',
      message: /^control character \d+ in reply text/,
    });
    assert.throws(() => reply(451, '4.7.1', 'fine', line), RangeError);
  }
});

test('the class of the enhanced code must be that of the code', () => {
  assert.throws(() => reply(451, '5.7.1', 'x'), /enhanced code 5\.7\.1 does not fit reply code 451/);
  assert.throws(() => reply(550, '4.7.1', 'x'), /enhanced code 4\.7\.1 does not fit reply code 550/);
});

test('codes that are none, or no refusal, are refused', () => {
  for (const code of [250, 354, 399, 600, 45, 4510, 451.5, Number.NaN]) {
    assert.throws(() => reply(code, null, 'x'), { name: 'RangeError', message: /: expected 400 to 599$/ });
  }
  for (const enhanced of ['', '4', '4.7', '4.7.1.1', '4.7.1234', '2.0.0', 'x.y.z', '4.7.1 ', '4.7.1\r\n']) {
    assert.throws(() => reply(451, enhanced, 'x'), RangeError, enhanced);
  }
});

test('a line has at most 980 bytes on the wire', () => {
  assert.ok(reply(451, '4.7.1', 'x'.repeat(980)));
  assert.ok(reply(451, '4.7.1', '%'.repeat(490)));
  assert.throws(() => reply(451, '4.7.1', 'x'.repeat(981)), /reply line of 981 bytes: at most 980/);
  assert.throws(() => reply(451, '4.7.1', '%'.repeat(491)), /reply line of 982 bytes/);
  assert.throws(() => reply(451, '4.7.1', 'ä'.repeat(491)), /reply line of 982 bytes/);
});

test('a reply has 1 to 32 lines', () => {
  assert.equal(wire(reply(451, '4.7.1', ...new Array<string>(32).fill('x'))).split('\r\n').length, 32);
  assert.throws(() => reply(451, '4.7.1', ...new Array<string>(33).fill('x')), /33 reply lines: expected 1 to 32/);
  assert.throws(() => reply(451, '4.7.1'), /0 reply lines: expected 1 to 32/);
});

test('a byte of an address that is no UTF-8 is refused, so that it does not come back to the client as it is', () => {
  const bytes = Buffer.from('<\x9b\xff@example.net>', 'latin1');
  const address = decodeText(bytes, 0, bytes.length);
  assert.throws(() => reply(550, '5.7.1', `${address} is refused`), {
    name: 'RangeError',
    message: /^bytes that are no UTF-8 in reply text "<\\udc9b\\udcff@/,
  });
});

test('any reply that can be made is well-formed and read back as what it says', () => {
  const line = fc.string({ maxLength: 60 }).filter(text => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(
      fc.integer({ min: 400, max: 599 }),
      fc.boolean(),
      fc.array(line, { minLength: 1, maxLength: 32 }),
      (code, plain, lines) => {
        const enhanced = plain ? null : `${Math.floor(code / 100)}.7.1`;
        const [text = ''] = packetTexts(Buffer.from(reply(code, enhanced, ...lines).packet));
        assert.match(text, /^y(?:[45]\d\d-[^\0\r\n]*\r\n)*[45]\d\d [^\0\r\n]*\0$/);
        const read = decodeReply(0x79, Buffer.from(text.slice(1), 'latin1'));
        const words = enhanced === null ? '' : `${enhanced} `;
        const expected = lines.map((each, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${words}${each}`);
        assert.deepEqual(read, { kind: 'reply', code, text: expected.join('\r\n') });
      },
    ),
  );
});

test('verdicts can not be changed', () => {
  for (const verdict of [proceed, tempfail, reply(451, null, 'x')]) {
    assert.ok(Object.isFrozen(verdict));
  }
});

test('a verdict is legal at its stages and nowhere else', () => {
  const stages: readonly Stage[] = [
    'connect',
    'helo',
    'mail',
    'rcpt',
    'data',
    'unknown',
    'header',
    'eoh',
    'body',
    'eom',
  ];
  const legal = (verdict: Verdict<never>): Stage[] => stages.filter(stage => isLegal(verdict, stage));
  const message = stages.filter(stage => !['connect', 'helo', 'unknown'].includes(stage));
  for (const verdict of [proceed, reject, tempfail, reply(451, null, 'x')]) assert.deepEqual(legal(verdict), stages);
  assert.deepEqual(legal(discardMessage), message);
  assert.deepEqual(legal(acceptMessage), ['connect', 'helo', ...message]);
  assert.deepEqual(legal(skipBody), ['body']);
});

test('what is no verdict is legal nowhere', () => {
  for (const value of [
    undefined,
    null,
    'proceed',
    0,
    true,
    {},
    { kind: 'proceed' },
    { packet: Buffer.from('x') },
    [],
  ]) {
    assert.equal(isLegal(value, 'rcpt'), false);
  }
});

test('verdicts end a message each in its way', () => {
  const ends = [
    proceed,
    skipBody,
    acceptMessage,
    discardMessage,
    reject,
    tempfail,
    reply(451, null, 'x'),
    reply(550, null, 'x'),
  ];
  assert.deepEqual(
    ends.map(verdict => outcomeOf(verdict as Verdict)),
    [undefined, undefined, 'accepted-early', 'discarded', 'rejected', 'tempfailed', 'tempfailed', 'rejected'],
  );
});
