import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../src/policy/check.ts';
import { standardChecks } from '../../src/policy/checks/standard.ts';
import type { Session } from '../../src/policy/envelope.ts';
import {
  benchOf,
  checkOf,
  decide,
  envelopeOf,
  FakeGreylist,
  known,
  rejecting,
  replies,
  sessionOf,
  tableOf,
} from './support.ts';

/** A DNSBL that lists everyone and remembers whom it was started for and asked about. */
function lookup(): Check & { readonly started: string[]; readonly asked: string[] } {
  const started: string[] = [];
  const asked: string[] = [];
  return {
    name: 'dnsbl',
    canAccept: false,
    started,
    asked,
    prefetch: ({ id }) => void started.push(id),
    run({ session }) {
      asked.push(session.id);
      return rejecting();
    },
    headers: () => [{ name: 'X-RBL-Warning', value: 'x' }],
  };
}

const nobody = sessionOf({ address: undefined, transport: 'unix' });
const clients: readonly (readonly [what: string, session: Session, started: boolean, settled: string | undefined])[] = [
  ['a stranger', sessionOf(), true, undefined],
  ['a whitelisted client', sessionOf({ ip: '198.51.100.1' }), false, 'whitelist'],
  ['a blacklisted client', sessionOf({ ip: '192.0.2.1' }), false, undefined],
  ['a client on both lists', sessionOf({ ip: '192.0.2.9' }), false, 'whitelist'],
  ['a private client', sessionOf({ ip: '10.1.2.3' }), false, 'local-client'],
  ['a client without address', nobody, false, 'no-address'],
];

for (const [what, session, started, settled] of clients) {
  test(`${what}: look-ups ${started ? 'start' : 'do not start'} at CONNECT, ${settled ?? 'nothing'} is settled`, () => {
    const dnsbl = lookup();
    const checks = standardChecks({
      whitelist: tableOf('198.51.100.0/24', '192.0.2.9'),
      blacklist: tableOf('192.0.2.0/24'),
      dnsbl,
      replies,
    });
    const { policy } = benchOf(checks);
    policy.connect(session);
    assert.deepEqual(dnsbl.started, started ? ['s1'] : []);
    assert.equal(policy.settledAtConnect(session)?.reason, settled);
  });
}

test('what is settled at CONNECT is what every recipient would get', async () => {
  const checks = standardChecks({
    whitelist: tableOf('198.51.100.0/24'),
    blacklist: tableOf('192.0.2.0/24'),
    dnsbl: lookup(),
    replies,
  });
  const { policy } = benchOf(checks);
  for (const [, session] of clients) {
    const settled = policy.settledAtConnect(session);
    if (settled === undefined) continue;
    for (const sender of ['', 'a@example.net']) {
      for (const recipient of ['b@example.org', 'postmaster@example.org']) {
        assert.equal(await decide(policy, { session, sender, recipient }), `accept ${settled.reason}`);
      }
    }
  }
});

test('a check placed first that may speak later leaves nothing settled at CONNECT, but saves no look-up either', () => {
  const own = checkOf('own', ({ helo }) => (helo === 'evil' ? rejecting() : undefined));
  const dnsbl = lookup();
  const { policy } = benchOf([own, ...standardChecks({ whitelist: tableOf('203.0.113.7'), dnsbl, replies })]);
  assert.equal(policy.settledAtConnect(sessionOf()), undefined);
  policy.connect(sessionOf());
  assert.deepEqual(dnsbl.started, []);
});

test('a whitelist placed behind the blacklist settles nothing for a client on both', () => {
  const [local, white, black] = standardChecks({
    whitelist: tableOf('192.0.2.9'),
    blacklist: tableOf('192.0.2.9'),
    replies,
  });
  const { policy } = benchOf([local!, black!, white!]);
  assert.equal(policy.settledAtConnect(sessionOf({ ip: '192.0.2.9' })), undefined);
});

test('with local networks turned off a private client is a stranger', async () => {
  const dnsbl = lookup();
  const { policy } = benchOf(standardChecks({ localAccepts: false, dnsbl, replies }));
  const session = sessionOf({ ip: '10.1.2.3' });
  policy.connect(session);
  assert.deepEqual(dnsbl.started, ['s1']);
  assert.equal(policy.settledAtConnect(session), undefined);
  assert.equal(await decide(policy, { session }), 'reject dnsbl');
});

