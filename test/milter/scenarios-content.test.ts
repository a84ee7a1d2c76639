/**
 * What went wrong in other milter libraries, or surprises in one of the two MTAs: one test each: contents, limits, and
 * commands out of place.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolBit } from '../../src/milter/constants.ts';
import { proceed, reject, reply, skipBody, tempfail } from '../../src/milter/verdict.ts';
import { A, B, begin, C, E, ends, H, K, L, M, macros, N, negotiated, offer, packet, R, T, U } from './support.ts';

test('an end of message with data is a last piece of the body and the end, for one answer', async () => {
  const chunks: string[] = [];
  const rig = negotiated({
    body(_message, chunk) {
      chunks.push(chunk.toString());
      return proceed;
    },
    eom(_message) {
      chunks.push('END');
      return tempfail;
    },
  });
  assert.deepEqual(await rig.sayAndWait(C(), M(), R(), B('one'), packet('E', 'two'), M(), R(), E), [
    ...['c', 'c', 'c', 'c', 't'],
    ...['c', 'c', 't'],
  ]);
  assert.deepEqual(chunks, ['one', 'two', 'END', 'END']);
});

test('a verdict on the last piece of the body is the answer to its end of message', async () => {
  const rig = negotiated({ body: () => reject, eom: () => assert.fail('asked all the same') });
  assert.deepEqual(await rig.sayAndWait(C(), M(), R(), packet('E', 'x')), ['c', 'c', 'c', 'r']);
  const skipping = negotiated({ body: () => skipBody, eom: () => tempfail });
  assert.deepEqual(await skipping.sayAndWait(C(), M(), R(), packet('E', 'x')), ['c', 'c', 'c', 't']);
  const skipped = negotiated({ body: (_message, chunk) => (chunk.toString() === 'x' ? skipBody : reject) });
  assert.deepEqual(await skipped.sayAndWait(C(), M(), R(), B('x'), packet('E', 'y')), ['c', 'c', 'c', 's', 'c']);
});

/** What the filter gets of one header or one body chunk, in bytes, and what it answers. */
function sizeOf(content: Buffer): { readonly sizes: readonly number[]; readonly answers: readonly string[] } {
  const sizes: number[] = [];
  const rig = negotiated({
    header(_message, { value }) {
      sizes.push(value.length);
      return proceed;
    },
    body(_message, chunk) {
      sizes.push(chunk.length);
      return proceed;
    },
  });
  return { answers: rig.say(C(), M(), R(), content, E), sizes };
}

test('a header packet of 59,538 bytes, the longest Postfix sends, is taken whole', () => {
  const value = 'x'.repeat(59_538 - 'LSubject\0\0'.length);
  const header = L('Subject', value);
  assert.equal(header.readUInt32BE(0), 59_538);
  assert.deepEqual(sizeOf(header), { sizes: [value.length], answers: new Array(5).fill('c') });
});

test('a body packet of 65,536 bytes, the longest of both MTAs, is taken whole', () => {
  const body = B(Buffer.alloc(65_535));
  assert.equal(body.readUInt32BE(0), 65_536);
  assert.deepEqual(sizeOf(body), { sizes: [65_535], answers: new Array(5).fill('c') });
});

test('a packet over the limit closes the connection, after what came before it was answered', () => {
  const { seen, options } = ends();
  const rig = negotiated(options);
  assert.deepEqual(rig.say(C(), M(), B('').fill(0xff, 0, 4)), ['c', 'c']);
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(seen, ['1 disconnected', 'close']);
  assert.deepEqual(rig.offences, ['fatal: packet of 4294967295 bytes announced, at most 131072 are taken']);
});

test('a per cent sign in a reply arrives doubled', () => {
  const rig = negotiated({ rcpt: () => reply(451, '4.7.1', '100%') });
  assert.deepEqual(rig.say(C(), M(), R()), ['c', 'c', 'y451 4.7.1 100%%\0']);
});

test('a reply of several lines arrives as one packet with the codes on each', () => {
  const rig = negotiated({ rcpt: () => reply(550, '5.7.1', 'one', 'two') });
  assert.deepEqual(rig.say(C(), M(), R()), ['c', 'c', 'y550-5.7.1 one\r\n550 5.7.1 two\0']);
});

