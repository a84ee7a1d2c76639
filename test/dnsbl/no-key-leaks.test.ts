/**
 * A key in a zone's name stands in queries and nowhere else, whatever happens: every string that the blocklists give out is
 * collected here, over all kinds of answers, and searched for the key.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { dnsblCheckUp, dnsblLookup } from '../../src/cli/dnsbl.ts';
import type { Answer, FailureCause, RecordType, ResolveOptions } from '../../src/dns/resolver.ts';
import { createBlocklists } from '../../src/dnsbl/blocklists.ts';
import { describe } from '../../src/dnsbl/result.ts';
import { keyMask } from '../../src/dnsbl/zone-list.ts';
import { dnsblCheck } from '../../src/policy/checks/dnsbl.ts';
import { envelopeOf, sessionOf } from '../policy/support.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers, settle } from '../support/fixed-timers.ts';
import { address, HandResolver, LinesLogger } from './support.ts';

/** What a resolver may say to a name; it knows the name, and tells it wherever it can. The last breaks its contract. */
const answers: fc.Arbitrary<(name: string) => Answer> = fc.oneof(
  fc
    .constantFrom('127.0.0.2', '127.0.0.4', '127.0.0.1', '127.255.255.250', '127.255.255.254', '192.0.2.1', 'NAME')
    .map(record => (name: string): Answer => {
      return { status: 'records', records: [record.replace('NAME', name)], cname: false, ttl: 60, from: 'fresh' };
    }),
  fc.constantFrom('nxdomain' as const, 'nodata' as const).chain(status =>
    fc.boolean().map(
      cname =>
        (name: string): Answer => ({ status, cname, soaOwner: name, ttl: 60, from: 'fresh' }),
    ),
  ),
  fc.constantFrom<FailureCause>('timeout', 'servfail', 'refused', 'malformed', 'refused-connection', 'aborted').map(
    cause =>
      (name: string): Answer => ({ status: 'failed', cause, detail: `no answer for ${name.toUpperCase()}.` }),
  ),
  fc.constant((name: string): Answer => {
    throw new Error(`can't resolve "${name}"`);
  }),
);

class TalkativeResolver extends HandResolver {
  override resolve(name: string, type: RecordType, options?: ResolveOptions): Promise<Answer> {
    return super.resolve(name, type, options).then(answer => {
      if (type !== 'TXT') return answer;
      return { status: 'records', records: [`listed, see ${name}`], cname: false, ttl: 60, from: 'fresh' };
    });
  }
}

const keys = fc.stringMatching(/^[a-z0-9]{8,40}$/).filter(key => !'zen.dq.spamhaus.net'.includes(key));

test('no output holds a key, whatever the resolver says', async () => {
  const runs = fc.asyncProperty(keys, fc.array(answers, { minLength: 1, maxLength: 6 }), async (key, replies) => {
    const own = { zone: `${key}.lists.example.com`, publicName: 'lists.example.com' };
    const zones = [`${key}.zen.dq.spamhaus.net=127.0.0.[2..11]`, own, 'bl.example.org'];
    let turn = 0;
    let mayThrow = true;
    const resolver = new TalkativeResolver(name => {
      const reply = replies[turn++ % replies.length]!;
      try {
        return reply(name);
      } catch (error) {
        if (mayThrow) throw error;
        return { status: 'failed', cause: 'malformed', detail: String(error) };
      }
    });
    const clock = new FixedClock();
    const timers = new FixedTimers(clock);
    const log = new LinesLogger();
    const deps = { resolver, clock, timers, random: () => 0.5, log, servers: [] };
    const said: string[] = [];

    const lists = createBlocklists({ zones, policy: 'majority' }, deps);
    await lists.start();
    for (let count = 0; count < 8; count++) {
      const result = await lists.panel.decide(address(`203.0.113.${count}`));
      said.push(describe(result), inspect(result, { depth: 9 }), JSON.stringify(result));
      await timers.advance(1_000);
    }
    for (const reject of [true, false]) {
      const check = dnsblCheck({ panel: lists.panel, zones: lists.zones, reject });
      const session = sessionOf();
      said.push(inspect(await check.run(envelopeOf({ session })), { depth: 9 }));
      said.push(inspect(check.headers?.(session, { authenticated: false }), { depth: 9 }));
      said.push(inspect(check.logFields?.(session)));
    }
    lists.stop();
    await settle();

    mayThrow = false;
    for (const json of [true, false]) {
      const options = { zones, policy: 'any', json } as const;
      for (const report of [dnsblLookup([address('203.0.113.7')], options, deps), dnsblCheckUp(options, deps)])
        said.push((await report).text);
    }
    said.push(...log.lines);

    assert.ok(
      resolver.names.some(name => name.includes(key)),
      'the key must be in the queries',
    );
    for (const text of said) assert.ok(!text.toLowerCase().includes(key), text);
    assert.ok(said.some(text => text.includes('zen.dq.spamhaus.net')));
  });
  await fc.assert(runs, { numRuns: 150 });
});

test('the debug log is masked with the same rule', () => {
  const key = 'k3yk3yk3yk3y';
  const lists = createBlocklists(
    {
      zones: [`${key}.zen.dq.spamhaus.net`, { zone: `${key}x.example.com`, publicName: 'x.example.com' }],
      policy: 'any',
    },
    {
      resolver: new HandResolver(),
      clock: new FixedClock(),
      timers: new FixedTimers(new FixedClock()),
      random: () => 0,
      log: new LinesLogger(),
    },
  );
  const mask = keyMask(lists.zones);
  assert.equal(mask(`A 7.113.0.203.${key}.zen.dq.spamhaus.net (udp)`).includes(key), false);
  assert.equal(mask(`A 7.113.0.203.${key}x.example.com (udp)`), 'A 7.113.0.203.x.example.com (udp)');
});
