import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeQuery, encodeQuestion, type Question, UDP_SIZE } from '../../src/dns/question.ts';
import { type Finding, type Reply, readReply, repliesTo } from '../../src/dns/reply.ts';
import type { FailureCause } from '../../src/dns/resolver.ts';
import {
  AA,
  a,
  cname,
  type MessageParts,
  message,
  name,
  QR,
  RA,
  RD,
  record,
  replyTo,
  soa,
  TC,
  TYPE,
  txt,
  u16,
  u32,
} from '../support/dns-message.ts';
import { processorTime } from '../support/processor-time.ts';

const asked: Question = encodeQuestion('7.113.0.203.bl.test', 'A');
const query = encodeQuery(asked, 4711, true);
const owner = asked.name;

function read(parts: MessageParts, question = asked): Reply {
  const bytes = replyTo(encodeQuery(question, 1, true), parts);
  assert.ok(repliesTo(bytes, question));
  return readReply(bytes, question, UDP_SIZE);
}

function found(parts: MessageParts, question = asked): Finding {
  const reply = read(parts, question);
  assert.ok(reply.kind === 'finding', JSON.stringify(reply));
  return reply.finding;
}

function failure(reply: Reply): [FailureCause, string] {
  assert.ok(reply.kind === 'failure', JSON.stringify(reply));
  return [reply.failure.cause, reply.failure.detail];
}

test('a message is ours only if it is a reply and repeats our question byte by byte', () => {
  const good = replyTo(query, { answers: [a(owner, '127.0.0.2')] });
  assert.ok(repliesTo(good, asked));
  const alien: [string, Buffer][] = [
    ['too short', good.subarray(0, 11)],
    ['our own query', query],
    ['another opcode', replyTo(query, { flags: QR | 0x2000 })],
    ['another name', message({ question: encodeQuestion('7.113.0.203.bl.evil', 'A').wire })],
    ['another type', message({ question: encodeQuestion(owner, 'TXT').wire })],
    [
      'a dot inside a label',
      message({ question: Buffer.concat([Buffer.of(19), Buffer.from(owner), Buffer.of(0, 0, 1, 0, 1)]) }),
    ],
    ['two questions', replyTo(query, { counts: [2] })],
    ['no question and no error', message({ answers: [a(owner, '127.0.0.2')] })],
    ['cut within the question', good.subarray(0, 20)],
  ];
  for (const [what, bytes] of alien) assert.equal(repliesTo(bytes, asked), false, what);
});

test('an error without a question is ours, and never an answer', () => {
  for (const [rcode, cause] of [
    [2, 'servfail'],
    [3, 'malformed'],
    [5, 'refused'],
    [4, 'rcode'],
  ] as const) {
    const bytes = message({ rcode });
    assert.ok(repliesTo(bytes, asked));
    assert.equal(failure(readReply(bytes, asked, UDP_SIZE))[0], cause);
  }
  assert.equal(readReply(message({ rcode: 1 }), asked, UDP_SIZE).kind, 'formerr');
});

test('records are told with the least TTL among them', () => {
  const answers = [a(owner, '127.0.0.2', 300), a(owner.toUpperCase(), '127.0.0.4', 60)];
  assert.deepEqual(found({ answers }), {
    status: 'records',
    records: ['127.0.0.2', '127.0.0.4'],
    cname: false,
    ttl: 60,
  });
});

test('every record type has its text', () => {
  const cases: [Question, Buffer, string][] = [
    [
      encodeQuestion('h.test', 'AAAA'),
      record('h.test', TYPE.AAAA, Buffer.from('20010db8000000000000000000000001', 'hex')),
      '2001:db8::1',
    ],
    [encodeQuestion('h.test', 'TXT'), txt('h.test', 'v=spf1 ', '-all'), 'v=spf1 -all'],
    [encodeQuestion('h.test', 'TXT'), txt('h.test', ''), ''],
    [encodeQuestion('h.test', 'PTR'), record('h.test', TYPE.PTR, name('mx.example.org')), 'mx.example.org'],
    [
      encodeQuestion('h.test', 'MX'),
      record('h.test', TYPE.MX, Buffer.concat([u16(10), name('mx.example.org')])),
      '10 mx.example.org',
    ],
    [encodeQuestion('h.test', 'MX'), record('h.test', TYPE.MX, Buffer.concat([u16(0), name('')])), '0 .'],
  ];
  for (const [question, answer, text] of cases) {
    const finding = found({ answers: [answer] }, question);
    assert.deepEqual(finding.status === 'records' && finding.records, [text]);
  }
});

