import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Action, ActionBit, ProtocolBit } from '../../src/milter/constants.ts';
import type { FilterOptions } from '../../src/milter/filter.ts';
import {
  decodeAnswer,
  decodeOffer,
  type MacroLists,
  type Negotiated,
  Negotiator,
  symbol,
} from '../../src/milter/negotiation.ts';
import { ProtocolError } from '../../src/milter/protocol-error.ts';
import { proceed } from '../../src/milter/verdict.ts';
import { B, begin, C, E, H, L, M, N, offer, packet, R, T, U, uint32s } from './support.ts';

type Options = FilterOptions<Action, unknown, unknown>;
type Answer = Negotiated & { readonly macros: MacroLists };

/** What a filter answers to an offer; undefined if it hangs up. */
function answerTo(options: Options, offered: Buffer = offer()): Answer | undefined {
  const rig = begin(options);
  rig.session.receive(offered);
  if (rig.wire.closed > 0) return undefined;
  const bytes = Buffer.concat(rig.wire.writes);
  assert.equal(bytes.readUInt32BE(0) + 4, bytes.length);
  assert.equal(bytes.toString('latin1', 4, 5), 'O');
  return decodeAnswer(bytes, 5, bytes.length);
}

/** A filter that has every handler there is. */
const everything: Options = {
  connect: () => proceed,
  helo: () => proceed,
  mail: () => proceed,
  rcpt: () => proceed,
  data: () => proceed,
  header: () => proceed,
  eoh: () => proceed,
  body: () => proceed,
  eom: () => proceed,
  unknown: () => proceed,
};
const { noConnect, noHelo, noMail, noRcpt, noBody, noHeaders, noEndOfHeader, noUnknown, noData } = ProtocolBit;

test('events that no handler waits for are declined, but CONNECT, HELO and MAIL always come', () => {
  assert.equal(answerTo({})?.protocol, noRcpt | noBody | noHeaders | noEndOfHeader | noUnknown | noData);
  assert.equal(answerTo({ rcpt: () => proceed })?.protocol, noBody | noHeaders | noEndOfHeader | noUnknown | noData);
  assert.equal(answerTo(everything)?.protocol, ProtocolBit.skip);
  const never = noConnect | noHelo | noMail;
  for (const options of [{}, everything]) assert.equal((answerTo(options)?.protocol ?? 0) & never, 0);
});

test('listening handlers need no reply, and refused recipients come only if asked for', () => {
  const answer = answerTo({ helo: { noReply: () => {} }, header: { noReply: () => {} }, rejectedRecipients: true });
  const wanted = ProtocolBit.noReplyHelo | ProtocolBit.noReplyHeader | ProtocolBit.rejectedRecipients;
  assert.equal(
    (answer?.protocol ?? 0) & (0xff000 | ProtocolBit.noReplyHeader | ProtocolBit.rejectedRecipients),
    wanted,
  );
});

test('the version is the lower of both', () => {
  for (const [offered, agreed] of [
    [2, 2],
    [3, 3],
    [4, 4],
    [6, 6],
    [7, 6],
    [0xffff_ffff, 6],
  ] as const) {
    assert.equal(answerTo({}, offer(offered))?.version, agreed);
  }
});

test('an MTA older than version 2 is turned away, and so is an offer cut short', () => {
  assert.equal(answerTo({}, offer(1)), undefined);
  assert.equal(answerTo({}, offer(0)), undefined);
  assert.equal(answerTo({}, packet('O', uint32s(6, 0x1ff))), undefined);
  assert.throws(() => decodeOffer(uint32s(1, 0x1ff, 0x3f), 0, 12), /version 1 offered: at least 2 is needed/);
  assert.throws(() => decodeOffer(uint32s(6, 1), 0, 8), /OPTNEG with 8 bytes/);
});

test('an offer may be longer than it need be', () => {
  assert.equal(answerTo({}, packet('O', uint32s(6, 0x1ff, 0x1fffff, 99)))?.version, 6);
});

