import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../../../src/dnsbl/result.ts';
import { rulesCheck } from '../../../src/policy/checks/rules.ts';
import { createClientNames } from '../../../src/policy/client-name.ts';
import { macrosOf } from '../../../src/policy/rules/needs.ts';
import type { Rule } from '../../../src/policy/rules/rule.ts';
import { createSessionBallots } from '../../../src/policy/session-ballots.ts';
import { FakeResolver } from '../../support/fake-resolver.ts';
import { FixedClock } from '../../support/fixed-clock.ts';
import {
  accept,
  bookOf,
  clients,
  greylist,
  names,
  recipients,
  reject,
  ruleOf,
  senders,
  words,
} from '../rules/support.ts';
import { benchOf, checkOf, decide, envelopeOf, FakeGreylist, rejecting, sessionOf } from '../support.ts';

const listed: Result = { outcome: 'listed', words: [], listing: [] };
const dnsbl = { dnsbl: { outcomes: ['listed' as const], zones: [] } };

function rig(rules: readonly Rule[]) {
  const resolver = new FakeResolver('mx.a.example A 203.0.113.7');
  let ballots = 0;
  const panel = {
    decideNow: () => undefined,
    decide: async () => {
      ballots++;
      return listed;
    },
    review: (_: unknown, result: Result) => result,
  };
  const check = rulesCheck({
    book: bookOf(rules),
    clock: new FixedClock(),
    names: createClientNames(resolver),
    ballots: createSessionBallots(panel),
    originating: ['ORIGINATING'],
  });
  return { check, resolver, ballots: () => ballots };
}

test('what rules will look up begins at CONNECT, once a session', async () => {
  const { check, resolver, ballots } = rig([ruleOf({ ...names('.a.example'), ...dnsbl }, reject)]);
  const session = sessionOf({ name: 'mx.a.example' });
  const { policy } = benchOf([check]);
  policy.connect(session);
  assert.deepEqual([resolver.queries, ballots()], [['A mx.a.example'], 1]);
  assert.equal(await decide(policy, { session }), 'reject rule');
  assert.deepEqual([resolver.queries, ballots()], [['A mx.a.example'], 1]);
});

test('blocklists are not asked for who has logged in, nor on listeners for our own users, where rules hold all the same', async () => {
  const { check, ballots } = rig([ruleOf(dnsbl, reject), ruleOf(senders('@a.example'), accept)]);
  const { policy } = benchOf([check]);
  const session = sessionOf({ daemonName: 'ORIGINATING' });
  policy.connect(session);
  assert.equal(await decide(policy, { session, sender: 'x@a.example' }), 'accept rule');
  assert.equal(ballots(), 0);
  assert.equal(await decide(policy, { authenticated: 'ann', sender: 'x@a.example' }), 'accept rule');
  assert.equal(ballots(), 0);
});

test('a rule hands to the greylist, past what would refuse, with its own wait', async () => {
  const asked = new FakeGreylist();
  const slow = { action: 'greylist', delay: 3_600_000, reply: 'Wait {WAIT} for {RECIPIENT}' } as const;
  const { check } = rig([ruleOf(senders('@a.example'), slow)]);
  const { policy } = benchOf([check, checkOf('dnsbl', () => rejecting())], { greylist: asked });
  const { verdict, fields } = await policy.recipient(envelopeOf({ sender: 'x@a.example' }));
  assert.equal(verdict.action === 'greylist' && verdict.reply.text, 'Wait 300 for b@example.org');
  assert.equal(asked.terms[0]?.delay, 3_600_000);
  assert.equal(fields.rule, 'r0');
});

test('a rule that accepts by address settles the session, unless one before it could say anything else', () => {
  const byAddress = ruleOf(clients('203.0.113.0/24'), accept);
  const settled = (...rules: readonly Rule[]) =>
    benchOf([rig(rules).check]).policy.settledAtConnect(sessionOf())?.reason;
  assert.equal(settled(byAddress), 'rule');
  assert.equal(settled(ruleOf(recipients('b@'), accept), byAddress), 'rule');
  assert.equal(settled(ruleOf({ ...clients('198.51.100.0/24'), ...recipients('b@') }, reject), byAddress), 'rule');
  assert.equal(settled(ruleOf(recipients('b@'), reject), byAddress), undefined);
  assert.equal(settled(ruleOf(recipients('b@'), greylist), byAddress), undefined);
  assert.equal(settled(ruleOf(recipients('b@'), accept, { monitor: true }), byAddress), undefined);
  assert.equal(settled(ruleOf({}, undefined, { headers: [{ name: 'X', value: 'x' }] }), byAddress), undefined);
  assert.equal(settled(ruleOf({ time: [] }, reject), byAddress), undefined);
  assert.equal(settled(ruleOf(clients('203.0.113.7'), reject), byAddress), undefined);
});

test('rules tell which macros they look at, also within `not`', () => {
  const rules = [
    ruleOf({ tls: true, macro: { daemon_name: words('MTA') } }, accept),
    ruleOf({ not: [{ ...names('.a.example'), macro: { daemon_name: true, client_port: true } }] }, accept),
  ];
  assert.deepEqual(
    new Set(macrosOf(rules)),
    new Set([
      'daemon_name',
      'client_port',
      'client_resolve',
      'tls_version',
      'cipher',
      'cipher_bits',
      'cert_subject',
      'cert_issuer',
    ]),
  );
  assert.deepEqual(macrosOf([ruleOf(senders('a@'), accept)]), []);
});
