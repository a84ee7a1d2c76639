import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../../../src/dnsbl/result.ts';
import { Zone } from '../../../src/dnsbl/zone.ts';
import type { Envelope, Session } from '../../../src/policy/envelope.ts';
import type { Evidence } from '../../../src/policy/rules/evidence.ts';
import type { Conditions } from '../../../src/policy/rules/rule.ts';
import { parseTimeSpan } from '../../../src/policy/rules/time-span.ts';
import type { SpfResult } from '../../../src/spf/spf.ts';
import { envelopeOf, sessionOf } from '../support.ts';
import {
  accept,
  ask,
  bookOf,
  clients,
  defer,
  evidenceOf,
  greylist,
  helos,
  names,
  recipients,
  reject,
  ruleOf,
  senders,
  users,
  words,
} from './support.ts';

type Row = readonly [what: string, conditions: Conditions, envelope: Partial<Envelope>, holds: boolean];

const from = (session: Partial<Session> & { ip?: string }): Partial<Envelope> => ({ session: sessionOf(session) });
const macros = (values: Readonly<Record<string, string>>): Partial<Envelope> => ({
  macros: { get: name => values[name] },
});
const encrypted = macros({
  tls_version: 'TLSv1.3',
  cipher: 'AES256',
  cipher_bits: '256',
  cert_subject: 'mx.a.example',
});

const rows: readonly Row[] = [
  ['an address in the network', clients('203.0.113.0/24'), from({ ip: '203.0.113.7' }), true],
  ['an address outside it', clients('203.0.113.0/25'), from({ ip: '203.0.113.200' }), false],
  ['a client without an address', clients('0.0.0.0/0'), from({ address: undefined }), false],
  ['the sender as named, in any case', senders('Ann@Example.NET'), { sender: 'aNN@example.net' }, true],
  ['the sender with +ext where the rule has none', senders('ann@a.example'), { sender: 'ann+x@a.example' }, true],
  ['another +ext than the rule has', senders('ann+y@a.example'), { sender: 'ann+x@a.example' }, false],
  ['no +ext where the rule has one', senders('ann+y@a.example'), { sender: 'ann@a.example' }, false],
  ['a sender in the domain', senders('@a.example'), { sender: 'x@a.example' }, true],
  ['a sender below a domain that is meant alone', senders('@a.example'), { sender: 'x@b.a.example' }, false],
  ['a sender below a domain with all below it', senders('@.a.example'), { sender: 'x@b.a.example' }, true],
  ['a sender in a domain with all below it', senders('@.a.example'), { sender: 'x@a.example' }, true],
  ['a domain that only ends alike', senders('@.a.example'), { sender: 'x@ba.example' }, false],
  ['the null sender', senders('<>'), { sender: '' }, true],
  ['the null sender for any domain', senders('@a.example', 'x@'), { sender: '' }, false],
  ['a local part in any domain', recipients('sales@'), { recipient: 'Sales+5@b.example' }, true],
  ['a quoted local part that needs no quotes', recipients('sales@b.example'), { recipient: '"sales"@b.example' }, true],
  ['a recipient without a domain', recipients('postmaster@'), { recipient: 'postmaster' }, true],
  ['a domain in letters of its own', senders('@bücher.example'), { sender: 'x@xn--bcher-kva.example' }, true],
  ['a regular expression, found anywhere in any case', senders('/^BOT\\d+@/'), { sender: 'bot12@a.example' }, true],
  ['HELO as named', helos('mx.a.example'), { helo: 'MX.a.example.' }, true],
  ['HELO as a suffix that is no whole label', helos('.gle.example'), { helo: 'google.example' }, false],
  ['HELO as an address literal', helos('[192.0.2.1]'), { helo: '[192.0.2.1]' }, true],
  ['no HELO yet', helos('/./'), { helo: undefined }, false],
  ['logged in', { auth: true }, { authenticated: 'ann' }, true],
  ['not logged in', { auth: true }, {}, false],
  ['not logged in, as wanted', { auth: false }, {}, true],
  ['logged in as named', users('ann'), { authenticated: 'ann' }, true],
  ['logged in as named but for the case', users('ann'), { authenticated: 'Ann' }, false],
  ['encrypted', { tls: true }, encrypted, true],
  ['not encrypted', { tls: true }, {}, false],
  ['not encrypted, as wanted', { tls: false }, {}, true],
  ['encrypted well enough', { tls: { version: words('TLSv1.3', 'TLSv1.2'), bits: 256 } }, encrypted, true],
  ['encrypted too weakly', { tls: { bits: 257 } }, encrypted, false],
  ['the name in the certificate', { tls: { subject: words('/\\.a\\.example$/') } }, encrypted, true],
  ['a macro of that value', { macro: { daemon_name: words('MTA') } }, macros({ daemon_name: 'MTA' }), true],
  ['a macro of another value', { macro: { daemon_name: words('MTA') } }, macros({ daemon_name: 'mta' }), false],
  ['a macro that is set', { macro: { x: true } }, macros({ x: '1' }), true],
  ['a macro that is set to nothing', { macro: { x: true } }, macros({ x: '' }), false],
  ['a macro that is not set, as wanted', { macro: { x: false } }, {}, true],
  ['all conditions', { ...clients('203.0.113.7'), ...senders('@a.example') }, { sender: 'x@a.example' }, true],
  ['not all conditions', { ...clients('203.0.113.8'), ...senders('@a.example') }, { sender: 'x@a.example' }, false],
  ['what must not hold', { not: [senders('@a.example')] }, { sender: 'x@a.example' }, false],
  [
    'all of what must not hold together',
    { not: [{ ...senders('@a.example'), auth: true }] },
    { sender: 'x@a.example' },
    true,
  ],
  [
    'one of several that must not hold',
    { not: [senders('@b.example'), senders('@a.example')] },
    { sender: 'x@a.example' },
    false,
  ],
  ['no condition at all', {}, {}, true],
];

