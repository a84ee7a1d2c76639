/**
 * What forgers and broken servers send, and that none of it becomes an answer.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { encodeQuestion } from '../../src/dns/question.ts';
import {
  AA,
  a,
  cname,
  message,
  nameOf,
  QR,
  questionOf,
  RA,
  RD,
  record,
  replyTo,
  TC,
  TYPE,
  u16,
} from '../support/dns-message.ts';
import { processorTime } from '../support/processor-time.ts';
import { framed, type UdpQuery } from '../support/scripted-dns.ts';
import { bench, clear, listed, rcode, word } from './support.ts';

const NAME = '7.113.0.203.bl.test';

/** A reply that would hide the listing. */
function forged(query: Buffer): Buffer {
  return replyTo(query, { rcode: 3 });
}

function withId(reply: Buffer, id: number): Buffer {
  const copy = Buffer.from(reply);
  copy.writeUInt16BE(id & 0xffff, 0);
  return copy;
}

/** 64 KB of compression pointers, each to the one before, and a record that starts at the last one. */
function pointerChain(query: Buffer): Buffer {
  const head = replyTo(query, { counts: [1, 1] });
  const links = Array.from({ length: 8_000 }, (_, i) => u16(0xc000 | (i === 0 ? 12 : head.length + 2 * (i - 1))));
  const long = record(u16(0xc000 | 0x3fff), TYPE.TXT, Buffer.alloc(48_000));
  return Buffer.concat([head, ...links, long]).subarray(0, 65_000);
}

const NOISE: Record<string, (query: UdpQuery) => void> = {
  'a wrong id': ({ message: query, send }) => {
    for (const step of [1, -1, 256]) send(withId(forged(query), query.readUInt16BE(0) + step));
  },
  'another name': ({ message: query, send }) =>
    send(message({ id: query.readUInt16BE(0), question: encodeQuestion('evil.example', 'A').wire, rcode: 3 })),
  'another type': ({ message: query, send }) =>
    send(message({ id: query.readUInt16BE(0), question: encodeQuestion(NAME, 'TXT').wire, rcode: 3 })),
  'no question': ({ message: query, send }) => send(message({ id: query.readUInt16BE(0) })),
  'our own query': ({ message: query, send }) => send(query),
  'our own query with an answer in it': ({ message: query, send }) =>
    send(replyTo(query, { flags: RD, answers: [a(NAME, '127.0.0.9')] })),
  'another opcode': ({ message: query, send }) => send(replyTo(query, { flags: QR | 0x2800, rcode: 3 })),
  'two questions': ({ message: query, send }) => send(replyTo(query, { counts: [2], rcode: 3 })),
  'nothing at all': ({ send }) => send(Buffer.alloc(0)),
  'one byte': ({ send }) => send(Buffer.of(0)),
  'less than a header': ({ message: query, send }) => send(forged(query).subarray(0, 11)),
  'a header with our id': ({ message: query, send }) => send(forged(query).subarray(0, 12)),
  'a header that announces 65535 of everything': ({ message: query, send }) =>
    send(message({ id: query.readUInt16BE(0), counts: [65_535, 65_535, 65_535, 65_535] })),
  'random bytes': ({ send }) => send(Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 151) & 0xff))),
  '64 KB of pointers with a wrong id': ({ message: query, send }) =>
    send(withId(pointerChain(query), query.readUInt16BE(0) + 1)),
  '64 KB of pointers to another question': ({ message: query, send }) => {
    const chain = pointerChain(query);
    chain[13]! ^= 1;
    send(chain);
  },
};

for (const [what, make] of Object.entries(NOISE)) {
  test(`${what} is passed over, and the answer behind it is taken`, async t => {
    const { resolver } = await bench(t, [{ udp: query => [make(query), listed(query)] }]);
    assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  });
  test(`${what} alone is no answer`, async t => {
    const { resolver, servers, timers } = await bench(t, [{ udp: make }]);
    const answer = resolver.resolve(NAME, 'A');
    const used = processorTime();
    for (const [i, wait] of [400, 800].entries()) {
      await servers[0]?.received(i + 1);
      await timers.advance(wait);
    }
    await servers[0]?.received(3);
    await timers.advance(300);
    assert.equal(word(await answer), 'timeout');
    assert.ok(used() < 1_500, 'and costs no time');
  });
}

