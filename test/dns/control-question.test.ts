import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControlQuestion } from '../../src/dns/control-question.ts';
import type { Exchange, Line } from '../../src/dns/exchange.ts';
import { RandomSource, systemRandom } from '../../src/dns/random.ts';
import { UdpPool } from '../../src/dns/udp-pool.ts';
import { nameOf, QR, replyTo, TC, typeOf } from '../support/dns-message.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers, settle } from '../support/fixed-timers.ts';
import { ScriptedDns, type UdpQuery } from '../support/scripted-dns.ts';
import type { Owner } from '../support/temp-dir.ts';
import { listed, rcode, silent } from './support.ts';

const WAIT = 300;

async function setUp(owner: Owner, udp: (query: UdpQuery) => void) {
  const server = await ScriptedDns.start(owner, { udp });
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const random = new RandomSource(systemRandom);
  const pool = new UdpPool(server.address, random);
  owner.after(() => pool.close());
  const events: string[] = [];
  const left = new Set<Exchange>();
  let woken: (() => void) | undefined;
  const line: Line = {
    name: 'server',
    server: server.address,
    clock,
    random,
    log: undefined,
    wait: WAIT,
    socket: now => pool.pick(now),
    replied: () => {
      events.push('replied');
      woken?.();
    },
    silent: () => events.push('lost'),
    withdrawn: () => events.push('withdrawn'),
    leave: exchange => left.add(exchange),
  };
  const control = new ControlQuestion(line, clock, timers, () => {
    events.push('silence');
    woken?.();
  });
  owner.after(() => control.cancel());
  const next = async (): Promise<void> => {
    await new Promise<void>(resolve => {
      woken = resolve;
    });
    await settle();
  };
  return { server, timers, control, events, next };
}

test('it asks for the address of localhost, once', async t => {
  const { server, control, next, events } = await setUp(t, listed);
  control.ask();
  await next();
  assert.deepEqual(
    server.queries.map(({ message }) => [nameOf(message), typeOf(message)]),
    [['localhost', 1]],
  );
  assert.deepEqual(events, ['replied']);
});

test('silence is reported once, when the time for a reply is over', async t => {
  const { server, timers, control, events } = await setUp(t, silent);
  control.ask();
  await server.received(1);
  await timers.advance(WAIT - 1);
  assert.deepEqual(events, []);
  await timers.advance(1);
  assert.deepEqual(events, ['lost', 'silence']);
  await timers.advance(10_000);
  assert.deepEqual(events, ['lost', 'silence']);
  assert.equal(server.queries.length, 1, 'it is not repeated');
});

for (const code of [2, 3, 4, 5]) {
  test(`a reply with rcode ${code} is reported as a reply before anything else`, async t => {
    const { timers, control, next, events } = await setUp(t, rcode(code));
    control.ask();
    await next();
    assert.equal(events[0], 'replied');
    await timers.advance(10_000);
    assert.ok(!events.includes('lost'));
    assert.equal(timers.size, 0);
  });
}

test('a truncated reply is a reply, whatever happens over TCP', async t => {
  const { control, next, events } = await setUp(t, ({ message, send }) => send(replyTo(message, { flags: QR | TC })));
  control.ask();
  await next();
  assert.equal(events[0], 'replied');
});

test('a late reply is still taken', async t => {
  const { server, timers, control, next, events } = await setUp(t, silent);
  control.ask();
  await server.received(1);
  await timers.advance(WAIT);
  listed(server.queries[0]!);
  await next();
  assert.deepEqual(events, ['lost', 'silence', 'replied']);
});

test('a closed port is silence at once', async t => {
  const { server, control, next, events } = await setUp(t, silent);
  await server.close();
  control.ask();
  await next();
  assert.deepEqual(events, ['lost', 'silence']);
});

test('asked again it drops the question put before; cancelled it says nothing more', async t => {
  const { server, timers, control, events } = await setUp(t, silent);
  control.ask();
  await server.received(1);
  await timers.advance(WAIT / 2);
  control.ask();
  await server.received(2);
  listed(server.queries[0]!); // to nobody
  await timers.advance(WAIT - 1);
  assert.deepEqual(events, ['withdrawn']);
  control.cancel();
  assert.equal(timers.size, 0);
  await timers.advance(10_000);
  assert.deepEqual(events, ['withdrawn', 'withdrawn']);
});
