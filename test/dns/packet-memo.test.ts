import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packet } from 'dns2';
import fc from 'fast-check';
import { PacketMemo } from '../../src/dns/packet-memo.ts';
import { encodeQuery, encodeQuestion, HEADER_SIZE } from '../../src/dns/question.ts';
import { a, replyTo, u16, u32 } from '../support/dns-message.ts';

/** A pointer to an offset. */
function pointer(to: number): Buffer {
  return u16(0xc000 | to);
}

/** An SOA record as servers write it: owner and names point into the question. */
function soaAt(owner: Uint8Array, host: Uint8Array): Buffer {
  const data = Buffer.concat([host, host, u32(1), u32(600), u32(300), u32(86_400), u32(60)]);
  return Buffer.concat([owner, u16(6), u16(1), u32(60), u16(data.length), data]);
}

/** "No such name" for a name: the bytes, and where the question ends. */
function denial(name: string, ...authorities: Uint8Array[]): [Buffer, number] {
  const question = encodeQuestion(name, 'A');
  const message = replyTo(encodeQuery(question, 4711, true), { rcode: 3, authorities });
  return [message, HEADER_SIZE + question.wire.length];
}

/** All that is said, without what is asked. */
function said({ answers, authorities, additionals, errors, header: { id: _, ...header } }: Packet): unknown {
  const wrong = errors.map(({ message, section, index }) => [message, section, index]);
  return structuredClone({ answers, authorities, additionals, wrong, header: { ...header } });
}

const [zone, apex] = [12 + '7.113.0.203.'.length, 'bl.test'];

test('denials that differ in the address alone are parsed once', () => {
  const memo = new PacketMemo();
  const first = memo.parse(...denial(`7.113.0.203.${apex}`, soaAt(pointer(zone), pointer(zone))));
  assert.equal(first.authorities[0]?.name, apex);
  assert.equal(memo.parse(...denial(`8.113.0.203.${apex}`, soaAt(pointer(zone), pointer(zone)))), first);
});

test('what the zone is called makes a difference, where the answer points to it', () => {
  const memo = new PacketMemo();
  for (const domain of ['bl.test', 'al.test', 'bl.text']) {
    const packet = memo.parse(...denial(`7.113.0.203.${domain}`, soaAt(pointer(zone), pointer(zone))));
    assert.equal(packet.authorities[0]?.name, domain);
  }
});

test('answers are never remembered: no two are alike', () => {
  const memo = new PacketMemo();
  const question = encodeQuestion('7.113.0.203.bl.test', 'A');
  const message = replyTo(encodeQuery(question, 1, true), { answers: [a('7.113.0.203.bl.test', '127.0.0.2')] });
  const end = HEADER_SIZE + question.wire.length;
  assert.notEqual(memo.parse(message, end), memo.parse(message, end));
});

test('whatever came before, a message is read as if it were the first', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const offset = fc.integer({ min: 0, max: 80 }).map(pointer);
  const odd = fc.uint8Array({ minLength: 0, maxLength: 40 });
  const name = fc
    .tuple(fc.constantFrom('7.113.0.203', '8.113.0.203', '7.0.0.10'), fc.constantFrom('bl.test', 'al.test', 'b.a.test'))
    .map(labels => labels.join('.'));
  const authority = fc.oneof(
    fc.tuple(offset, offset).map(([owner, host]) => soaAt(owner, host)),
    odd,
  );
  const built = fc
    .tuple(name, authority, fc.array(fc.tuple(fc.nat(), byte), { maxLength: 3 }))
    .map(([asked, record, changes]): [Buffer, number] => {
      const [message, end] = denial(asked, record);
      // Changes where no guard looks: in flags and counts, and behind the question.
      const free = [2, 3, 8, 9, 10, 11, ...Array.from({ length: message.length - end }, (_, at) => end + at)];
      for (const [at, value] of changes) message[free[at % free.length] ?? 2] = value;
      return [message, end];
    });
  const parse = (run: () => Packet): unknown => {
    try {
      return said(run());
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(
    fc.property(fc.array(built, { minLength: 1, maxLength: 8 }), messages => {
      const memo = new PacketMemo();
      for (const [message, end] of [...messages, ...messages])
        assert.deepEqual(
          parse(() => memo.parse(message, end)),
          parse(() => Packet.parse(message)),
        );
    }),
    { numRuns: 300 },
  );
});

test('it does not grow without limit', () => {
  const memo = new PacketMemo();
  for (let length = 1; length <= 60; length++)
    for (let labels = 1; labels <= 20; labels++)
      memo.parse(...denial(`${'a'.repeat(length)}.${'b.'.repeat(labels)}test`, soaAt(Buffer.of(0), Buffer.of(0))));
  assert.ok(memo.size <= 256, `${memo.size}`);
});