for (const [what, conditions, fields, holds] of rows) {
  test(`${what}: ${holds ? 'holds' : 'does not hold'}`, async () => {
    assert.equal(await ask(bookOf([ruleOf(conditions, accept)]), envelopeOf(fields)), holds ? 'accept r0' : 'nothing');
  });
}

const zone = 'mx.a.example A 203.0.113.7\nbroken.a.example FAIL servfail\nforged.a.example A 198.51.100.1';
const named = (name: string): Envelope => envelopeOf({ session: sessionOf({ name }) });

test('a client name holds if it leads back to the address, or if nobody is to ask', async () => {
  const book = bookOf([ruleOf(names('.a.example'), accept)]);
  const evidence = evidenceOf({ zone });
  assert.equal(await ask(book, named('mx.a.example'), evidence), 'accept r0');
  assert.equal(await ask(book, named('forged.a.example'), evidence), 'nothing');
  assert.equal(await ask(book, named('mx.xa.example'), evidence), 'nothing');
  const trusting = bookOf([ruleOf({ ...names('.a.example'), unverified: true }, accept)]);
  assert.equal(await ask(trusting, named('forged.a.example'), evidence), 'accept r0');
});

test('a macro that nobody asked for is neither set nor not set', async () => {
  const macros = { get: () => undefined, isAsked: (name: string) => name !== 'x' };
  for (const wanted of [true, false, words('1')]) {
    const book = (action: Parameters<typeof ruleOf>[1]) => bookOf([ruleOf({ macro: { x: wanted } }, action)]);
    assert.equal(await ask(book(reject), envelopeOf({ macros })), 'advice undecided r0');
    assert.equal(await ask(book(accept), envelopeOf({ macros })), 'advice doubt r0');
  }
  const known = bookOf([ruleOf({ macro: { y: false } }, reject)]);
  assert.equal(await ask(known, envelopeOf({ macros })), 'reject r0');
});

test('a name that can not be looked up is a doubt, unless the rule would have refused', async () => {
  const evidence = evidenceOf({ zone });
  const ask1 = (...rules: Parameters<typeof bookOf>[0]) => ask(bookOf(rules), named('broken.a.example'), evidence);
  assert.equal(await ask1(ruleOf(names('.a.example'), accept)), 'advice doubt r0');
  assert.equal(await ask1(ruleOf(names('.a.example'), greylist)), 'advice doubt r0');
  assert.equal(await ask1(ruleOf(names('.a.example'), defer)), 'advice doubt r0');
  assert.equal(await ask1(ruleOf(names('.a.example'), reject)), 'advice undecided r0');
  assert.equal(await ask1(ruleOf(names('.a.example'), accept, { monitor: true })), 'nothing');
});

