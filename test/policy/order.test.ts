import assert from 'node:assert/strict';
import { test } from 'node:test';
import { places, standardChecks } from '../../src/policy/checks/standard.ts';
import type { Envelope } from '../../src/policy/envelope.ts';
import { benchOf, checkOf, decide, FakeGreylist, known, rejecting, replies, sessionOf, tableOf } from './support.ts';

/** Traits of a recipient that make one check speak. Each row of the table combines some of them. */
type Trait = 'local' | 'authenticated' | 'refused' | 'white' | 'black' | 'exempt' | 'listed' | 'null';

const traits: readonly Trait[] = ['refused', 'authenticated', 'local', 'white', 'black', 'exempt', 'listed', 'null'];

/** In the order of the policy: whoever has the trait that stands first gets this verdict. */
const verdicts: Readonly<Record<Trait, string>> = {
  refused: 'accept rejected-by-mta',
  authenticated: 'accept authenticated',
  local: 'accept local-client',
  white: 'accept whitelist',
  black: 'reject blacklist',
  exempt: 'accept exempt',
  listed: 'reject dnsbl',
  null: 'accept end-of-message',
};

/** Whatever the traits, the lists know the client by either of its two addresses. */
async function verdictWith(has: ReadonlySet<Trait>): Promise<string> {
  const ip = has.has('local') ? '10.1.2.3' : '203.0.113.7';
  const checks = standardChecks({
    whitelist: has.has('white') ? tableOf(ip) : tableOf(),
    blacklist: has.has('black') ? tableOf(ip) : tableOf(),
    dnsbl: checkOf('dnsbl', () => (has.has('listed') ? rejecting('dnsbl') : undefined)),
    replies,
  });
  const fields: Partial<Envelope> = {
    session: sessionOf({ ip }),
    authenticated: has.has('authenticated') ? 'ann' : undefined,
    rejectedByMta: has.has('refused'),
    sender: has.has('null') ? '' : 'a@example.net',
    recipient: has.has('exempt') ? 'postmaster@example.org' : 'b@example.org',
  };
  return decide(benchOf(checks, { greylist: new FakeGreylist() }).policy, fields);
}

for (let mask = 0; mask < 1 << traits.length; mask++) {
  const has = traits.filter((_, bit) => (mask >> bit) & 1);
  const expected = has[0] === undefined ? 'greylist new' : verdicts[has[0]];
  test(`${has.join(', ') || 'nobody special'}: ${expected}`, async () => {
    assert.equal(await verdictWith(new Set(has)), expected);
  });
}

test('the built-in checks stand in the order of the policy', () => {
  const dnsbl = checkOf('dnsbl', () => undefined);
  const names = standardChecks({ whitelist: tableOf(), blacklist: tableOf(), dnsbl, replies }).map(({ name }) => name);
  assert.deepEqual(names, ['local', 'whitelist', 'blacklist', 'exempt', 'dnsbl']);
});

test('checks without a part are left out', () => {
  assert.deepEqual(
    standardChecks({ replies }).map(({ name }) => name),
    ['local', 'exempt'],
  );
});

test('a check that has given its verdict is the last one asked', async () => {
  const asked: string[] = [];
  const silent = (name: string) => checkOf(name, () => void asked.push(name));
  const speaking = checkOf('speaking', () => {
    asked.push('speaking');
    return rejecting();
  });
  const greylist = new FakeGreylist({ 'b@example.org': known });
  assert.equal(await decide(benchOf([silent('a'), speaking, silent('b')], { greylist }).policy), 'reject dnsbl');
  assert.deepEqual(asked, ['a', 'speaking']);
  assert.deepEqual(greylist.asked, []);
});

test('own checks stand in front of the rules, or where they are told to, present or not', () => {
  const rules = checkOf('rules', () => undefined);
  const own = (['first', 'second'] as const).map(name => ({ check: checkOf(name, () => undefined) }));
  const placed = places.map(before => ({ check: checkOf(`before-${before}`, () => undefined), before }));
  const learned = [checkOf('autowhite', () => undefined), checkOf('patience', () => undefined)];
  const names = standardChecks({ rules, learned, replies, own: [...own, ...placed] }).map(({ name }) => name);
  assert.deepEqual(names, [
    ...['local', 'first', 'second', 'before-rules', 'rules', 'before-whitelist', 'before-blacklist'],
    ...['before-exempt', 'exempt', 'before-dnsbl', 'before-opt', 'before-spf'],
    ...['before-learned', 'autowhite', 'patience', 'before-greylist'],
  ]);
});

test('whom a blocklist has refused is refused for recipients who opted out of greylisting too', async () => {
  const dnsbl = checkOf('dnsbl', () => rejecting());
  const opt = checkOf('opt', () => ({ action: 'accept', reason: 'opted-out' }));
  assert.equal(await decide(benchOf(standardChecks({ dnsbl, opt, replies })).policy), 'reject dnsbl');
  assert.equal(await decide(benchOf(standardChecks({ opt, replies })).policy), 'accept opted-out');
});

test('an own check is asked about strangers, and not about our own', async () => {
  const check = checkOf('ours', () => ({
    action: 'reject',
    reason: 'own-check',
    reply: { code: 554, enhanced: '5.7.1', text: 'No' },
  }));
  const { policy } = benchOf(standardChecks({ whitelist: tableOf('203.0.113.7'), replies, own: [{ check }] }));
  assert.equal(await decide(policy), 'reject own-check');
  assert.equal(await decide(policy, { authenticated: 'ann' }), 'accept authenticated');
  assert.equal(policy.settledAtConnect(sessionOf()), undefined, 'what it will say is open');
});