test('a version 2 MTA gets no bit that version 2 does not know', () => {
  const answer = answerTo(everything, offer(2, 0x3f, 0x7f));
  assert.deepEqual([answer?.version, answer?.protocol], [2, 0]);
  const greylister = answerTo({ helo: { noReply: () => {} }, rcpt: () => proceed }, offer(2, 0x3f, 0x7f));
  assert.equal(greylister?.protocol, noBody | noHeaders | noEndOfHeader);
});

test('required actions that are not offered end it with their bits named', () => {
  const rig = begin({ actions: ['addHeaders', 'quarantine'] });
  rig.session.receive(offer(2, 0x0f, 0x7f));
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(rig.wire.writes, []);
  assert.deepEqual(rig.offences, ['fatal: the MTA does not offer the actions 0x20 that this filter needs']);
});

test('no action but those asked for is in the answer', () => {
  assert.equal(answerTo({})?.actions, 0);
  assert.equal(answerTo({ actions: ['addHeaders', 'changeSender'] })?.actions, 0x41);
});

test('zero actions offered are those of version 1, zero steps are none', () => {
  assert.equal(answerTo({ actions: ['addHeaders'] }, offer(2, 0, 0x7f))?.actions, ActionBit.addHeaders);
  assert.equal(answerTo({ actions: ['quarantine'] }, offer(2, 0, 0x7f)), undefined);
  assert.equal(answerTo({}, offer(2, 0, 0))?.protocol, 0);
});

test('large packets are never asked for, though offered', () => {
  const answer = answerTo({ ...everything, actions: ['addHeaders'] }, offer(6, 0xffff_ffff, 0xffff_ffff));
  assert.deepEqual([answer?.actions, answer?.protocol], [1, ProtocolBit.skip]);
});

test('macro lists ride along only if they may, in their stages, longer names in braces', () => {
  const macros = { connect: ['j', 'v', '{daemon_name}'], rcpt: ['i', 'auth_authen'], data: [] };
  const answer = answerTo({ macros });
  assert.equal(answer?.actions, 0x100);
  assert.deepEqual(answer?.macros, { connect: ['j', 'v', '{daemon_name}'], rcpt: ['i', '{auth_authen}'], data: [] });
  const without = answerTo({ macros }, offer(6, 0xff));
  assert.deepEqual([without?.actions, without?.macros], [0, {}]);
});

test('a list for the end of the message brings one for the end of the header, or Sendmail overlooks it', () => {
  assert.deepEqual(answerTo({ macros: { eom: ['i'] } })?.macros, { eom: ['i'], eoh: ['i'] });
  assert.deepEqual(answerTo({ macros: { eom: ['i'], eoh: ['j'] } })?.macros, { eom: ['i'], eoh: ['j'] });
});

test('lists name the end of the message 5 and the end of the header 6, in that order on the wire', () => {
  const rig = begin({ macros: { eoh: ['j'], eom: ['i'], connect: ['v'] } });
  const numbers = '\0\0\0\x06\0\0\x01\0\0\0\x03\x78'; // every event without a handler is declined
  assert.deepEqual(rig.say(offer()), [`O${numbers}\0\0\0\0v\0\0\0\0\x05i\0\0\0\0\x06j\0`]);
});

test('whoever asks for refused recipients also gets the macro that tells them', () => {
  const list = (rcpt: readonly string[]): unknown => answerTo({ rejectedRecipients: true, macros: { rcpt } })?.macros;
  assert.deepEqual(list(['i']), { rcpt: ['i', '{rcpt_mailer}'] });
  assert.deepEqual(list(['rcpt_mailer']), { rcpt: ['{rcpt_mailer}'] });
  assert.deepEqual(answerTo({ rejectedRecipients: true })?.macros, {});
});

test('what is no macro name is refused when the filter is made', () => {
  assert.equal(symbol('i'), 'i');
  assert.equal(symbol('{i}'), 'i');
  for (const name of ['', '{}', 'a b', 'a\0b', '{a}{b}', 'i\n']) {
    assert.throws(() => begin({ macros: { mail: [name] } }), {
      name: 'RangeError',
      message: /expected a name such as i/,
    });
  }
});