test('aliases are followed in any order of the records, and told', () => {
  const answers = [a('c.test', '127.0.0.2', 500), cname('b.test', 'c.test', 20), cname(owner, 'b.test', 90)];
  assert.deepEqual(found({ answers }), { status: 'records', records: ['127.0.0.2'], cname: true, ttl: 20 });
  const [first, second] = [cname(owner, 'b.test'), cname('b.test', owner)];
  assert.deepEqual(found({ answers: [first, second] }).status, 'nodata', 'a loop has no data');
  const parked = found({ answers: [first], authorities: [soa('test', 60, 30)] });
  assert.deepEqual(parked, { status: 'nodata', cname: true, soaOwner: 'test', ttl: 30 });
});

test('a record that belongs to another name is no answer', () => {
  assert.deepEqual(failure(read({ answers: [a('other.test', '127.0.0.2')] })), [
    'malformed',
    'malformed reply: records of another name',
  ]);
});

test('a negative answer lives as long as its SOA says, and names the zone', () => {
  const missing = found({ rcode: 3, authorities: [soa('bl.test', 900, 120)] });
  assert.deepEqual(missing, { status: 'nxdomain', cname: false, soaOwner: 'bl.test', ttl: 120 });
  const empty = found({ authorities: [soa('BL.test', 30, 120)] });
  assert.deepEqual(empty, { status: 'nodata', cname: false, soaOwner: 'bl.test', ttl: 30 });
  const root = found({ rcode: 3, authorities: [soa('', 60, 60)] });
  assert.equal(root.status === 'nxdomain' && root.soaOwner, '.');
});

test('a negative answer without its SOA, or with that of another zone, has no TTL', () => {
  for (const authorities of [[], [soa('other.test', 60, 60)], [soa('l.test', 60, 60)]]) {
    const finding = found({ rcode: 3, authorities });
    assert.deepEqual(finding, { status: 'nxdomain', cname: false, soaOwner: undefined, ttl: undefined });
  }
});

test('a referral is no answer', () => {
  const parts = { authorities: [record('test', TYPE.NS, name('ns.test'))] };
  assert.equal(failure(read(parts))[0], 'refused');
  assert.equal(found({ ...parts, flags: QR | AA | RD }).status, 'nodata', 'name servers beside an answer are none');
});

test('every other rcode fails the look-up, also the twelve bits of EDNS', () => {
  const expected: [number, FailureCause, string][] = [
    [2, 'servfail', 'SERVFAIL'],
    [4, 'rcode', 'NOTIMP'],
    [5, 'refused', 'REFUSED'],
    [9, 'rcode', 'NOTAUTH'],
    [13, 'rcode', 'rcode 13'],
  ];
  for (const [rcode, cause, text] of expected) assert.deepEqual(failure(read({ rcode })), [cause, text]);
  const badVersion = record('', TYPE.OPT, Buffer.alloc(0), { ttl: 0x01000000 });
  assert.equal(failure(read({ additionals: [badVersion] }))[0], 'rcode');
});

test('a truncated reply is not read, whatever it holds', () => {
  const parts = { flags: QR | TC | RD | RA, answers: [a(owner, '127.0.0.2')] };
  assert.equal(read(parts).kind, 'truncated');
  assert.equal(failure(read({ ...parts, rcode: 2 }))[0], 'servfail');
});

test('half a message is malformed, never "not listed"', () => {
  const whole = replyTo(query, { answers: [a(owner, '127.0.0.2')], authorities: [soa('bl.test', 60, 60)] });
  const from = replyTo(query).length;
  for (let end = from; end < whole.length; end++) {
    const [cause] = failure(readReply(whole.subarray(0, end), asked, UDP_SIZE));
    assert.equal(cause, 'malformed', `cut at ${end}`);
  }
  assert.equal(readReply(whole, asked, UDP_SIZE).kind, 'finding');
});

test('records whose RDLENGTH lies are malformed, with or without a good one beside them', () => {
  const good = a(owner, '127.0.0.4');
  const address = Buffer.of(127, 0, 0, 2);
  const liars = [
    record(owner, TYPE.A, address, { length: 0 }),
    record(owner, TYPE.A, Buffer.alloc(0)),
    record(owner, TYPE.A, Buffer.concat([address, Buffer.alloc(12)])),
    record(owner, TYPE.A, address, { length: 5 }),
    record(owner, TYPE.A, address, { length: 65_535 }),
  ];
  for (const liar of liars) {
    assert.equal(failure(read({ answers: [liar, good] }))[0], 'malformed');
    assert.equal(failure(read({ answers: [good, liar] }))[0], 'malformed');
  }
});

