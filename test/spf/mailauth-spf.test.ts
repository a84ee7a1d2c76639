/**
 * SPF through the library on our resolver: results, limits, failures and time, on zones written as one reads them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMailauth } from '../../src/daemon/spf.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { createMailauthSpf, type MailauthSpf } from '../../src/spf/mailauth-spf.ts';
import type { SpfFinding } from '../../src/spf/spf.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const spf = await loadMailauth([]);

interface Asked {
  readonly ip?: string;
  readonly sender?: string;
  readonly helo?: string | undefined;
}

function setUp(zone: string) {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const resolver = new FakeResolver(zone, { clock, timers });
  const port = createMailauthSpf({ spf, resolver, clock, timers });
  const check = ({ ip = '192.0.2.7', sender = 'a@example.net', ...asked }: Asked = {}) => {
    const helo = 'helo' in asked ? asked.helo : 'mx.example.net';
    return port.check({ address: parseAddress(ip) as Address, sender, helo });
  };
  return { check, resolver, timers, clock };
}

async function result(zone: string, asked: Asked = {}): Promise<string> {
  const { result, domain, everyone } = await setUp(zone).check(asked);
  return [result, domain, ...(everyone ? ['everyone'] : [])].join(' ');
}

const zone = `
  example.net             TXT  v=spf1 ip4:192.0.2.0/28 a:out.example.net include:provider.test -all
  out.example.net         A    198.51.100.25
  out.example.net         AAAA 2001:db8::25
  provider.test           TXT  v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:1::/48 ~all
  soft.test               TXT  v=spf1 ip4:192.0.2.99 ~all
  neutral.test            TXT  v=spf1 ?all
  silent.test             TXT  v=spf1 ip4:192.0.2.99
  moved.test              TXT  v=spf1 redirect=example.net
  mail.test               TXT  v=spf1 mx -all
  mail.test               MX   10 one.mail.test
  mail.test               MX   5 two.mail.test
  one.mail.test           A    192.0.2.7
  two.mail.test           A    192.0.2.8
  mx.example.net          TXT  v=spf1 ip4:192.0.2.7 -all
  noise.test              TXT  some-verification=4711
  noise.test              TXT  v=spf10 +all
  noise.test              TXT  v=spf1 ip4:192.0.2.7 -all
  xn--mnchen-3ya.test     TXT  v=spf1 ip4:192.0.2.7 -all
`;

for (const [what, asked, expected] of [
  ['a network of the record', {}, 'pass example.net'],
  ['a host of the record', { ip: '198.51.100.25' }, 'pass example.net'],
  ['a host of the record over IPv6', { ip: '2001:db8::25' }, 'pass example.net'],
  ["a provider's network, in the name of the domain itself", { ip: '203.0.113.7' }, 'pass example.net'],
  ["a provider's network over IPv6", { ip: '2001:db8:1::7' }, 'pass example.net'],
  ['nobody it knows', { ip: '198.51.100.1' }, 'fail example.net'],
  ['another case of the domain', { sender: 'A@EXAMPLE.net' }, 'pass example.net'],
  ['a domain in U-labels', { sender: 'a@münchen.test' }, 'pass xn--mnchen-3ya.test'],
  ['a softfail', { sender: 'a@soft.test' }, 'softfail soft.test'],
  ['neutral', { sender: 'a@neutral.test' }, 'neutral neutral.test'],
  ['a record without an end', { sender: 'a@silent.test' }, 'neutral silent.test'],
  ['a redirect, in the name of the domain itself', { sender: 'a@moved.test' }, 'pass moved.test'],
  ['mail exchangers', { sender: 'a@mail.test' }, 'pass mail.test'],
  ['no record', { sender: 'a@out.example.net' }, 'none out.example.net'],
  ['no such domain', { sender: 'a@nowhere.test' }, 'none nowhere.test'],
  ['a record among others', { sender: 'a@noise.test' }, 'pass noise.test'],
  ['the null sender, by its HELO', { sender: '' }, 'pass mx.example.net'],
  ['the null sender of another client', { sender: '', ip: '192.0.2.8' }, 'fail mx.example.net'],
  ['the null sender without HELO', { sender: '', helo: undefined }, 'none '],
  ['the null sender with an address for HELO', { sender: '', helo: '[192.0.2.7]' }, 'none '],
  ['the null sender with nonsense for HELO', { sender: '', helo: 'a@example.net' }, 'none '],
  ['the null sender with one word for HELO', { sender: '', helo: 'localhost' }, 'none '],
  ['a sender without domain', { sender: 'a' }, 'none a'],
  ['a sender with an address for domain', { sender: 'a@[192.0.2.7]' }, 'none [192.0.2.7]'],
  ['a sender with bytes that are no text', { sender: '\udced@\udcff' }, undefined],
] as const) {
  test(`${what}: ${expected ?? 'no pass'}`, async () => {
    const told = await result(zone, asked as Asked);
    if (expected === undefined) assert.doesNotMatch(told, /^pass/);
    else assert.equal(told, expected);
  });
}

test('macros are expanded, of what strangers say too', async () => {
  const macros = `
    m.test                                 TXT  v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all
    7.2.0.192.joe._spf.m.test              A    127.0.0.2
    1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.joe._spf.m.test  A  127.0.0.2
    h.test                                 TXT  v=spf1 exists:%{h}.ok.test -all
    mx.example.net.ok.test                 A    127.0.0.2
    p.test                                 TXT  v=spf1 ptr -all
    7.2.0.192.in-addr.arpa                 PTR  mail.p.test
    mail.p.test                            A    192.0.2.7`;
  assert.equal(await result(macros, { sender: 'joe-x@m.test' }), 'pass m.test');
  assert.equal(await result(macros, { sender: 'joe+x@m.test', ip: '2001:db8::1' }), 'pass m.test');
  assert.equal(await result(macros, { sender: 'jim@m.test' }), 'fail m.test');
  // Anybody may say HELO with that name.
  assert.equal(await result(macros, { sender: 'a@h.test' }), 'pass h.test everyone');
  assert.equal(await result(macros, { sender: 'a@p.test' }), 'pass p.test');
  assert.equal(await result(macros, { sender: 'a@p.test', ip: '192.0.2.8' }), 'fail p.test');
  for (const local of ['a b', 'é', 'x'.repeat(64), '..', '"@"', '*', '%{d}', '\\']) {
    const told = await result(macros, { sender: `${local}@m.test` });
    assert.match(told, /^(fail|permerror|none)/, `${local}: ${told}`);
  }
});

test('ten look-ups are borne and no eleventh', async () => {
  const chain = (length: number): string =>
    Array.from({ length }, (_, at) =>
      at === length - 1
        ? `c${at}.test TXT v=spf1 ip4:192.0.2.7 -all`
        : `c${at}.test TXT v=spf1 include:c${at + 1}.test -all`,
    ).join('\n');
  assert.equal(await result(chain(11), { sender: 'a@c0.test' }), 'pass c0.test');
  assert.equal(await result(chain(12), { sender: 'a@c0.test' }), 'permerror c0.test');
  const loop = 'l.test TXT v=spf1 include:l.test -all';
  assert.equal(await result(loop, { sender: 'a@l.test' }), 'permerror l.test');
});

test('two void look-ups are borne and no third', async () => {
  const record = (voids: number): string =>
    `v.test TXT v=spf1 ${Array.from({ length: voids }, (_, at) => `a:void${at}.test`).join(' ')} ip4:192.0.2.7 -all`;
  assert.equal(await result(record(2), { sender: 'a@v.test' }), 'pass v.test');
  assert.equal(await result(record(3), { sender: 'a@v.test' }), 'permerror v.test');
});

test('an exchanger list too long costs no more than ten look-ups', async () => {
  const hosts = Array.from({ length: 30 }, (_, at) => `m.test MX 10 h${at}.test\nh${at}.test A 198.51.100.${at}`);
  const { check, resolver } = setUp(['m.test TXT v=spf1 mx -all', ...hosts].join('\n'));
  assert.equal((await check({ sender: 'a@m.test' })).result, 'permerror');
  assert.ok(resolver.queries.length <= 13, `${resolver.queries.length} queries`);
});

test('mistakes in a record are permanent errors, wherever they stand', async () => {
  for (const record of [
    'v=spf1 ip4:192.0.2.7 ipv4:192.0.2.8 -all',
    'v=spf1 ip4:192.0.2.7/33 -all',
    'v=spf1 include: -all',
    'v=spf1 include:nowhere.test -all',
    'v=spf1 redirect=nowhere.test',
    'v=spf1 exists:%{x}.test -all',
  ]) {
    assert.equal(await result(`e.test TXT ${record}`, { sender: 'a@e.test' }), 'permerror e.test', record);
  }
  const twice = 'e.test TXT v=spf1 -all\ne.test TXT v=spf1 ip4:192.0.2.7';
  assert.equal(await result(twice, { sender: 'a@e.test' }), 'permerror e.test');
});

test('whatever the DNS fails at is a temporary error, of an include too', async () => {
  for (const cause of ['servfail', 'refused', 'timeout', 'malformed', 'truncated', 'breaker-open', 'queue-full']) {
    assert.equal(await result(`e.test FAIL ${cause}`, { sender: 'a@e.test' }), 'temperror e.test', cause);
    const nested = `e.test TXT v=spf1 include:f.test ip4:192.0.2.7 -all\nf.test FAIL ${cause}`;
    assert.equal(await result(nested, { sender: 'a@e.test' }), 'temperror e.test', cause);
  }
});

test('a PTR that can not be had makes nobody fail, where the standard would go on', async () => {
  const record = 'e.test TXT v=spf1 ptr:e.test -all';
  const pointer = '7.2.0.192.in-addr.arpa';
  assert.equal(await result(record, { sender: 'a@e.test' }), 'fail e.test');
  assert.equal(await result(`${record}\n${pointer} FAIL servfail`, { sender: 'a@e.test' }), 'temperror e.test');
  const half = `${record}\n${pointer} PTR mx.e.test\nmx.e.test FAIL timeout`;
  assert.equal(await result(half, { sender: 'a@e.test' }), 'temperror e.test');
  const other = `e.test TXT v=spf1 ptr:e.test ip4:192.0.2.7 -all\n${pointer} FAIL servfail`;
  assert.equal(await result(other, { sender: 'a@e.test' }), 'pass e.test');
});

test('a domain that lets everybody send is marked', async () => {
  for (const record of [
    'v=spf1 +all',
    'v=spf1 all',
    'v=spf1 ip4:0.0.0.0/0 -all',
    'v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all',
    'v=spf1 a/0 -all',
    'v=spf1 exists:open.test -all',
    'v=spf1 include:open.test -all',
  ]) {
    const wide = `open.test TXT v=spf1 ip4:192.0.2.0/2 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all\nopen.test A 127.0.0.2\ne.test A 192.0.2.1`;
    assert.equal(await result(`e.test TXT ${record}\n${wide}`, { sender: 'a@e.test' }), 'pass e.test everyone', record);
  }
  const six = 'e.test TXT v=spf1 ip6:::/0 -all';
  assert.equal(await result(six, { sender: 'a@e.test', ip: '2001:db8::1' }), 'pass e.test everyone');
});

test('a silent name server costs three seconds, and nothing is asked after', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `s${at}.test`);
  const records = names.map(name => `${name} TXT v=spf1 ip4:192.0.2.99 -all\n${name} DELAY 700`);
  const includes = names.map(name => `include:${name}`).join(' ');
  const { check, resolver, timers } = setUp([`e.test TXT v=spf1 ${includes} -all`, ...records].join('\n'));
  const told: SpfFinding[] = [];
  void check({ sender: 'a@e.test' }).then(finding => told.push(finding));
  await timers.advance(2_999);
  assert.equal(told.length, 0);
  await timers.advance(1);
  assert.equal(told[0]?.result, 'temperror');
  const queries = resolver.queries.length;
  await timers.advance(10_000);
  assert.equal(resolver.queries.length, queries);
  assert.equal(timers.size, 0);
});

test('a name server that never answers is a temporary error before the time is over', async () => {
  const { check, timers } = setUp('e.test SILENT');
  const asked = check({ sender: 'a@e.test' });
  await timers.advance(1_500);
  assert.equal((await asked).result, 'temperror');
});

test('a library or a resolver that fails is a temporary error', async () => {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const address = parseAddress('192.0.2.7') as Address;
  const query = { address, sender: 'a@example.net', helo: 'x.test' };
  const broken: Resolver = {
    resolve: () => Promise.reject(new Error('bang')),
    cached: () => undefined,
    close: async () => {},
  };
  assert.equal((await createMailauthSpf({ spf, resolver: broken, clock, timers }).check(query)).result, 'temperror');
  const resolver = new FakeResolver(zone);
  const failing: MailauthSpf = () => Promise.reject(new Error('bang'));
  assert.equal((await createMailauthSpf({ spf: failing, resolver, clock, timers }).check(query)).result, 'temperror');
  const strange: MailauthSpf = async () => ({ domain: 'x', status: { result: 'hardfail' } });
  assert.equal((await createMailauthSpf({ spf: strange, resolver, clock, timers }).check(query)).result, 'temperror');
  assert.equal(timers.size, 0);
});