test('in doubt later rules refuse nobody, but may say anything else', async () => {
  const evidence = evidenceOf({ zone });
  const doubtful = ruleOf(names('.a.example'), accept);
  const book = bookOf([doubtful, ruleOf({}, reject), ruleOf({}, greylist)]);
  assert.equal(await ask(book, named('broken.a.example'), evidence), 'greylist r2 doubt r0');
  const word = await bookOf([doubtful, ruleOf({}, reject)]).judge(named('broken.a.example'), evidence);
  assert.equal(word?.action === 'advise' && word.doubt, true);
  assert.equal(word?.action === 'advise' && word.withheld, 'rule');
});

test('of very many rules in doubt the first are told', async () => {
  const book = bookOf(Array.from({ length: 1_000 }, () => ruleOf(names('.a.example'), accept)));
  const word = await book.judge(named('broken.a.example'), evidenceOf({ zone }));
  assert.match(word?.fields?.doubt ?? '', /^r0, r1, r2, .*, …$/);
  assert.ok((word?.fields?.doubt ?? '').length < 220);
});

test('a client whose name the mail server could not look up may have the name', async () => {
  const session = sessionOf({ name: '[203.0.113.7]' });
  const book = bookOf([ruleOf(names('.a.example'), accept)]);
  const asked = (value: string) => ask(book, envelopeOf({ session, ...macros({ client_resolve: value }) }));
  assert.equal(await asked('TEMP'), 'advice doubt r0');
  assert.equal(await asked('FAIL'), 'nothing');
});

test('nobody is refused for want of a name that could not be found out, where the mail server leaves it open', async () => {
  const book = bookOf([ruleOf({ not: [names('.a.example')] }, reject)]);
  const pointed = (records: string) => evidenceOf({ zone: `${zone}\n7.113.0.203.in-addr.arpa ${records}` });
  const asked = (evidence: Evidence, more = {}) =>
    ask(book, envelopeOf({ session: sessionOf({ name: 'unknown' }), ...more }), evidence);
  assert.equal(await asked(evidenceOf({ zone })), 'reject r0');
  assert.equal(await asked(pointed('FAIL servfail')), 'advice undecided r0');
  assert.equal(await asked(pointed('PTR mx.a.example')), 'advice undecided r0', 'found by now');
  assert.equal(await asked(pointed('PTR broken.a.example')), 'advice undecided r0');
  assert.equal(await asked(pointed('PTR forged.a.example')), 'reject r0');
  // Sendmail has told.
  assert.equal(await asked(pointed('FAIL servfail'), macros({ client_resolve: 'FAIL' })), 'reject r0');
  assert.equal(await asked(evidenceOf({ zone }), macros({ client_resolve: 'TEMP' })), 'advice undecided r0');
});

test('nobody is refused for want of an SPF result or a vote that was not looked up; anything else may be done', async () => {
  const missing: readonly Conditions[] = [{ spf: ['pass'] }, wanted({ outcomes: ['clear'] })];
  for (const not of missing) {
    assert.equal(await ask(bookOf([ruleOf({ not: [not] }, reject)]), envelopeOf()), 'advice undecided r0');
    assert.equal(await ask(bookOf([ruleOf({ not: [not] }, accept)]), envelopeOf()), 'accept r0');
    assert.equal(
      await ask(bookOf([ruleOf({ not: [not], ...senders('@a.example') }, reject)]), envelopeOf()),
      'nothing',
    );
  }
});

test('only who goes by a name that a rule has is looked up, and early', () => {
  const book = bookOf([ruleOf(names('.a.example'), accept), ruleOf({ not: [names('/^mx\\./')] }, reject)]);
  assert.equal(book.mayAskName(sessionOf({ name: 'x.a.example' })), true);
  assert.equal(book.mayAskName(sessionOf({ name: 'mx.b.example' })), true);
  assert.equal(book.mayAskName(sessionOf({ name: 'x.b.example' })), false);
  assert.equal(book.mayAskName(sessionOf({ name: '[203.0.113.7]' })), false);
});

