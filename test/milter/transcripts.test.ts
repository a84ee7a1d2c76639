import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../src/milter/constants.ts';
import type { FilterOptions, Message } from '../../src/milter/filter.ts';
import { decodeAnswer } from '../../src/milter/negotiation.ts';
import { proceed, reply } from '../../src/milter/verdict.ts';
import { settle } from '../support/fixed-timers.ts';
import { type RecordedPacket, readTranscript } from '../support/transcript.ts';
import { begin, type Rig } from './support.ts';

const recording = (name: string): RecordedPacket[] => readTranscript(new URL(`fixtures/${name}.txt`, import.meta.url));
const postfix = recording('postfix-3.7.11');
const sendmail = recording('sendmail-8.17.1.9');
const bytesFrom = (side: RecordedPacket['from'], packets: readonly RecordedPacket[]): Buffer =>
  Buffer.concat(packets.filter(({ from }) => from === side).map(({ bytes }) => bytes));

const ACTIONS = [
  'addHeaders',
  'replaceBody',
  'addRecipients',
  'deleteRecipients',
  'changeHeaders',
  'quarantine',
  'changeSender',
  'addRecipientsWithArguments',
] as const satisfies readonly Action[];

/** The filter that was recorded: greylists u1 and lets everything else pass. Writes down what it is asked. */
function recordedFilter(
  journal: string[],
  answer: <V>(verdict: V) => V | Promise<V>,
): FilterOptions<(typeof ACTIONS)[number]> {
  const note = (...words: readonly (string | undefined)[]): ReturnType<typeof answer<typeof proceed>> => {
    journal.push(words.map(word => word ?? '-').join(' '));
    return answer(proceed);
  };
  const greylisted = reply(451, '4.7.1', 'Greylisted, try again in 300 seconds');
  const ids = (message: Message): string => `i=${message.queueId ?? '-'}`;
  return {
    actions: ACTIONS,
    connect: ({ hostname, peer, macros, mta }) =>
      note('connect', hostname, peer.family === 'ipv4' ? peer.address : peer.family, macros.get('_'), mta),
    helo: ({ helo, macros }) => note('helo', helo, macros.get('j')),
    mail: message => note('mail', ...message.sender.argv, message.macros.get('mail_mailer'), ids(message)),
    rcpt(message, recipient) {
      const verdict = note('rcpt', recipient.address, message.macros.get('{rcpt_addr}'), ids(message));
      return recipient.address.startsWith('u1') ? answer(greylisted) : verdict;
    },
    data: message => note('data', ids(message)),
    header: (_message, { name, value }) => note('header', name, JSON.stringify(value)),
    eoh: () => note('eoh'),
    body: (_message, chunk) => note('body', JSON.stringify(chunk.toString())),
    eom: message => note('eom', ...message.recipients.map(({ address }) => address), message.macros.get('msg_id')),
    unknown: (_connection, line) => note('unknown', line),
    messageEnd: (message, outcome) => void journal.push(`end ${message.serial} ${outcome} ${ids(message)}`),
    close: () => void journal.push('close'),
    onProtocolError: message => void journal.push(`offence ${message}`),
  };
}

const POSTFIX_JOURNAL = [
  'connect [127.0.0.1] 127.0.0.1 unknown [127.0.0.1] postfix',
  'helo client.example mx.exp.test',
  'mail <a@b.example> SIZE=100 discard i=-',
  'rcpt u1@exp.test u1@exp.test i=-',
  'rcpt u2@exp.test u2@exp.test i=-',
  'data i=035F42481EA',
  'header Subject "hi\\n there"',
  'header X-Foo "1"',
  'header Message-Id "<20261121092615.035F42481EA@mx.exp.test>"',
  'header Date "Sat, 21 Nov 2026 09:26:15 +0000 (UTC)"',
  'header From "a@b.example"',
  'eoh',
  'body "body line\\r\\n"',
  'eom u1@exp.test u2@exp.test -',
  'end 1 delivered i=035F42481EA',
  'mail <> discard i=-',
  'rcpt u3@exp.test u3@exp.test i=-',
  'end 2 aborted i=-',
  'close',
];
const SENDMAIL_JOURNAL = [
  'connect localhost 127.0.0.1 localhost [127.0.0.1] unknown',
  'helo client.example mx.exp.test',
  'mail <a@b.example> SIZE=100 esmtp i=6AL9QcTs000922',
  'rcpt u1@exp.test u1 i=6AL9QcTs000922',
  'rcpt u2@exp.test u2 i=6AL9QcTs000922',
  'data i=6AL9QcTs000922',
  'header Subject "hi\\n there"',
  'header X-Foo "1"',
  'eoh',
  'body "body line\\r\\n"',
  'eom u1@exp.test u2@exp.test <202611210926.6AL9QcTs000922@mx.exp.test>',
  'end 1 delivered i=6AL9QcTs000922',
  'mail <> local i=6AL9QcTt000922',
  'rcpt u3@exp.test u3 i=6AL9QcTt000922',
  'end 2 aborted i=6AL9QcTt000922',
  'close',
];

