/**
 * A list whose own servers are dead, and a healthy one, behind the same resolver: the whole way from the blocklists to the
 * datagrams.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../src/dns/random.ts';
import { createStubResolver } from '../../src/dns/stub-resolver.ts';
import { createBlocklists } from '../../src/dnsbl/blocklists.ts';
import { a, nameOf, replyTo, soa } from '../support/dns-message.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { ScriptedDns, type UdpQuery } from '../support/scripted-dns.ts';
import { address, LinesLogger } from './support.ts';

/** Like a recursive server: says nothing about names below dead.test, lists 127.0.0.2 and 203.0.113.0/24 in bl.test. */
function recurse({ message, send }: UdpQuery): void {
  const name = nameOf(message);
  if (name.endsWith('dead.test')) return;
  if (/^(2\.0\.0\.127|\d+\.113\.0\.203)\.bl\.test$/.test(name)) {
    send(replyTo(message, { answers: [a(name, '127.0.0.2', 60)] }));
  } else send(replyTo(message, { rcode: 3, authorities: [soa('bl.test', 60, 60)] }));
}

test('a silent zone drops out alone: the healthy one behind the same server is asked all the while', async t => {
  const server = await ScriptedDns.start(t, { udp: recurse });
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const log = new LinesLogger();
  const resolver = createStubResolver({
    servers: [server.address],
    clock,
    timers,
    random: systemRandom,
    logger: log,
  });
  t.after(() => resolver.close());
  const lists = createBlocklists(
    { zones: ['dead.test', 'bl.test'], policy: 'any' },
    { resolver, clock, timers, random: () => 0.5, log },
  );
  t.after(() => lists.stop());

  let started = false;
  const start = lists.start().then(() => {
    started = true;
  });
  /** Lets time go by in steps, with turns of the event loop for the datagrams. */
  const pass = async (milliseconds: number): Promise<void> => {
    for (let step = 0; step < milliseconds / 25; step++) {
      await timers.advance(25);
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  };
  while (!started) await pass(100);
  await start;

  // Quiet hours: nobody connects, only the dead zone is tested again and again.
  for (let octet = 1; octet <= 20; octet++) {
    await pass(octet % 5 === 0 ? 3_000 : 250);
    const ballot = lists.panel.decide(address(`203.0.113.${octet}`));
    let result: Awaited<typeof ballot> | undefined;
    void Promise.resolve(ballot).then(value => {
      result = value;
    });
    while (!result) await pass(25);
    assert.equal(result.outcome, 'listed', `client ${octet}: ${JSON.stringify(result)}`);
  }
  assert.ok(server.queries.filter(query => nameOf(query.message).endsWith('dead.test')).length >= 6);
  assert.ok(server.queries.some(query => nameOf(query.message) === 'localhost'));
  assert.deepEqual(
    log.lines.filter(line => /DNS server|DNSBL bl\.test is out/.test(line)),
    [],
  );
});
