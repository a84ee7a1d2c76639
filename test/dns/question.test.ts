import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packet } from 'dns2';
import fc from 'fast-check';
import { encodeQuery, encodeQuestion, NameError, TYPE_CODE } from '../../src/dns/question.ts';
import type { RecordType } from '../../src/dns/resolver.ts';

const TYPES = ['A', 'AAAA', 'TXT', 'PTR', 'MX'] as const satisfies readonly RecordType[];

const label = fc
  .array(
    fc.integer({ min: 0x21, max: 0x7e }).filter(code => code !== 0x2e),
    { minLength: 1, maxLength: 63 },
  )
  .map(codes => String.fromCharCode(...codes));
const domain = fc
  .array(label, { minLength: 0, maxLength: 20 })
  .map(labels => labels.join('.'))
  .filter(text => text.length <= 253);

test('what is encoded is what an independent parser reads', () => {
  fc.assert(
    fc.property(
      domain,
      fc.constantFrom(...TYPES),
      fc.integer({ min: 0, max: 65_535 }),
      fc.boolean(),
      (text, type, id, edns) => {
        const question = encodeQuestion(text, type);
        const packet = Packet.parse(encodeQuery(question, id, edns));
        assert.deepEqual(packet.errors, []);
        const { qr, opcode, tc, rd, rcode, qdcount, ancount, nscount } = packet.header;
        assert.deepEqual([packet.header.id, qr, opcode, tc, rd, rcode], [id, 0, 0, 0, 1, 0]);
        assert.deepEqual([qdcount, ancount, nscount], [1, 0, 0]);
        assert.equal(packet.questions[0]?.name, text.toLowerCase());
        assert.equal(packet.questions[0]?.type, TYPE_CODE[type]);
        assert.equal(packet.questions[0]?.class, 1);
        const [opt, ...more] = packet.additionals;
        assert.deepEqual(more, []);
        assert.deepEqual(
          edns && [opt?.type, opt?.class, opt?.version, opt?.doFlag, opt?.rdata],
          edns && [41, 1232, 0, false, []],
        );
      },
    ),
  );
});

test('a name is asked in lower case and without its trailing dot', () => {
  const question = encodeQuestion('2.0.0.127.BL.Example.', 'A');
  assert.equal(question.name, '2.0.0.127.bl.example');
  assert.deepEqual(question.wire, encodeQuestion('2.0.0.127.bl.example', 'A').wire);
  assert.deepEqual([...encodeQuestion('.', 'MX').wire], [0, 0, 15, 0, 1]);
});

test('what is no domain name is refused, and the error does not repeat it', () => {
  const long = `${'a'.repeat(63)}.`.repeat(4).slice(0, -1); // 255 characters
  const cases: [string, RegExp][] = [
    ['a..b', /empty label/],
    ['.a', /empty label/],
    ['secret..', /empty label/],
    [`${'x'.repeat(64)}.example`, /label of 64 characters, at most 63/],
    [long, /255 characters, at most 253/],
    ['a b.example', /character 2 is not printable ASCII/],
    ['a.exämple', /character 5 is not printable ASCII/],
    ['a\0b', /character 2/],
    ['line\nbreak', /character 5/],
  ];
  for (const [text, pattern] of cases) {
    assert.throws(
      () => encodeQuestion(text, 'A'),
      (error: Error) => error instanceof NameError && pattern.test(error.message) && !error.message.includes(text),
      JSON.stringify(text),
    );
  }
  assert.equal(encodeQuestion(long.slice(2), 'A').wire.length, 255 + 4); // the longest name there is
});
