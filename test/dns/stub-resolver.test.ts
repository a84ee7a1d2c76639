import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUDPServer, Packet } from 'dns2';
import { systemClock } from '../../src/clock.ts';
import { systemRandom } from '../../src/dns/random.ts';
import type { Answer } from '../../src/dns/resolver.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import { a, nameOf, QR, replyTo, TC, txt, typeOf } from '../support/dns-message.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { framed, type UdpQuery } from '../support/scripted-dns.ts';
import { bench, clear, listed, rcode, silent, word } from './support.ts';

const NAME = '7.113.0.203.bl.test';

test('records of every type come as text, also from a server of another make', async t => {
  const records: Record<number, object> = {
    [Packet.TYPE.A]: { address: '127.0.0.2' },
    [Packet.TYPE.AAAA]: { address: '2001:db8::1' },
    [Packet.TYPE.TXT]: { data: ['v=spf1 ', '-all'] },
    [Packet.TYPE.PTR]: { domain: 'mx.example.org' },
    [Packet.TYPE.MX]: { exchange: 'mx.example.org', priority: 10 },
  };
  const server = createUDPServer((request, send) => {
    const response = Packet.createResponseFromRequest(request);
    const [question] = request.questions;
    response.answers.push({ ...question, class: 1, ttl: 300, ...records[question?.type ?? 0] } as never);
    send(response).catch(() => {});
  });
  await server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  const { port } = server.address();
  const { logger } = recordingLogger();
  const servers = [{ address: '127.0.0.1', family: 4 as const, port }];
  const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger });
  t.after(() => resolver.close());
  assert.equal(word(await resolver.resolve('h.test', 'A')), '127.0.0.2');
  assert.equal(word(await resolver.resolve('h.test', 'AAAA')), '2001:db8::1');
  assert.equal(word(await resolver.resolve('h.test', 'TXT')), 'v=spf1 -all');
  assert.equal(word(await resolver.resolve('1.2.0.192.in-addr.arpa', 'PTR')), 'mx.example.org');
  assert.equal(word(await resolver.resolve('h.test', 'MX')), '10 mx.example.org');
});

test('an answer is asked for once and then remembered, in any spelling of the name', async t => {
  const { resolver, servers, clock } = await bench(t, [{ udp: listed }]);
  assert.equal(resolver.cached(NAME, 'A'), undefined);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  clock.advance(200_000);
  assert.equal(word(await resolver.resolve(`${NAME.toUpperCase()}.`, 'A')), '127.0.0.2 (cache)');
  assert.equal(word(resolver.cached(NAME, 'A')), '127.0.0.2 (cache)');
  assert.equal(resolver.cached(NAME, 'TXT'), undefined);
  clock.advance(100_000);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  assert.equal(servers[0]?.queries.length, 2);
});

test('who asks the same at the same time shares one query', async t => {
  const { resolver, servers } = await bench(t, [{ udp: listed }]);
  const askers = Array.from({ length: 50 }, () => resolver.resolve(NAME, 'A'));
  const other = resolver.resolve(NAME, 'TXT');
  for (const answer of await Promise.all(askers)) assert.equal(word(answer), '127.0.0.2');
  await other;
  assert.deepEqual(
    servers[0]?.queries.map(query => typeOf(query.message)),
    [1, 16],
  );
});