interface Replay {
  readonly journal: string[];
  readonly rig: Rig;
}

/** Compares what was said and asked with the recording, byte for byte. */
function assertReplayed(
  { journal, rig }: Replay,
  packets: readonly RecordedPacket[],
  expected: readonly string[],
  how: string,
): void {
  const said = Buffer.concat(rig.wire.writes);
  const recorded = bytesFrom('milter', packets);
  // The recorded filter claimed SETSYMLIST without a list and did not ask for SKIP. All behind the negotiation is the same.
  const negotiation = 17;
  const { version, actions, protocol, macros } = decodeAnswer(said, 5, negotiation);
  assert.deepEqual({ version, actions, protocol, macros }, { version: 6, actions: 0xff, protocol: 0x400, macros: {} });
  assert.ok(said.subarray(negotiation).equals(recorded.subarray(negotiation)), `${how}: ${said.toString('latin1')}`);
  assert.deepEqual(journal, expected, how);
  assert.equal(rig.wire.closed, 1, how);
}

async function replay(
  chunks: readonly Buffer[],
  answer: <V>(verdict: V) => V | Promise<V>,
  wait: boolean,
): Promise<Replay> {
  const journal: string[] = [];
  const rig = begin(recordedFilter(journal, answer));
  for (const chunk of chunks) {
    rig.session.receive(chunk);
    if (wait) await settle();
  }
  // Each answer that comes later lets one more packet through.
  for (let turns = 0; wait && rig.wire.closed === 0 && turns < 100; turns++) await settle();
  return { journal, rig };
}

for (const [name, packets, expected] of [
  ['Postfix 3.7.11', postfix, POSTFIX_JOURNAL],
  ['Sendmail 8.17.1.9', sendmail, SENDMAIL_JOURNAL],
] as const) {
  const bytes = bytesFrom('mta', packets);

  test(`${name}: the recorded session is answered packet by packet as it was recorded`, async () => {
    const journal: string[] = [];
    const rig = begin(recordedFilter(journal, verdict => verdict));
    for (const { from, bytes: packet } of packets.slice(2)) {
      if (from === 'milter') continue;
      if (rig.wire.writes.length === 0) rig.session.receive((packets[0] as RecordedPacket).bytes);
      rig.session.receive(packet);
    }
    assertReplayed({ journal, rig }, packets, expected, 'packet by packet');
    // Sent alone, each command is answered by a write of its own, in its turn.
    assert.equal(rig.wire.writes.length, packets.filter(({ from }) => from === 'milter').length);
  });

  test(`${name}: all in one chunk is answered the same, in one write`, async () => {
    const result = await replay([bytes], verdict => verdict, false);
    assertReplayed(result, packets, expected, 'one chunk');
    assert.equal(result.rig.wire.writes.length, 1);
  });

  test(`${name}: cut at every byte position it is answered the same`, async () => {
    for (let at = 1; at < bytes.length; at++) {
      const result = await replay([bytes.subarray(0, at), bytes.subarray(at)], verdict => verdict, false);
      assertReplayed(result, packets, expected, `cut at byte ${at}`);
    }
  });

  test(`${name}: byte by byte it is answered the same`, async () => {
    const chunks = Array.from(bytes, byte => Buffer.of(byte));
    assertReplayed(await replay(chunks, verdict => verdict, false), packets, expected, 'byte by byte');
  });

  test(`${name}: handlers that answer later change nothing, whole or in pieces`, async () => {
    const later = <V>(verdict: V): Promise<V> => Promise.resolve(verdict);
    assertReplayed(await replay([bytes], later, true), packets, expected, 'one chunk');
    for (let at = 1; at < bytes.length; at += 37) {
      const chunks = [bytes.subarray(0, at), bytes.subarray(at)];
      assertReplayed(await replay(chunks, later, true), packets, expected, `cut at byte ${at}`);
    }
  });
}
