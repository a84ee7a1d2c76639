import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Result } from '../../../src/dnsbl/result.ts';
import { Zone, type ZoneOptions } from '../../../src/dnsbl/zone.ts';
import type { Address } from '../../../src/net/address.ts';
import type { Check, Word } from '../../../src/policy/check.ts';
import { dnsblCheck } from '../../../src/policy/checks/dnsbl.ts';
import { exemptCheck } from '../../../src/policy/checks/exempt.ts';
import { localCheck } from '../../../src/policy/checks/local.ts';
import { whitelistCheck } from '../../../src/policy/checks/whitelist.ts';
import { TemplateError } from '../../../src/policy/reply-text.ts';
import type { BallotPort } from '../../../src/policy/session-ballots.ts';
import { benchOf, decide, decideAll, envelopeOf, reasonOf, sessionOf, tableOf } from '../support.ts';

const zones = ['zen.spamhaus.org', 'bl.example.org', 'k3yk3yk3yk3y.zen.dq.spamhaus.net'].map(zone => Zone.parse(zone));

function listedIn(...listing: readonly Zone[]): Result {
  return {
    outcome: 'listed',
    listing,
    words: zones.map(zone => ({
      zone,
      vote: listing.includes(zone) ? { vote: 'listed', codes: ['127.0.0.2'], score: 1 } : undefined,
    })),
  };
}
const clear: Result = { outcome: 'clear', listing: [], words: zones.map(zone => ({ zone, vote: { vote: 'clear' } })) };

/** A panel that says what the test tells it, at once (`now`) or when `late` is settled. */
class FakePanel implements BallotPort {
  readonly asked: string[] = [];
  readonly late: PromiseWithResolvers<Result> = Promise.withResolvers<Result>();
  readonly now: Result | undefined;
  /** What has become of the result. */
  revised: Result | undefined;

  constructor(now?: Result) {
    this.now = now;
  }

  decideNow(address: Address): Result | undefined {
    this.asked.push(`now ${address.text}`);
    return this.now;
  }

  decide(address: Address): Promise<Result> {
    this.asked.push(address.text);
    return this.late.promise;
  }

  review(_address: Address, result: Result): Result {
    return this.revised ?? result;
  }
}

function checkOf(
  panel: BallotPort,
  { reject = true, list = zones }: { reject?: boolean; list?: readonly Zone[] } = {},
): Check {
  return dnsblCheck({ panel, zones: list, reject });
}

function word(check: Check, session = sessionOf()): Word {
  const said = check.run(envelopeOf({ session }));
  assert.ok(!(said instanceof Promise), 'a promise where the cache knows the answer');
  return said;
}

describe('a listed client', () => {
  test('is refused with the first listing zone in configured order, its code and its text', () => {
    assert.deepEqual(word(checkOf(new FakePanel(listedIn(zones[1]!, zones[2]!)))), {
      action: 'reject',
      reason: 'dnsbl',
      reply: { code: 550, enhanced: '5.7.1', text: 'Rejected. Address 203.0.113.7 found in bl.example.org' },
      zones: ['bl.example.org', 'zen.dq.spamhaus.net'],
    });
  });

  test('gets what its zone has configured', () => {
    const options: ZoneOptions = {
      zone: 'bl.example.org',
      code: 451,
      message: '{DNSBL} knows {ADDR}, {RECIPIENT} does not want mail from {SENDER} ({ID})',
    };
    const zone = Zone.parse(options);
    const said = word(checkOf(new FakePanel(listedIn(zone)), { list: [zone] }));
    assert.ok(said?.action === 'reject');
    assert.deepEqual(said.reply, {
      code: 451,
      enhanced: '4.7.1',
      text: 'bl.example.org knows 203.0.113.7, b@example.org does not want mail from a@example.net (s1.1)',
    });
  });

  test('passes on where listings only mark, and its message tells every zone that lists it', () => {
    const check = checkOf(new FakePanel(listedIn(zones[0]!, zones[2]!)), { reject: false });
    const session = sessionOf();
    assert.equal(word(check, session), undefined);
    assert.deepEqual(check.headers?.(session, { authenticated: false }), [
      { name: 'X-RBL-Warning', value: '203.0.113.7 found in zen.spamhaus.org' },
      { name: 'X-RBL-Warning', value: '203.0.113.7 found in zen.dq.spamhaus.net' },
    ]);
  });

  test('is never refused, and its message never marked, when it is authenticated', () => {
    const check = checkOf(new FakePanel(listedIn(zones[0]!)));
    const session = sessionOf();
    assert.equal(check.run(envelopeOf({ session, authenticated: 'user' })), undefined);
    assert.deepEqual(check.headers?.(session, { authenticated: true }), []);
  });

  test('stands in the log line with its votes', () => {
    const check = checkOf(new FakePanel(listedIn(zones[2]!)));
    const session = sessionOf();
    assert.deepEqual(check.logFields?.(session), {});
    word(check, session);
    assert.deepEqual(check.logFields?.(session), { dnsbl: 'listed zen.dq.spamhaus.net=127.0.0.2' });
  });
});