test('a line break smuggled into a reply is a failed handler, and the next recipient is asked as ever', () => {
  const rig = negotiated({ rcpt: (_message, { address }) => reply(451, '4.7.1', `Not ${address}`) });
  assert.deepEqual(rig.say(C(), M(), R('<x\r\n250 2.0.0 Accepted>'), R('<y>')), ['c', 'c', 't', 'y451 4.7.1 Not y\0']);
});

const listening = { noReply: (): void => {} };
const listener = {
  ...{ connect: listening, helo: listening, mail: listening, rcpt: listening, data: listening },
  ...{ header: listening, eoh: listening, body: listening, unknown: listening },
};
const everyCommand = [C(), H(), U(), M(), R(), T, L('a', 'b'), N, B('x'), E];

test('NR_ offered: a listener says nothing but at the end of the message', () => {
  assert.deepEqual(negotiated(listener).say(...everyCommand), ['c']);
});

test('NR_ not offered, or for some stages only: a listener is answered for', () => {
  assert.deepEqual(negotiated(listener, offer(6, 0x1ff, 0x7f)).say(...everyCommand), new Array(10).fill('c'));
  const some = offer(6, 0x1ff, ProtocolBit.noReplyMail | ProtocolBit.noReplyBody);
  assert.deepEqual(negotiated(listener, some).say(...everyCommand), new Array(8).fill('c'));
});

test('a version 2 MTA sends events nobody wants: each is answered, no handler misses', () => {
  let asked = 0;
  const rig = negotiated({ rcpt: () => (++asked === 1 ? tempfail : proceed) }, offer(2, 0x3f, 0x7f));
  assert.deepEqual(rig.say(C(), H(), M(), R(), R(), L('a', 'b'), N, B('x'), E), [
    ...['c', 'c', 'c', 't', 'c'],
    ...['c', 'c', 'c', 'c'],
  ]);
});

test('UNKNOWN may come before CONNECT, and asks nobody', () => {
  const rig = negotiated({ unknown: connection => (connection.hostname === '' ? reject : tempfail) });
  assert.deepEqual(rig.say(U()), ['c']);
  assert.deepEqual(rig.say(C(), U()), ['c', 't']);
  assert.deepEqual(rig.offences, []);
});

test('UNKNOWN in a message leaves it as it is', () => {
  const { seen, options } = ends();
  const lines: string[] = [];
  const rig = negotiated({
    ...options,
    unknown(_connection, line) {
      lines.push(line);
      return reject;
    },
    eom: message => (message.recipients.length === 2 ? proceed : tempfail),
  });
  assert.deepEqual(rig.say(C(), M(), U('NOOP?'), R(), U(''), R(), E), ['c', 'c', 'r', 'c', 'r', 'c', 'c']);
  assert.deepEqual(lines, ['NOOP?', '']);
  assert.deepEqual(seen, ['1 delivered']);
});

test('commands out of their order are answered "continue", ask nobody, and are told once', () => {
  const rig = negotiated({
    rcpt: () => assert.fail('asked'),
    eom: () => assert.fail('asked'),
    header: () => assert.fail('asked'),
  });
  assert.deepEqual(rig.say(H(), M(), R(), E), ['c', 'c', 'c', 'c']);
  assert.deepEqual(rig.say(C(), R(), T, L('a', 'b'), N, B('x'), E), new Array(7).fill('c'));
  assert.deepEqual(rig.offences, ['helo out of sequence, answered with "continue"']);
  assert.equal(rig.wire.closed, 0);
});

test('a command of no known byte closes the connection', () => {
  for (const command of ['\0', 'X', 'o', 'l', '\xff']) {
    const rig = negotiated({});
    assert.deepEqual(rig.say(C(), packet(command)), ['c']);
    assert.equal(rig.wire.closed, 1, command);
    assert.match(rig.offences.join(), /^fatal: unknown command 0x[0-9a-f]{2}$/);
  }
});

test('a command before the negotiation closes the connection; macros, ABORT and QUIT_NC do not', () => {
  for (const command of [C(), H(), M(), E]) {
    const rig = begin({});
    rig.session.receive(command);
    assert.equal(rig.wire.closed, 1);
    assert.match(rig.offences.join(), /^fatal: \w+ before the negotiation$/);
  }
  const rig = begin({});
  assert.equal(rig.say(macros('C', 'j', 'mx'), A, K, offer()).length, 1);
  assert.deepEqual(rig.say(C()), ['c']);
});