test('the cache can be bypassed, and knows the new answer afterwards', async t => {
  const { resolver, servers } = await bench(t, [{ udp: listed }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = clear;
  assert.equal(word(await resolver.resolve(NAME, 'A', { bypassCache: true })), 'nxdomain');
  assert.equal(word(resolver.cached(NAME, 'A')), 'nxdomain (cache)');
});

test('failures are not remembered', async t => {
  const { resolver, servers } = await bench(t, [{ udp: rcode(2) }]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'servfail');
  assert.equal(resolver.cached(NAME, 'A'), undefined);
  servers[0]!.udp = listed;
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
});

test('what is no name fails without a query', async t => {
  const { resolver, servers } = await bench(t, [{ udp: listed }]);
  for (const name of ['a..b', 'a..', '..', 'x'.repeat(64), 'ä.test', 'a b', '', 'a\n']) {
    const answer = await resolver.resolve(name, 'A');
    if (name === '') assert.equal(word(answer), '127.0.0.2', 'the root is a name');
    else assert.equal(word(answer), 'malformed', JSON.stringify(name));
    if (name !== '') assert.equal(resolver.cached(name, 'A'), undefined);
  }
  assert.equal(servers[0]?.queries.length, 1);
});

test('a lost query is repeated after the wait, three attempts in all, and then the time is over', async t => {
  const { resolver, servers, timers, clock } = await bench(t, [{ udp: silent }]);
  const start = clock.monotonic();
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.received(1);
  await timers.advance(399);
  assert.equal(servers[0]?.queries.length, 1);
  await timers.advance(1);
  await servers[0]?.received(2);
  await timers.advance(800);
  await servers[0]?.received(3);
  await timers.advance(299);
  let settled = false;
  void answer.then(() => {
    settled = true;
  });
  await timers.advance(0);
  assert.equal(settled, false);
  await timers.advance(1);
  assert.equal(word(await answer), 'timeout');
  assert.equal(clock.monotonic() - start, 1_500);
  assert.equal(servers[0]?.queries.length, 3);
  const ids = servers[0]?.queries.map(query => query.message.readUInt16BE(0));
  assert.equal(new Set(ids).size, 3, 'each attempt has its own id');
  assert.equal(timers.size, 0);
});

test('the second attempt goes to the next server', async t => {
  const { resolver, servers, timers } = await bench(t, [{ udp: silent }, { udp: listed }]);
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.received(1);
  await timers.advance(400);
  assert.equal(word(await answer), '127.0.0.2');
  assert.deepEqual(
    servers.map(server => server.queries.length),
    [1, 1],
  );
});

test('the answer to the first attempt is taken though the second is under way', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers, timers } = await bench(t, [{ udp: query => held.push(query) }, { udp: silent }]);
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.received(1);
  await timers.advance(400);
  await servers[1]?.received(1);
  listed(held[0]!);
  assert.equal(word(await answer), '127.0.0.2');
  assert.equal(timers.size, 0);
});

test('a caller may have less time than the look-up; the answer still fills the cache', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers, timers } = await bench(t, [{ udp: query => held.push(query) }]);
  const hasty = resolver.resolve(NAME, 'A', { timeout: 100 });
  const patient = resolver.resolve(NAME, 'A', { timeout: 60_000 });
  await servers[0]?.received(1);
  await timers.advance(100);
  assert.equal(word(await hasty), 'timeout');
  listed(held[0]!);
  assert.equal(word(await patient), '127.0.0.2');
  assert.equal(timers.size, 0);
});

test('aborting detaches the caller at once; what is on its way still fills the cache, but nothing more is sent', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers, timers } = await bench(t, [{ udp: query => held.push(query) }]);
  const abort = new AbortController();
  const answer = resolver.resolve(NAME, 'A', { signal: abort.signal });
  await servers[0]?.received(1);
  abort.abort();
  assert.equal(word(await answer), 'aborted');
  await timers.advance(900);
  listed(held[0]!);
  while (!resolver.cached(NAME, 'A')) await timers.advance(0);
  assert.equal(servers[0]?.queries.length, 1);
  assert.equal(word(await resolver.resolve(NAME, 'A', { signal: abort.signal })), 'aborted', 'aborted before');
  assert.equal(servers[0]?.queries.length, 1);
});

test('one caller who aborts does not disturb the others', async t => {
  const { resolver, servers, timers } = await bench(t, [{ udp: silent }]);
  const abort = new AbortController();
  const first = resolver.resolve(NAME, 'A', { signal: abort.signal });
  const second = resolver.resolve(NAME, 'A');
  await servers[0]?.received(1);
  abort.abort();
  assert.equal(word(await first), 'aborted');
  await timers.advance(400);
  servers[0]!.udp = listed;
  await servers[0]?.received(2);
  await timers.advance(800);
  assert.equal(word(await second), '127.0.0.2');
});

