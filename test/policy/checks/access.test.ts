import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pattern } from '../../../src/lists/pattern.ts';
import { parseMailPattern, parseNamePattern } from '../../../src/lists/pattern.ts';
import { parseTripleLine } from '../../../src/lists/triple.ts';
import { parseNetwork } from '../../../src/net/network.ts';
import { AccessList, type ListEntries, noEntries } from '../../../src/policy/access-list.ts';
import { refusalCheck } from '../../../src/policy/checks/blacklist.ts';
import { welcomeCheck } from '../../../src/policy/checks/whitelist.ts';
import { createClientNames } from '../../../src/policy/client-name.ts';
import type { Envelope } from '../../../src/policy/envelope.ts';
import { FakeResolver } from '../../support/fake-resolver.ts';
import { noFiles } from '../rules/support.ts';
import { benchOf, checkOf, decide, envelopeOf, rejecting, replies, sessionOf } from '../support.ts';

const zone = 'mx.good.example A 203.0.113.7\nbroken.good.example FAIL servfail\nforged.good.example A 198.51.100.1';
const patterns = (read: (text: string) => Pattern, ...texts: readonly string[]) => ({
  values: texts.map(read),
  files: [],
});
const triples = (...lines: readonly string[]) => ({ triples: { values: lines.map(parseTripleLine), files: [] } });

function listOf(more: Partial<ListEntries>): AccessList {
  return new AccessList('whitelist', { ...noEntries, ...more }, noFiles);
}

const names = () => createClientNames(new FakeResolver(zone));
const named = (name: string): Partial<Envelope> => ({ session: sessionOf({ name }) });
const white = (list: AccessList, fields: Partial<Envelope>): Promise<string> =>
  decide(benchOf([welcomeCheck(list, names())]).policy, fields);

const kamaelia = triples(
  '203.0.113.7 ann@good.example b@example.org',
  '203.0.113.0/24 <> b@example.org',
  '203.0.113.0/24 helo=mx.good.example c@example.org',
  '203.0.113.0/24 name=.good.example d@example.org',
);
const triple = (sender: string, recipient: string, more: Partial<Envelope> = {}): Partial<Envelope> => ({
  sender,
  recipient,
  ...more,
});

type Row = readonly [what: string, list: Partial<ListEntries>, envelope: Partial<Envelope>, welcome: boolean];
const rows: readonly Row[] = [
  ['a client by address', { clients: { values: [parseNetwork('203.0.113.0/24')], files: [] } }, {}, true],
  ['a sender', { senders: patterns(parseMailPattern, '@good.example') }, { sender: 'x@good.example' }, true],
  ['another sender', { senders: patterns(parseMailPattern, '@good.example') }, { sender: 'x@bad.example' }, false],
  ['a recipient', { recipients: patterns(parseMailPattern, 'b@') }, { recipient: 'b+x@example.org' }, true],
  ['a name that leads back', { names: patterns(parseNamePattern, '.good.example') }, named('mx.good.example'), true],
  ['a forged name', { names: patterns(parseNamePattern, '.good.example') }, named('forged.good.example'), false],
  [
    'a forged name that is to be taken as it is',
    { names: patterns(parseNamePattern, '.good.example'), unverified: true },
    named('forged.good.example'),
    true,
  ],
  ['a triple', kamaelia, triple('Ann@good.example', 'b@example.org'), true],
  ['a triple with another recipient', kamaelia, triple('ann@good.example', 'c@example.org'), false],
  ['a triple with another sender', kamaelia, triple('bob@good.example', 'b@example.org'), false],
  [
    'a triple from another address',
    kamaelia,
    triple('ann@good.example', 'b@example.org', { session: sessionOf({ ip: '203.0.113.8' }) }),
    false,
  ],
  ['a triple with the null sender', kamaelia, triple('', 'b@example.org'), true],
  [
    'a triple by HELO, whoever the sender is',
    kamaelia,
    triple('x@y.example', 'c@example.org', { helo: 'mx.good.example' }),
    true,
  ],
  ['a triple by HELO that says another name', kamaelia, triple('x@y.example', 'c@example.org', { helo: 'mx' }), false],
  ['a triple by name', kamaelia, triple('x@y.example', 'd@example.org', named('mx.good.example')), true],
  ['a triple by forged name', kamaelia, triple('x@y.example', 'd@example.org', named('forged.good.example')), false],
];
for (const [what, list, fields, welcome] of rows) {
  test(`${what} is ${welcome ? 'welcome' : 'a stranger'}`, async () => {
    assert.match(
      await white(listOf(list), fields),
      welcome ? /^accept whitelist$/ : /^(greylist new|accept end-of-message)$/,
    );
  });
}

test('the log tells where it is listed', async () => {
  const list = listOf({ senders: patterns(parseMailPattern, '@good.example') });
  const decision = await benchOf([welcomeCheck(list, names())]).policy.recipient(
    envelopeOf({ sender: 'x@good.example' }),
  );
  assert.equal(decision.fields.list, 'whitelist.senders');
});

test('who may be welcome by a name that can not be looked up is refused by nobody', async () => {
  const list = listOf({ names: patterns(parseNamePattern, '.good.example') });
  const { policy } = benchOf([welcomeCheck(list, names()), checkOf('dnsbl', () => rejecting())]);
  const decision = await policy.recipient(envelopeOf(named('broken.good.example')));
  assert.equal(decision.verdict.action, 'greylist');
  assert.deepEqual([decision.withheld, decision.fields.doubt], ['dnsbl', 'whitelist']);
});

test('the blacklist refuses by all that it lists, but not for a name that is not confirmed', async () => {
  const list = listOf({
    senders: patterns(parseMailPattern, '@bad.example'),
    names: patterns(parseNamePattern, '.good.example'),
  });
  const { policy } = benchOf([refusalCheck(list, names(), replies)]);
  assert.equal(await decide(policy, { sender: 'x@bad.example' }), 'reject blacklist');
  assert.equal(await decide(policy, named('mx.good.example')), 'reject blacklist');
  assert.equal(await decide(policy, named('forged.good.example')), 'greylist new');
  assert.equal(await decide(policy, named('broken.good.example')), 'greylist new');
});

test('a blacklist of senders keeps later checks from settling a session by its address', () => {
  const network = { clients: { values: [parseNetwork('203.0.113.7')], files: [] } };
  const bySender = listOf({ senders: patterns(parseMailPattern, '@bad.example') });
  const white = welcomeCheck(listOf(network), names());
  assert.equal(
    benchOf([refusalCheck(bySender, names(), replies), white]).policy.settledAtConnect(sessionOf()),
    undefined,
  );
  assert.equal(
    benchOf([refusalCheck(listOf({}), names(), replies), white]).policy.settledAtConnect(sessionOf())?.reason,
    'whitelist',
  );
  assert.equal(
    benchOf([white, refusalCheck(bySender, names(), replies)]).policy.settledAtConnect(sessionOf())?.reason,
    'whitelist',
  );
});