const spfRows: readonly (readonly [SpfResult | undefined, readonly SpfResult[], string])[] = [
  ['fail', ['fail', 'softfail'], 'accept r0'],
  ['pass', ['fail', 'softfail'], 'nothing'],
  ['temperror', ['fail'], 'advice doubt r0'],
  ['temperror', ['temperror'], 'accept r0'],
  [undefined, ['none'], 'nothing'],
];
for (const [result, spf, expected] of spfRows) {
  test(`SPF ${result ?? 'not looked up'} where a rule names ${spf.join(', ')}: ${expected}`, async () => {
    const book = bookOf([ruleOf({ spf }, accept)]);
    assert.equal(await ask(book, envelopeOf(), evidenceOf({ spf: () => result })), expected);
    if (result === undefined) return;
    assert.equal(await ask(book, envelopeOf(), evidenceOf({ spf: async () => result })), expected);
  });
}

const zones = ['a.test', 'b.test*2', 'c.test'].map(text => Zone.parse({ zone: text }));
const listedBy = (score: number) => ({ vote: 'listed', codes: ['127.0.0.2'], score }) as const;
const clear = { vote: 'clear' } as const;
const silent = { vote: 'abstain', cause: 'timeout' } as const;
type Votes = Result['words'][number]['vote'][];
const ballot = (outcome: Result['outcome'], votes: Votes): Result => ({
  outcome,
  words: zones.map((each, index) => ({ zone: each, vote: votes[index] })),
  listing: [],
});
const wanted = (more: object): Conditions => ({ dnsbl: { outcomes: [], zones: [], ...more } });

const dnsblRows: readonly (readonly [string, Conditions, Result | undefined, string])[] = [
  ['listed', wanted({ outcomes: ['listed'] }), ballot('listed', [listedBy(1), clear, clear]), 'accept r0'],
  ['listed, not known', wanted({ outcomes: ['listed'] }), ballot('unknown', [silent, clear, clear]), 'advice doubt r0'],
  ['clear', wanted({ outcomes: ['clear'] }), ballot('clear', [clear, clear, clear]), 'accept r0'],
  ['clear, where nobody is asked', wanted({ outcomes: ['clear'] }), undefined, 'nothing'],
  ['a zone that lists', wanted({ zones: ['b.test'] }), ballot('listed', [clear, listedBy(2), clear]), 'accept r0'],
  ['a zone that does not', wanted({ zones: ['a.test'] }), ballot('listed', [clear, listedBy(2), clear]), 'nothing'],
  ['a silent zone', wanted({ zones: ['a.test'] }), ballot('listed', [silent, listedBy(2), clear]), 'advice doubt r0'],
  ['two listings', wanted({ listings: 2 }), ballot('listed', [listedBy(1), listedBy(2), silent]), 'accept r0'],
  ['three listings of two', wanted({ listings: 3 }), ballot('listed', [listedBy(1), listedBy(2), clear]), 'nothing'],
  [
    'three listings, one silent',
    wanted({ listings: 3 }),
    ballot('listed', [listedBy(1), listedBy(2), silent]),
    'advice doubt r0',
  ],
  ['a score of 3', wanted({ score: 3 }), ballot('listed', [listedBy(1), listedBy(2), silent]), 'accept r0'],
  [
    'a score of 4 that a silent zone could bring',
    wanted({ score: 4 }),
    ballot('listed', [listedBy(1), listedBy(2), silent]),
    'advice doubt r0',
  ],
  [
    'a score of 5 that nothing can bring',
    wanted({ score: 5 }),
    ballot('listed', [listedBy(1), listedBy(2), silent]),
    'nothing',
  ],
];
for (const [what, conditions, result, expected] of dnsblRows) {
  test(`DNSBL, ${what}: ${expected}`, async () => {
    const book = bookOf([ruleOf(conditions, accept)]);
    assert.equal(await ask(book, envelopeOf(), evidenceOf({ ballot: () => result })), expected);
    if (result === undefined) return;
    assert.equal(await ask(book, envelopeOf(), evidenceOf({ ballot: async () => result })), expected);
  });
}

test('a time is that of the question, in local time', async () => {
  const book = bookOf([ruleOf({ time: [parseTimeSpan('mon-fri 08:00-18:00')] }, accept)]);
  const at = (...date: [number, number, number, number, number]) =>
    evidenceOf({ now: () => new Date(...date).getTime() });
  assert.equal(await ask(book, envelopeOf(), at(2026, 10, 20, 8, 0)), 'accept r0');
  assert.equal(await ask(book, envelopeOf(), at(2026, 10, 20, 18, 0)), 'nothing');
  assert.equal(await ask(book, envelopeOf(), at(2026, 10, 21, 9, 0)), 'nothing');
});