test('who asks for what everyone else has given up gets a query and a time of his own', async t => {
  const { resolver, servers, timers } = await bench(t, [{ udp: silent }]);
  const first = resolver.resolve(NAME, 'A', { timeout: 50 });
  await servers[0]?.received(1);
  await timers.advance(1_000);
  assert.equal(word(await first), 'timeout');
  servers[0]!.udp = listed;
  const second = resolver.resolve(NAME, 'A');
  assert.equal(word(await second), '127.0.0.2');
  assert.equal(servers[0]?.queries.length, 2);
});

test('the end of a look-up that was given up leaves the one that took its place alone', async t => {
  const { resolver, servers, timers } = await bench(t, [{ udp: silent }]);
  const first = resolver.resolve(NAME, 'A', { timeout: 50 });
  await servers[0]?.received(1);
  await timers.advance(1_000);
  assert.equal(word(await first), 'timeout');
  const held: UdpQuery[] = [];
  servers[0]!.udp = query => held.push(query);
  const second = resolver.resolve(NAME, 'A');
  await servers[0]?.received(2);
  await timers.advance(600); // the first one's time is over
  const third = resolver.resolve(NAME, 'A');
  listed(held[0]!);
  assert.deepEqual([word(await second), word(await third)], ['127.0.0.2', '127.0.0.2']);
  assert.equal(servers[0]?.queries.length, 2);
});

test('a late truncated reply does not put off the next attempt', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers, timers } = await bench(t, [{ udp: query => held.push(query) }, { udp: silent }]);
  const answer = resolver.resolve(NAME, 'A');
  await servers[0]?.received(1);
  await timers.advance(400);
  await servers[1]?.received(1);
  await timers.advance(300);
  held[0]!.send(replyTo(held[0]!.message, { flags: QR | TC }));
  await servers[0]?.receivedTcp(1);
  servers[0]!.udp = listed;
  await timers.advance(100); // 400 ms after the second attempt
  assert.equal(word(await answer), '127.0.0.2');
});

test('when asking fails, "not listed" is served stale for a day, and asked again after half a minute', async t => {
  const { resolver, servers, clock } = await bench(t, [{ udp: clear }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = rcode(2);
  clock.advance(23 * 3_600_000);
  assert.equal(resolver.cached(NAME, 'A'), undefined, 'not before asking has failed');
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'nxdomain (stale)');
  assert.equal(word(resolver.cached(NAME, 'A')), 'nxdomain (stale)');
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'nxdomain (stale)');
  assert.equal(servers[0]?.queries.length, 2);
  clock.advance(30_000);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'nxdomain (stale)');
  assert.equal(servers[0]?.queries.length, 3);
  servers[0]!.udp = listed;
  clock.advance(30_000);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2 (cache)');
});