test('a reply from another port or another address of the same host is dropped', async t => {
  const spoofers = [createSocket('udp4').bind(0, '127.0.0.1'), createSocket('udp4').bind(0, '127.0.0.2')];
  await Promise.all(spoofers.map(spoofer => once(spoofer, 'listening')));
  t.after(() => spoofers.map(spoofer => spoofer.close()));
  const { resolver } = await bench(t, [
    {
      udp: query => {
        let toSend = spoofers.length;
        for (const spoofer of spoofers) {
          spoofer.send(forged(query.message), query.port, '127.0.0.1', () => {
            if (--toSend === 0) setTimeout(() => listed(query), 10); // the truth comes last
          });
        }
      },
    },
  ]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
});

const BROKEN: Record<string, (query: Buffer) => Buffer> = {
  'a message cut short': query => replyTo(query, { answers: [a(NAME, '127.0.0.2')] }).subarray(0, -3),
  'more answers announced than sent': query => replyTo(query, { answers: [a(NAME, '127.0.0.2')], counts: [1, 2] }),
  'a thousand answers announced': query => replyTo(query, { answers: [a(NAME, '127.0.0.2')], counts: [1, 1_000] }),
  'an address of 16 bytes before a good one': query =>
    replyTo(query, { answers: [record(NAME, TYPE.A, Buffer.alloc(16, 127)), a(NAME, '127.0.0.2')] }),
  'an address of no bytes before a good one': query =>
    replyTo(query, { answers: [record(NAME, TYPE.A, Buffer.alloc(0)), a(NAME, '127.0.0.2')] }),
  'an RDLENGTH past the end': query =>
    replyTo(query, { answers: [record(NAME, TYPE.A, Buffer.of(127, 0, 0, 2), { length: 400 })] }),
  'the records of another name': query => replyTo(query, { answers: [a('other.test', '127.0.0.2')] }),
  'a name that points to itself': query =>
    replyTo(query, {
      answers: [record(u16(0xc000 | (12 + questionOf(query).length)), TYPE.A, Buffer.of(127, 0, 0, 2))],
    }),
  '64 KB of pointers to our question': pointerChain,
};

for (const [what, make] of Object.entries(BROKEN)) {
  test(`${what} is malformed, and the next server is asked at once`, async t => {
    const { resolver, servers } = await bench(t, [{ udp: query => query.send(make(query.message)) }, { udp: listed }]);
    assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2'); // no time goes by here
    assert.equal(servers[0]?.queries.length, 1);
  });
  test(`${what} from the only server fails the look-up`, async t => {
    const { resolver } = await bench(t, [{ udp: query => query.send(make(query.message)) }]);
    const answer = await resolver.resolve(NAME, 'A');
    assert.equal(word(answer), 'malformed');
    assert.equal(resolver.cached(NAME, 'A'), undefined);
  });
}

test('an alias without an address is no data, and told to be an alias', async t => {
  const parked = ({ message: query, send }: UdpQuery): void =>
    send(replyTo(query, { answers: [cname(NAME, 'parking.example')] }));
  const { resolver } = await bench(t, [{ udp: parked }]);
  const answer = await resolver.resolve(NAME, 'A');
  assert.ok(answer.status === 'nodata' && answer.cname);
});

test('SERVFAIL, REFUSED, NOTIMP and a referral send us to the next server; the last word is told', async t => {
  const referral = ({ message: query, send }: UdpQuery): void =>
    send(replyTo(query, { flags: QR | RD, authorities: [record('test', TYPE.NS, Buffer.of(0))] }));
  const { resolver, servers } = await bench(t, [{ udp: rcode(2) }, { udp: rcode(5) }, { udp: rcode(4) }]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'rcode');
  assert.deepEqual(
    servers.map(server => server.queries.length),
    [1, 1, 1],
  );
  for (const [script, cause] of [
    [rcode(2), 'servfail'],
    [rcode(5), 'refused'],
    [referral, 'refused'],
  ] as const) {
    const alone = await bench(t, [{ udp: script }]);
    assert.equal(word(await alone.resolver.resolve(NAME, 'A')), cause);
    assert.equal(alone.servers[0]?.queries.length, 1, 'a server that has answered is not asked again');
    const two = await bench(t, [{ udp: script }, { udp: clear }]);
    assert.equal(word(await two.resolver.resolve(NAME, 'A')), 'nxdomain');
  }
});

test('FORMERR is answered by the same question without EDNS, once', async t => {
  const old = ({ message: query, send }: UdpQuery): void =>
    query.readUInt16BE(10) > 0
      ? send(message({ id: query.readUInt16BE(0), rcode: 1 }))
      : listed({ message: query, send, port: 0 });
  const { resolver, servers } = await bench(t, [{ udp: old }]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  const [first, second] = servers[0]?.queries ?? [];
  assert.deepEqual(questionOf(second!.message), questionOf(first!.message));
  const stubborn = await bench(t, [{ udp: rcode(1) }]);
  assert.equal(word(await stubborn.resolver.resolve(NAME, 'A')), 'rcode');
  assert.equal(stubborn.servers[0]?.queries.length, 2);
});

test('a closed port is seen at once', async t => {
  const dead = await bench(t, [{ udp: listed }]);
  await dead.servers[0]?.close();
  assert.equal(word(await dead.resolver.resolve(NAME, 'A')), 'refused-connection'); // no time goes by here
  const half = await bench(t, [{ udp: listed }, { udp: clear }]);
  await half.servers[0]?.close();
  assert.equal(word(await half.resolver.resolve(NAME, 'A')), 'nxdomain');
});

const truncated = ({ message: query, send }: UdpQuery): void => send(replyTo(query, { flags: QR | AA | TC | RD | RA }));

test('a truncated answer is fetched over TCP, under an id of its own', async t => {
  const many = Array.from({ length: 60 }, (_, i) => a(NAME, `127.0.0.${i + 2}`));
  const { resolver, servers } = await bench(t, [
    { udp: truncated, tcp: (query, socket) => socket.write(framed(replyTo(query, { answers: many }))) },
  ]);
  const answer = await resolver.resolve(NAME, 'A');
  assert.equal(answer.status === 'records' && answer.records.length, 60);
  const ids = new Set<number>();
  for (let i = 0; i < 5; i++) await resolver.resolve(`${i}.${NAME}`, 'A');
  for (const query of servers[0]?.tcpQueries ?? []) ids.add(query.readUInt16BE(0));
  assert.ok(ids.size > 1, 'random');
});

test('a TCP answer may come in pieces of any size', async t => {
  const { resolver } = await bench(t, [
    {
      udp: truncated,
      tcp: async (query, socket) => {
        socket.setNoDelay(true);
        for (const byte of framed(replyTo(query, { answers: [a(NAME, '127.0.0.2')] }))) {
          socket.write(Buffer.of(byte));
          await new Promise(resolve => setImmediate(resolve));
        }
      },
    },
  ]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
});

test('a TCP server that says nothing is waited for within the time of the look-up, then hung up on', async t => {
  const closed = Promise.withResolvers<void>();
  const { resolver, servers, timers } = await bench(t, [
    { udp: truncated, tcp: (_query, socket) => socket.on('close', () => closed.resolve()) },
  ]);
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.receivedTcp(1);
  await timers.advance(800);
  await servers[0]?.receivedTcp(2);
  await timers.advance(700);
  assert.equal(word(await answer), 'timeout');
  await closed.promise;
  assert.equal(timers.size, 0);
});

test('a TCP server that says nothing does not keep the next server from answering', async t => {
  const { resolver, servers, timers } = await bench(t, [{ udp: truncated }, { udp: listed }]);
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.receivedTcp(1);
  await timers.advance(800);
  assert.equal(word(await answer), '127.0.0.2');
});

test('whatever goes wrong over TCP fails the look-up at once', async t => {
  const scripts: Record<string, Parameters<typeof bench>[1][number]> = {
    refused: { udp: truncated, noTcp: true },
    closed: { udp: truncated, tcp: (_query, socket) => socket.end() },
    'closed halfway': { udp: truncated, tcp: (query, socket) => socket.end(framed(forged(query)).subarray(0, 9)) },
    'a wrong id': {
      udp: truncated,
      tcp: (query, socket) => socket.write(framed(withId(forged(query), query.readUInt16BE(0) + 1))),
    },
    'another question': {
      udp: truncated,
      tcp: (query, socket) =>
        socket.write(
          framed(message({ id: query.readUInt16BE(0), question: encodeQuestion('evil.example', 'A').wire })),
        ),
    },
    'the query echoed': { udp: truncated, tcp: (query, socket) => socket.write(framed(query)) },
    'no bytes': { udp: truncated, tcp: (_query, socket) => socket.write(framed(Buffer.alloc(0))) },
    'too long': { udp: truncated, tcp: (_query, socket) => socket.write(Buffer.of(0x10, 0x01)) },
    'truncated again': {
      udp: truncated,
      tcp: (query, socket) => socket.write(framed(replyTo(query, { flags: QR | TC }))),
    },
  };
  for (const [what, script] of Object.entries(scripts)) {
    const { resolver } = await bench(t, [script]);
    assert.equal(word(await resolver.resolve(NAME, 'A')), 'truncated', what);
  }
  const broken = await bench(t, [
    { udp: truncated, tcp: (query, socket) => socket.write(framed(replyTo(query, { counts: [1, 9] }))) },
  ]);
  assert.equal(word(await broken.resolver.resolve(NAME, 'A')), 'malformed');
});

test('details never repeat the name that was asked: it may hold a key', async t => {
  const secret = '2.0.0.127.s3cr3tkey.zen.test';
  const scripts = [
    ...Object.values(BROKEN).map(make => ({ udp: (query: UdpQuery) => query.send(make(query.message)) })),
    { udp: rcode(2) },
    { udp: rcode(1) },
    { udp: truncated, noTcp: true },
    {
      udp: ({ message: query, send }: UdpQuery) =>
        send(replyTo(query, { answers: [record(nameOf(query), TYPE.A, Buffer.of(1))] })),
    },
  ];
  for (const script of scripts) {
    const { resolver, lines } = await bench(t, [script]);
    const answer = await resolver.resolve(secret, 'A');
    assert.ok(answer.status === 'failed', word(answer));
    assert.ok(!answer.detail.includes('s3cr3tkey') && !lines.join().includes('s3cr3tkey'), answer.detail);
  }
});
