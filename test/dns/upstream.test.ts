import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeListener } from '../../src/dns/exchange.ts';
import { encodeQuestion } from '../../src/dns/question.ts';
import { RandomSource, systemRandom } from '../../src/dns/random.ts';
import { Upstream } from '../../src/dns/upstream.ts';
import { QR, replyTo, TC } from '../support/dns-message.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { ScriptedDns, type ScriptedOptions } from '../support/scripted-dns.ts';
import type { Owner } from '../support/temp-dir.ts';
import { listed, silent } from './support.ts';

const question = encodeQuestion('7.113.0.203.bl.test', 'A');

/** As on a real machine, no two looks at it show the same time. */
class TickingClock extends FixedClock {
  override monotonic(): number {
    this.advance(0.001);
    return super.monotonic();
  }
}

async function setUp(owner: Owner, script: ScriptedOptions, clock: FixedClock = new FixedClock()) {
  const server = await ScriptedDns.start(owner, script);
  const { logger, lines } = recordingLogger();
  const random = new RandomSource(systemRandom);
  const timers = new FixedTimers(clock);
  const upstream = new Upstream({ server: server.address, clock, timers, random, logger, log: undefined });
  owner.after(() => upstream.close());
  return { server, clock, timers, lines, upstream };
}

/** A listener that notes what it hears, and promises the end. */
function ear(): { readonly listener: ExchangeListener; readonly waits: number[]; readonly end: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const waits: number[] = [];
  const listener: ExchangeListener = {
    onSent: (_exchange, wait) => waits.push(wait),
    onFinding: (_exchange, finding) => resolve(finding.status),
    onFailure: (_exchange, failure) => resolve(failure.cause),
  };
  return { listener, waits, end: promise };
}

test('a probe that is given up leaves its place to another', async t => {
  const { upstream, clock, timers } = await setUp(t, { udp: silent });
  for (let i = 0; i < 5; i++) upstream.ask(question, ear().listener).late();
  assert.equal(upstream.obstacle, undefined, 'the control question comes first');
  await timers.advance(800);
  assert.equal(upstream.obstacle, 'breaker-open');
  clock.advance(1_000);
  const probes = [1, 2, 3].map(() => {
    assert.equal(upstream.obstacle, undefined);
    return upstream.ask(question, ear().listener);
  });
  assert.equal(upstream.obstacle, 'breaker-open');
  probes[1]?.cancel();
  assert.equal(upstream.obstacle, undefined);
});

test('silence over TCP says nothing about the server: it has just answered over UDP', async t => {
  const script: ScriptedOptions = { udp: ({ message, send }) => send(replyTo(message, { flags: QR | TC })) };
  const { upstream, server, clock } = await setUp(t, script, new TickingClock());
  const { listener, waits } = ear();
  const exchange = upstream.ask(question, listener);
  await server.receivedTcp(1);
  assert.equal(waits.at(-1), 800);
  clock.advance(800);
  exchange.late();
  exchange.cancel();
  assert.ok(upstream.roundTrip < 10, `${upstream.roundTrip} ms`);
});

test('a late exchange leaves the window, and its reply is still taken', async t => {
  const { upstream, server, clock } = await setUp(t, { udp: silent });
  const { listener, end } = ear();
  const exchange = upstream.ask(question, listener);
  assert.equal(upstream.load, 1 / 64);
  await server.received(1);
  clock.advance(400);
  exchange.late();
  assert.equal(upstream.load, 0);
  listed(server.queries[0]!);
  assert.equal(await end, 'records');
  assert.equal(upstream.load, 0);
});

test('a socket that failed is not used again: the server is found as soon as it is back', async t => {
  const { upstream, server } = await setUp(t, { udp: listed });
  await server.close();
  for (let i = 0; i < 4; i++) {
    const { listener, end } = ear();
    upstream.ask(question, listener);
    assert.equal(await end, 'refused-connection');
  }
  await ScriptedDns.start(t, { udp: listed, port: server.address.port, noTcp: true });
  for (let i = 0; i < 40; i++) {
    const { listener, end } = ear();
    upstream.ask(question, listener);
    assert.equal(await end, 'records');
  }
});

test('sockets are replaced after a minute', async t => {
  const { upstream, server, clock } = await setUp(t, { udp: listed });
  const ask = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const { listener, end } = ear();
      upstream.ask(question, listener);
      await end;
    }
  };
  await ask();
  clock.advance(59_999);
  await ask();
  const before = new Set(server.queries.map(query => query.port));
  assert.equal(before.size, 8);
  clock.advance(1);
  await ask();
  for (const { port } of server.queries.slice(200)) assert.ok(!before.has(port));
});