test('one filter answers each offer by itself, though it remembers the last', () => {
  const wishes = { actions: 1, protocol: 0x3f, macros: { mail: ['i'] } };
  const one = new Negotiator(wishes);
  const offers = [
    [6, 0x1ff, 0x1fffff],
    [6, 0x1ff, 0x1fffff],
    [5, 0x1ff, 0x1fffff],
    [5, 0x0ff, 0x1fffff],
    [5, 0x0ff, 0x1f],
    [6, 0x1ff, 0x1fffff],
  ] as const;
  for (const [version, actions, protocol] of offers) {
    const given = { version, actions, protocol };
    assert.deepEqual(one.answer(given), new Negotiator(wishes).answer(given));
  }
  assert.throws(() => one.answer({ version: 6, actions: 2, protocol: 0 }), ProtocolError);
  assert.equal(one.answer({ version: 5, actions: 1, protocol: 0x100 }).negotiated.protocol, 0);
});

test('a second OPTNEG ends the connection', () => {
  const rig = begin({});
  assert.equal(rig.say(offer()).length, 1);
  rig.session.receive(offer());
  assert.equal(rig.wire.closed, 1);
  assert.deepEqual(rig.offences, ['fatal: OPTNEG after the negotiation']);
});

const uint32 = fc.nat(0xffff_ffff);
const anyFilter: fc.Arbitrary<Options> = fc
  .record({
    present: fc.subarray(Object.keys(everything)),
    listening: fc.subarray(['connect', 'helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body', 'unknown']),
    actions: fc.subarray(Object.keys(ActionBit)),
    rejectedRecipients: fc.boolean(),
    lists: fc.subarray(['connect', 'helo', 'mail', 'rcpt', 'data', 'eoh', 'eom']),
  })
  .map(({ present, listening, actions, rejectedRecipients, lists }) => ({
    ...Object.fromEntries(present.map(stage => [stage, () => proceed])),
    ...Object.fromEntries(listening.map(stage => [stage, { noReply: () => {} }])),
    actions: actions as Action[],
    rejectedRecipients,
    macros: Object.fromEntries(lists.map(stage => [stage, ['i']])),
  }));

test('no answer of any filter to any offer holds a bit that was not offered', () => {
  fc.assert(
    fc.property(anyFilter, fc.integer({ min: 2, max: 9 }), uint32, uint32, (filter, version, actions, protocol) => {
      const answer = answerTo(filter, offer(version, actions, protocol));
      if (answer === undefined) return;
      assert.ok(answer.version <= version && answer.version <= 6);
      assert.equal(answer.actions & ~(actions || 0x0f), 0, 'actions');
      assert.equal(answer.protocol & ~protocol, 0, 'protocol');
      if ((answer.actions & 0x100) === 0) assert.deepEqual(answer.macros, {});
    }),
    { numRuns: 1_000 },
  );
});

test('whatever was agreed, each command gets one answer, or none where that was agreed', () => {
  const dialogue: readonly (readonly [Buffer, number])[] = [
    [C(), ProtocolBit.noReplyConnect],
    [H(), ProtocolBit.noReplyHelo],
    [U(), ProtocolBit.noReplyUnknown],
    [M(), ProtocolBit.noReplyMail],
    [R(), ProtocolBit.noReplyRcpt],
    [T, ProtocolBit.noReplyData],
    [L('Subject', 'x'), ProtocolBit.noReplyHeader],
    [N, ProtocolBit.noReplyEndOfHeader],
    [B('x'), ProtocolBit.noReplyBody],
    [E, 0],
  ];
  fc.assert(
    fc.property(anyFilter, uint32, (filter, protocol) => {
      const options: Options = { ...filter, actions: [] };
      const rig = begin(options);
      const [answer = ''] = rig.say(offer(6, 0x1ff, protocol));
      const agreed = Buffer.from(answer, 'latin1').readUInt32BE(9);
      for (const [command, noReply] of dialogue) {
        assert.deepEqual(rig.say(command), (agreed & noReply) === 0 ? ['c'] : [], command.toString('latin1'));
      }
    }),
    { numRuns: 500 },
  );
});