test('an undecodable record fails the look-up in every section, and the words name none', () => {
  const bad = record('key.secret.test', TYPE.A, Buffer.of(1));
  for (const section of ['answers', 'authorities', 'additionals'] as const) {
    const [cause, detail] = failure(read({ [section]: [bad] }));
    assert.equal(cause, 'malformed');
    assert.match(detail, new RegExp(`^malformed reply: ${section}\\[0\\] is undecodable$`));
  }
});

test('names that point in circles or nowhere are malformed', () => {
  for (const pointer of [u16(0xc000 | (37 + 12)), u16(0xc000), u16(0xffff), Buffer.of(0x80, 1), Buffer.of(0x40, 1)]) {
    assert.equal(failure(read({ answers: [record(pointer, TYPE.A, Buffer.of(127, 0, 0, 2))] }))[0], 'malformed');
  }
});

test('more records than any answer needs are refused before they are read', () => {
  const pointed = record(u16(0xc00c), TYPE.A, Buffer.of(127, 0, 0, 2));
  const answers = Array.from({ length: 65 }, () => pointed);
  assert.match(failure(read({ answers, counts: [1, 65] }))[1], /65 records in a section, at most 64/);
  for (const section of [1, 2, 3]) {
    const counts: (number | undefined)[] = [1];
    counts[section] = 65_535;
    assert.match(failure(read({ counts }))[1], /65535 records/);
  }
  assert.equal(found({ answers: answers.slice(1) }).status, 'records');
  assert.match(failure(read({ counts: [1, 2], answers: [a(owner, '127.0.0.2')] }))[1], /undecodable/);
});

test('a message longer than we offered to take is not parsed: 64 KB of pointer chains cost nothing', () => {
  const chain = [...new Array(16_000).keys()].map(i => u16(0xc000 | (i === 0 ? 12 : (12 + 2 * i) % 0x4000)));
  const bytes = replyTo(query, { counts: [1, 1, 0, 64], answers: [Buffer.concat([...chain, u32(0), u32(0)])] });
  const used = processorTime();
  assert.match(failure(readReply(bytes, asked, UDP_SIZE))[1], /bytes, at most 1232/);
  assert.ok(used() < 300);
});

test('the worst that fits a datagram is read in a few milliseconds', () => {
  const start = 12 + asked.wire.length;
  const links = Math.floor((UDP_SIZE - start) / 2) - 100;
  const chain = Buffer.concat(
    [...new Array(links).keys()].map(i => u16(0xc000 | (i === 0 ? 12 : start + 2 * (i - 1)))),
  );
  const pointer = u16(0xc000 | (start + 2 * (links - 1)));
  const tail = Array.from({ length: 12 }, () => record(pointer, TYPE.A, Buffer.of(127, 0, 0, 2)));
  const bytes = replyTo(query, { counts: [1, 64], answers: [chain, ...tail] });
  const used = processorTime();
  assert.equal(readReply(bytes, asked, UDP_SIZE).kind, 'failure');
  assert.ok(used() < 500);
});

test('no bytes make the reader throw', () => {
  const sane = replyTo(query, {
    answers: [cname(owner, 'b.test'), a('b.test', '127.0.0.2')],
    authorities: [soa('bl.test', 60, 60)],
    additionals: [record('', TYPE.OPT, Buffer.alloc(0))],
  });
  const edit = fc.record({ at: fc.nat(sane.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 8 }), fc.nat(sane.length), (edits, end) => {
      const bytes = Buffer.from(sane);
      for (const { at, byte } of edits) bytes[at] = byte;
      const cut = bytes.subarray(0, end);
      if (!repliesTo(cut, asked)) return;
      const reply = readReply(cut, asked, UDP_SIZE);
      if (reply.kind === 'failure') assert.ok(!reply.failure.detail.includes('bl.test'));
    }),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), tail => {
      const bytes = Buffer.concat([replyTo(query, { counts: [1, 3, 2, 1] }), tail]);
      readReply(bytes, asked, UDP_SIZE);
    }),
    { numRuns: 5_000 },
  );
});