for (const [daemonName, originating, looksUp] of [
  ['ORIGINATING', undefined, false],
  ['MTA-v4', undefined, true],
  [undefined, undefined, true],
  ['ORIGINATING', [], true],
  ['MSA', ['MSA', 'ORIGINATING'], false],
] as const) {
  test(`a listener named ${daemonName} with ${originating ?? 'the default'} on the list: ${looksUp ? 'looked up' : 'no look-ups'}`, async () => {
    const dnsbl = lookup();
    const greylist = new FakeGreylist({ 'b@example.org': known });
    const checks = standardChecks({ blacklist: tableOf('192.0.2.0/24'), dnsbl, replies });
    const { policy } = benchOf(checks, { greylist, ...(originating ? { originating } : {}) });
    const session = sessionOf({ daemonName });
    policy.connect(session);
    assert.equal(dnsbl.started.length, looksUp ? 1 : 0);
    assert.equal(await decide(policy, { session }), looksUp ? 'reject dnsbl' : 'accept known');
    assert.equal(dnsbl.asked.length, looksUp ? 1 : 0);
    assert.equal(await decide(policy, { session: sessionOf({ daemonName, ip: '192.0.2.1' }) }), 'reject blacklist');
    const end = await policy.endOfMessage(session, []);
    assert.ok(end.action === 'accept');
    assert.equal(end.headers.length, looksUp ? 1 : 0);
  });
}

test('at MAIL look-ups begin for the clients they begin for at CONNECT, and on no listener of our own users', () => {
  const begun: string[] = [];
  const spf = checkOf('spf', () => undefined, {
    begin: ({ session, sender }) => void begun.push(`${session.id} ${sender}`),
  });
  const checks = standardChecks({ whitelist: tableOf('198.51.100.0/24'), dnsbl: lookup(), replies });
  const { policy } = benchOf([...checks, spf]);
  assert.equal(policy.startsAtMail, true);
  for (const [id, session] of [
    ['stranger', sessionOf()],
    ['whitelisted', sessionOf({ ip: '198.51.100.1' })],
    ['user', sessionOf({ daemonName: 'ORIGINATING' })],
  ] as const) {
    policy.mail({ ...envelopeOf(), session: { ...session, id } });
  }
  assert.deepEqual(begun, ['stranger a@example.net']);
});

test('a check that looks up at MAIL takes no part on a listener of our own users', async () => {
  const spf = checkOf('spf', () => rejecting(), { begin() {} });
  const { policy } = benchOf([spf]);
  assert.equal(await decide(policy), 'reject dnsbl');
  assert.equal(await decide(policy, { session: sessionOf({ daemonName: 'ORIGINATING' }) }), 'greylist new');
});

test('without such a check nothing starts at MAIL', () => {
  assert.equal(benchOf([lookup()]).policy.startsAtMail, false);
});

test('a check that can’t begin at MAIL is logged, and the others begin', () => {
  let begun = 0;
  const broken = checkOf('broken', () => undefined, {
    begin() {
      throw new Error('bang');
    },
  });
  const { policy, lines } = benchOf([broken, checkOf('fine', () => undefined, { begin: () => void begun++ })]);
  policy.mail(envelopeOf());
  assert.equal(begun, 1);
  assert.match(lines.map(({ message }) => message).join(), /broken/);
});

test('a look-up that can’t start is logged, and the others start', () => {
  const broken = checkOf('broken', () => undefined, {
    prefetch() {
      throw new Error('no');
    },
  });
  const dnsbl = lookup();
  const { policy, faults } = benchOf([broken, dnsbl]);
  policy.connect(sessionOf());
  assert.deepEqual(dnsbl.started, ['s1']);
  assert.deepEqual(faults.counts(), [{ check: 'broken', effect: 'no-prefetch', count: 1 }]);
});

test('a check that can’t tell what is settled settles nothing and stops nobody', async () => {
  const broken = checkOf('broken', () => undefined, {
    settles() {
      throw new Error('no');
    },
  });
  const dnsbl = lookup();
  const { policy } = benchOf([broken, dnsbl]);
  policy.connect(sessionOf());
  assert.deepEqual(dnsbl.started, ['s1']);
  assert.equal(policy.settledAtConnect(sessionOf()), undefined);
  assert.equal(await decide(policy), 'reject dnsbl');
});