test('a listing is served stale only as long again as it was valid: a delisted host is not refused on old data', async t => {
  const { resolver, servers, clock } = await bench(t, [{ udp: query => listed(query, 600) }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = rcode(2);
  clock.advance(600_000 + 599_000);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2 (stale)');
  clock.advance(1_000);
  assert.equal(resolver.cached(NAME, 'A'), undefined);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'servfail');
});

test('stale answers are not for those who bypass the cache or have gone', async t => {
  const { resolver, servers, clock } = await bench(t, [{ udp: clear }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = rcode(2);
  clock.advance(3_600_000);
  assert.equal(word(await resolver.resolve(NAME, 'A', { bypassCache: true })), 'servfail');
  const abort = new AbortController();
  const answer = resolver.resolve(NAME, 'A', { signal: abort.signal });
  abort.abort();
  assert.equal(word(await answer), 'aborted');
});

test('an answer in use is renewed before it ends, without anyone waiting', async t => {
  const { resolver, servers, clock, timers } = await bench(t, [{ udp: listed }]);
  await resolver.resolve(NAME, 'A');
  clock.advance(200_000);
  resolver.cached(NAME, 'A');
  clock.advance(71_000); // the last tenth of 300 s
  assert.equal(word(resolver.cached(NAME, 'A')), '127.0.0.2 (cache)');
  resolver.cached(NAME, 'A'); // no second refresh meanwhile
  await servers[0]?.received(2);
  while ((resolver.cached(NAME, 'A') as { ttl: number }).ttl < 300) await timers.advance(0);
  clock.advance(60_000);
  assert.equal(word(resolver.cached(NAME, 'A')), '127.0.0.2 (cache)', 'past its first end');
  assert.equal(servers[0]?.queries.length, 2);
});

test('a refresh nobody waits for is sent once and never repeated', async t => {
  const { resolver, servers, clock, timers } = await bench(t, [{ udp: listed }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = silent;
  clock.advance(280_000);
  resolver.cached(NAME, 'A');
  resolver.cached(NAME, 'A');
  await servers[0]?.received(2);
  await timers.advance(5_000);
  assert.equal(servers[0]?.queries.length, 2);
  assert.equal(word(resolver.cached(NAME, 'A')), '127.0.0.2 (cache)', 'the failed refresh harmed nothing');
});

test('answers are not renewed ahead while half of the window is in use', async t => {
  const { resolver, servers, clock, timers } = await bench(t, [{ udp: listed }]);
  await resolver.resolve(NAME, 'A');
  servers[0]!.udp = silent;
  clock.advance(280_000);
  const busy = Array.from({ length: 32 }, (_, i) => resolver.resolve(`${i}.bl.test`, 'A'));
  resolver.cached(NAME, 'A');
  resolver.cached(NAME, 'A');
  await servers[0]?.received(33);
  await timers.advance(1_500);
  await Promise.all(busy);
  assert.equal(servers[0]?.queries.filter(query => nameOf(query.message) === NAME).length, 1);
});

test('at most 64 queries are in flight at a server and 512 wait; the rest fail at once', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers } = await bench(t, [{ udp: query => held.push(query) }]);
  const answers: Promise<Answer>[] = [];
  for (let i = 0; i < 64 + 512; i++) answers.push(resolver.resolve(`${i}.bl.test`, 'A'));
  assert.equal(word(await resolver.resolve('one.too.many.bl.test', 'A')), 'queue-full');
  await servers[0]?.received(64);
  await new Promise(resolve => setTimeout(resolve, 20));
  assert.equal(held.length, 64);
  listed(held[0]!);
  await servers[0]?.received(65);
  servers[0]!.udp = listed;
  for (const query of held.slice(1)) listed(query);
  for (const answer of await Promise.all(answers)) assert.equal(word(answer), '127.0.0.2');
  assert.equal(servers[0]?.queries.length, 64 + 512);
});

test('a full window sends the next look-up to another server', async t => {
  const { resolver, servers } = await bench(t, [{ udp: silent }, { udp: listed }]);
  for (let i = 0; i < 64; i++) void resolver.resolve(`${i}.bl.test`, 'A');
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  assert.deepEqual(
    servers.map(server => server.queries.length),
    [64, 1],
  );
});

test('a dead server is no longer asked, those who wait for it are told, and its return is found', async t => {
  const { resolver, servers, clock, timers, lines } = await bench(t, [{ udp: silent }]);
  const answers = Array.from({ length: 300 }, (_, i) => resolver.resolve(`${i}.bl.test`, 'A'));
  await servers[0]?.received(64);
  await timers.advance(400);
  assert.deepEqual(lines, [], 'it is asked a control question first');
  await timers.advance(800);
  // Two windows and four more were sent before the control question's time was over.
  assert.deepEqual(new Set((await Promise.all(answers.slice(132))).map(word)), new Set(['breaker-open']));
  assert.match(
    lines[0] ?? '',
    /^warn DNS server does not answer server=127\.0\.0\.1:\d+ cause=no reply pause_ms=1000$/,
  );
  assert.equal(servers[0]?.queries.filter(query => nameOf(query.message) === 'localhost').length, 1);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'breaker-open');
  await timers.advance(1_100); // the others' time is over
  assert.deepEqual(new Set((await Promise.all(answers.slice(0, 132))).map(word)), new Set(['timeout']));
  const before = servers[0]?.queries.length ?? 0;
  const probe = resolver.resolve('probe.bl.test', 'A', { timeout: 100 });
  await servers[0]?.received(before + 1);
  await timers.advance(800);
  assert.equal(word(await probe), 'timeout');
  await timers.advance(800);
  await timers.advance(1_900);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'breaker-open', 'two seconds this time');
  clock.advance(200);
  servers[0]!.udp = listed;
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  assert.match(lines[1] ?? '', /^info DNS server answers again server=127\.0\.0\.1:\d+$/);
  assert.equal(lines.length, 2);
});

test('names that nobody answers do not take a server away from the others', async t => {
  const script = (query: UdpQuery): void => {
    if (!nameOf(query.message).endsWith('dead.test')) listed(query);
  };
  const { resolver, servers, timers, lines } = await bench(t, [{ udp: script }]);
  for (let round = 0; round < 20; round++) {
    const dead = [1, 2, 3].map(i => resolver.resolve(`${round}.${i}.dead.test`, 'A'));
    assert.equal(word(await resolver.resolve(`${round}.bl.test`, 'A')), '127.0.0.2');
    await timers.advance(100);
    assert.equal(word(await resolver.resolve(`${round}.x.bl.test`, 'A')), '127.0.0.2');
    for (let step = 0; step < 15; step++) {
      await timers.advance(100);
      assert.equal(word(await resolver.resolve(`${round}.${step}.y.bl.test`, 'A')), '127.0.0.2');
    }
    for (const answer of await Promise.all(dead)) assert.equal(word(answer), 'timeout');
  }
  assert.deepEqual(lines, []);
  assert.ok((servers[0]?.queries.length ?? 0) > 20 * 17);
});

test('a quiet server that is only asked about a silent zone answers the control question, and stays in use', async t => {
  for (const [what, reply] of Object.entries({
    listed,
    clear,
    refused: rcode(5),
    servfail: rcode(2),
    formerr: rcode(1),
  })) {
    const script = (query: UdpQuery): void => {
      if (!nameOf(query.message).endsWith('dead.test')) reply(query);
    };
    const { resolver, servers, timers, lines } = await bench(t, [{ udp: script }]);
    const control = () => servers[0]?.queries.filter(query => nameOf(query.message) === 'localhost').length ?? 0;
    for (let round = 1; round <= 3; round++) {
      const dead = [1, 2, 3, 4, 5].map(i => resolver.resolve(`${round}.${i}.dead.test`, 'A'));
      while (control() < round) await timers.advance(100);
      await timers.advance(2_000);
      for (const answer of await Promise.all(dead)) assert.equal(word(answer), 'timeout', what);
    }
    servers[0]!.udp = listed;
    assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2', what);
    assert.deepEqual(lines, [], what);
  }
});

test('the faster of two servers is asked, once both are known', async t => {
  const held: UdpQuery[] = [];
  const { resolver, servers, clock } = await bench(t, [{ udp: query => held.push(query) }, { udp: listed }]);
  const first = resolver.resolve('first.test', 'A');
  await servers[0]?.received(1);
  clock.advance(100);
  listed(held[0]!);
  await first;
  for (let i = 0; i < 20; i++) await resolver.resolve(`${i}.test`, 'A');
  assert.deepEqual(
    servers.map(server => server.queries.length),
    [1, 20],
  );
});

test('ids are random, and queries leave from many ports that change', async t => {
  const { resolver, servers } = await bench(t, [{ udp: listed }]);
  for (let i = 0; i < 100; i++)
    await Promise.all(Array.from({ length: 60 }, (_, j) => resolver.resolve(`${i}.${j}.test`, 'A')));
  const queries = servers[0]?.queries ?? [];
  const ids = new Set(queries.map(query => query.message.readUInt16BE(0)));
  assert.ok(ids.size > 5_500, `${ids.size} ids among 6000`); // about 5735 expected
  const ports = new Map<number, number>();
  for (const { port } of queries) ports.set(port, (ports.get(port) ?? 0) + 1);
  assert.ok(ports.size >= 12, `${ports.size} ports`);
  assert.ok(Math.max(...ports.values()) <= 512);
  const early = new Set(queries.slice(0, 500).map(query => query.port));
  assert.ok(early.size >= 8, 'several at once');
});

test('an IPv6 server is asked like any other, over TCP too', async t => {
  const script = (query: UdpQuery): void => {
    if (nameOf(query.message) === 'big.test') query.send(replyTo(query.message, { flags: QR | TC }));
    else listed(query);
  };
  const { resolver } = await bench(t, [
    {
      host: '::1',
      udp: script,
      tcp: (query, socket) => socket.write(framed(replyTo(query, { answers: [a('big.test', '127.0.0.4')] }))),
    },
  ]);
  assert.equal(word(await resolver.resolve(NAME, 'A')), '127.0.0.2');
  assert.equal(word(await resolver.resolve('big.test', 'A')), '127.0.0.4');
});

test('a public resolver is warned of, and no server at all is an error', async t => {
  const { logger, lines } = recordingLogger();
  const servers = [{ address: '8.8.8.8', family: 4 as const, port: 53 }];
  const resolver = createStubResolver({ servers, clock: systemClock, random: systemRandom, logger });
  t.after(() => resolver.close());
  assert.match(lines.join(), /^warn DNS server 8\.8\.8\.8 is a public resolver \(Google Public DNS\)/);
  assert.throws(
    () => createStubResolver({ servers: [], clock: systemClock, random: systemRandom, logger }),
    /no servers, expected at least one/,
  );
});

test('the debug log has the questions and answers, without secrets', async t => {
  const written: string[] = [];
  const script = (query: UdpQuery): void =>
    query.send(replyTo(query.message, { answers: [txt(nameOf(query.message), 'k3y\n')] }));
  const { resolver } = await bench(t, [{ udp: script }], {
    debug: { write: line => written.push(line) },
    redact: text => text.replaceAll('k3y', '***'),
  });
  await resolver.resolve('2.0.0.127.k3y.zen.test', 'TXT');
  const [asked, found, ...more] = written.map(line => line.replace(/127\.0\.0\.1:\d+/, 'SERVER'));
  assert.equal(asked, '2026-11-21T08:53:48.000Z SERVER > TXT 2.0.0.127.***.zen.test (udp)\n');
  assert.equal(found, '2026-11-21T08:53:48.000Z SERVER < TXT 2.0.0.127.***.zen.test: ***\\u{a} (ttl 300, 0.0 ms)\n');
  assert.deepEqual(more, []);
});

test('closing settles everything pending, and nothing is asked afterwards', async t => {
  const { resolver, servers, timers } = await bench(t, [
    { udp: query => nameOf(query.message) === 'tcp.test' && query.send(replyTo(query.message, { flags: QR | TC })) },
  ]);
  const pending = Array.from({ length: 100 }, (_, i) => resolver.resolve(`${i}.test`, 'A'));
  pending.unshift(resolver.resolve('tcp2.test', 'A', { timeout: 100 }), resolver.resolve('1.test', 'A'));
  await servers[0]?.received(60);
  const closed = resolver.close();
  for (const answer of await Promise.all(pending)) assert.equal(word(answer), 'aborted');
  await closed;
  assert.equal(timers.size, 0);
  assert.equal(word(await resolver.resolve(NAME, 'A')), 'aborted');
  assert.equal(resolver.cached(NAME, 'A'), undefined);
  await resolver.close();
  const late = await bench(t, [{ udp: query => query.send(replyTo(query.message, { flags: QR | TC })) }]);
  const overTcp = late.resolver.resolve('tcp.test', 'A');
  await late.servers[0]?.receivedTcp(1);
  await late.resolver.close();
  assert.equal(word(await overTcp), 'aborted');
});
