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

test('a header of 59,538 bytes, the longest Postfix sends, and a body chunk of 65,535 are taken', () => {
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
  const value = 'x'.repeat(59_538 - 'LSubject\0\0'.length);
  const header = L('Subject', value);
  const body = B(Buffer.alloc(65_535));
  assert.deepEqual([header.readUInt32BE(0), body.readUInt32BE(0)], [59_538, 65_536]);
  assert.deepEqual(rig.say(C(), M(), R(), header, N, body, E), new Array(7).fill('c'));
  assert.deepEqual(sizes, [value.length, 65_535]);
});

test('a packet over the limit closes the connection, after what came before it was answered', () => {
  const { seen, options } = ends();
  const rig = negotiated(options);
  assert.deepEqual(rig.say(C(), M(), B('').fill(0xff, 0, 4)), ['c', 'c']);
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(seen, ['1 disconnected', 'close']);
  assert.deepEqual(rig.offences, ['fatal: packet of 4294967295 bytes announced, at most 131072 are taken']);
});

test('per cent signs, several lines and line breaks in a reply: doubled, CRLF with codes, refused', async () => {
  const text = '\r\n250 2.0.0 Accepted';
  const rig = negotiated({
    rcpt(_message, { address }) {
      if (address === 'percent') return reply(451, '4.7.1', '100%');
      if (address === 'lines') return reply(550, '5.7.1', 'one', 'two');
      return reply(451, '4.7.1', `wait${text}`);
    },
  });
  assert.deepEqual(rig.say(C(), M(), R('percent'), R('lines'), R('forged'), R('percent')).slice(2), [
    'y451 4.7.1 100%%\0',
    'y550-5.7.1 one\r\n550 5.7.1 two\0',
    't',
    'y451 4.7.1 100%%\0',
  ]);
});

test('listeners are answered for where the MTA waits, and not where it does not', () => {
  const listening = { noReply: (): void => {} };
  const filter = { connect: listening, helo: listening, mail: listening, rcpt: listening, data: listening };
  const all = { ...filter, header: listening, eoh: listening, body: listening, unknown: listening };
  const script = [C(), H(), U(), M(), R(), T, L('a', 'b'), N, B('x'), E];
  assert.deepEqual(negotiated(all).say(...script), ['c']);
  assert.deepEqual(negotiated(all, offer(6, 0x1ff, 0x7f)).say(...script), new Array(10).fill('c'));
  const some = offer(6, 0x1ff, ProtocolBit.noReplyMail | ProtocolBit.noReplyBody);
  assert.deepEqual(negotiated(all, some).say(...script), new Array(8).fill('c'));
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