test('a listing that its zone has lost the trust for since refuses nobody, marks nothing and stands in no log line', () => {
  const panel = new FakePanel(listedIn(zones[0]!));
  const check = checkOf(panel);
  const session = sessionOf();
  assert.equal(word(check, session)?.action, 'reject');
  panel.revised = { ...clear, outcome: 'unknown' };
  assert.equal(word(check, session), undefined);
  assert.deepEqual(check.headers?.(session, { authenticated: false }), []);
  assert.match(check.logFields?.(session)?.dnsbl ?? '', /^unknown/);
});

test('clear and unknown are no word and no header', () => {
  for (const outcome of ['clear', 'unknown'] as const) {
    const check = checkOf(new FakePanel({ ...clear, outcome }));
    const session = sessionOf();
    assert.equal(word(check, session), undefined);
    assert.deepEqual(check.headers?.(session, { authenticated: false }), []);
  }
});

test('one list of a majority that is not reached marks nothing', () => {
  const session = sessionOf();
  const check = checkOf(new FakePanel({ ...listedIn(zones[0]!), outcome: 'clear' }), { reject: false });
  word(check, session);
  assert.deepEqual(check.headers?.(session, { authenticated: false }), []);
});

describe('when the answer takes a while', () => {
  test('asking starts at CONNECT, once a session, and RCPT waits for it', async () => {
    const panel = new FakePanel();
    const check = checkOf(panel);
    const session = sessionOf();
    check.prefetch?.(session);
    assert.deepEqual(panel.asked, ['now 203.0.113.7', '203.0.113.7']);
    const said = [check.run(envelopeOf({ session })), check.run(envelopeOf({ session, recipient: 'c@example.org' }))];
    assert.ok(said.every(promise => promise instanceof Promise));
    assert.deepEqual(check.logFields?.(session), { dnsbl: 'undecided' });
    panel.late.resolve(listedIn(zones[0]!));
    for (const late of await Promise.all(said)) assert.equal(reasonOf(late), 'dnsbl');
    assert.equal(reasonOf(word(check, session)), 'dnsbl');
    assert.equal(panel.asked.length, 2);
  });

  test('the end of a message whose recipients did not have to wait for it does', async () => {
    const panel = new FakePanel();
    const check = checkOf(panel, { reject: false });
    const session = sessionOf();
    check.prefetch?.(session);
    const headers = check.headers?.(session, { authenticated: false });
    assert.ok(headers instanceof Promise);
    assert.deepEqual(check.headers?.(session, { authenticated: true }), []);
    panel.late.resolve(listedIn(zones[0]!));
    assert.equal((await headers).length, 1);
    assert.deepEqual(check.headers?.(session, { authenticated: false }), await headers);
  });

  test('a session that CONNECT did not announce is asked about at RCPT', () => {
    const panel = new FakePanel();
    assert.ok(checkOf(panel).run(envelopeOf()) instanceof Promise);
    assert.deepEqual(panel.asked, ['now 203.0.113.7', '203.0.113.7']);
  });

  test('each session has a ballot of its own', () => {
    const panel = new FakePanel(clear);
    const check = checkOf(panel);
    for (const ip of ['203.0.113.7', '203.0.113.7', '2001:db8::7']) word(check, sessionOf({ ip }));
    assert.deepEqual(panel.asked, ['now 203.0.113.7', 'now 203.0.113.7', 'now 2001:db8::7']);
  });
});

test('addresses that mean something else elsewhere are never asked about, whatever the session', () => {
  const panel = new FakePanel(listedIn(zones[0]!));
  const check = checkOf(panel);
  const clients = [
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '100.64.0.1',
    '169.254.0.1',
    '::1',
    'fe80::1',
    'fc00::1',
    '198.18.0.1',
    '240.0.0.1',
  ];
  for (const session of [
    ...clients.map(ip => sessionOf({ ip })),
    sessionOf({ address: undefined, transport: 'unix' }),
  ]) {
    check.prefetch?.(session);
    assert.equal(word(check, session), undefined);
    assert.deepEqual(check.headers?.(session, { authenticated: false }), []);
  }
  assert.deepEqual(panel.asked, []);
});

test('a message that makes no sense is refused when the check is made', () => {
  const zone = Zone.parse({ zone: 'bl.example.org', message: 'Go away, {NAME}' });
  assert.throws(
    () => checkOf(new FakePanel(), { list: [zone] }),
    (error: unknown) => error instanceof TemplateError && /message of bl\.example\.org.*\{NAME\}/.test(error.message),
  );
});

describe('in the policy', () => {
  test('whitelisted, local and originating clients are never asked about', async () => {
    const panel = new FakePanel(listedIn(zones[0]!));
    const checks = [localCheck(), whitelistCheck(tableOf('198.51.100.0/24')), exemptCheck(), checkOf(panel)];
    const { policy } = benchOf(checks);
    const sessions = [{ ip: '198.51.100.9' }, { ip: '10.0.0.1' }, { daemonName: 'ORIGINATING' }].map(sessionOf);
    for (const session of sessions) {
      policy.connect(session);
      assert.doesNotMatch(await decide(policy, { session }), /dnsbl/);
      await policy.endOfMessage(session, await decideAll(policy, ['b@example.org'], { session }));
    }
    assert.deepEqual(panel.asked, []);
  });

  test('postmaster and abuse are reached by listed clients, with a mark; everyone else is not', async () => {
    const { policy } = benchOf([localCheck(), exemptCheck(), checkOf(new FakePanel(listedIn(zones[0]!)))]);
    const session = sessionOf();
    policy.connect(session);
    const recipients = ['Postmaster@example.org', 'abuse', 'user@example.org'];
    const decisions = await decideAll(policy, recipients, { session });
    assert.deepEqual(
      decisions.map(({ verdict }) => `${verdict.action} ${verdict.reason}`),
      ['accept exempt', 'accept exempt', 'reject dnsbl'],
    );
    const message = await policy.endOfMessage(session, decisions.slice(0, 2));
    assert.ok(message.action === 'accept');
    assert.deepEqual(message.headers, [{ name: 'X-RBL-Warning', value: '203.0.113.7 found in zen.spamhaus.org' }]);
  });

  test('a message to postmaster alone waits for its mark, but no longer than 3 s', async () => {
    for (const answers of [true, false]) {
      const panel = new FakePanel();
      const { policy, timers } = benchOf([exemptCheck(), checkOf(panel)]);
      const session = sessionOf();
      policy.connect(session);
      const decisions = await decideAll(policy, ['postmaster@example.org'], { session });
      const end = policy.endOfMessage(session, decisions);
      await timers.advance(2_400);
      if (answers) panel.late.resolve(listedIn(zones[0]!));
      else await timers.advance(600);
      const message = await end;
      assert.ok(message.action === 'accept');
      assert.equal(message.headers.length, answers ? 1 : 0);
    }
  });

  test('a panel that never answers gives no word after 3 s, and the greylist goes on', async () => {
    const { policy, timers, lines } = benchOf([checkOf(new FakePanel())]);
    const session = sessionOf();
    policy.connect(session);
    const said = decide(policy, { session });
    await timers.advance(3_000);
    assert.equal(await said, 'greylist new');
    assert.equal(lines.length, 1);
  });

  test('a panel that fails gives no word and stops nobody', async () => {
    const panel = new FakePanel();
    const { policy, lines } = benchOf([checkOf(panel)]);
    const session = sessionOf();
    policy.connect(session);
    panel.late.reject(new Error('broken'));
    await panel.late.promise.catch(() => {});
    assert.equal(await decide(policy, { session }), 'greylist new');
    assert.equal(lines.length, 1);
  });
});
