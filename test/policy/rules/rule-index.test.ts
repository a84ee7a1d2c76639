import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Envelope, type Macros, noMacros, type Session } from '../../../src/policy/envelope.ts';
import { questionOf } from '../../../src/policy/question.ts';
import { compileConditions } from '../../../src/policy/rules/compile.ts';
import type { Conditions, Ending, Rule } from '../../../src/policy/rules/rule.ts';
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
  noFiles,
  recipients,
  reject,
  ruleOf,
  senders,
  users,
} from './support.ts';

const ips = ['192.0.2.1', '192.0.2.2', '192.0.2.129', '198.51.100.1', '2001:db8::1', '2001:db8:1::1'];
const networks = [
  '192.0.2.0/24',
  '192.0.2.0/25',
  '192.0.2.1',
  '0.0.0.0/0',
  '198.51.100.0/24',
  '2001:db8::/32',
  '2001:db8::1',
];
const mails = ['a@x.example', 'a+1@x.example', 'b@x.example', 'b@sub.x.example', 'c@y.example', '', 'postmaster'];
const mailPatterns = [
  'a@x.example',
  'a+1@x.example',
  '@x.example',
  '@.x.example',
  'b@',
  'a@',
  '<>',
  '@y.example',
  '/^b/',
];
const hosts = ['mx.x.example', 'x.example', 'mx.y.example', '[192.0.2.1]'];
const hostPatterns = ['mx.x.example', '.x.example', 'x.example', '.example', '/^mx/'];
const people = ['ann', 'bob'];

/** Every host has every address but one, so that some names are confirmed, some not, and one can't be asked about. */
const zone = `
  mx.x.example A 192.0.2.1 192.0.2.2 198.51.100.1
  mx.x.example AAAA 2001:db8::1
  x.example FAIL servfail
  mx.y.example A 192.0.2.129
`;

const some = (texts: readonly string[]) =>
  fc.subarray([...texts], { minLength: 1, maxLength: Math.min(3, texts.length) });
const single: Readonly<Record<string, fc.Arbitrary<Conditions>>> = {
  client: some(networks).map(picked => clients(...picked)),
  sender: some(mailPatterns).map(picked => senders(...picked)),
  recipient: some(mailPatterns).map(picked => recipients(...picked)),
  helo: some(hostPatterns).map(picked => helos(...picked)),
  name: fc.tuple(some(hostPatterns), fc.boolean()).map(([picked, unverified]) => ({ ...names(...picked), unverified })),
  auth: fc.oneof(
    fc.boolean().map(auth => ({ auth })),
    some(people).map(picked => users(...picked)),
  ),
};
/** One condition, or some together, which seldom hold. */
const flat: fc.Arbitrary<Conditions> = fc.oneof(
  ...Object.values(single),
  fc.record(single, { requiredKeys: [] }).map(parts => Object.assign({}, ...Object.values(parts)) as Conditions),
);
const conditions: fc.Arbitrary<Conditions> = fc
  .tuple(flat, fc.array(flat, { maxLength: 2 }))
  .map(([own, not]) => (not.length > 0 ? { ...own, not } : own));
const rule: fc.Arbitrary<Rule> = fc
  .tuple(conditions, fc.constantFrom<Ending | undefined>(accept, greylist, reject, defer, undefined), fc.boolean())
  .map(([given, ending, monitor]) =>
    ruleOf(given, ending, { monitor, headers: ending ? [] : [{ name: 'X', value: 'x' }] }),
  );

/** The MTA could not find out the client's name. */
const couldNotResolve: Macros = { get: name => (name === 'client_resolve' ? 'TEMP' : undefined) };

const envelope: fc.Arbitrary<Envelope> = fc
  .record({
    ip: fc.constantFrom(...ips),
    name: fc.constantFrom(...hosts),
    sender: fc.constantFrom(...mails),
    recipient: fc.constantFrom(...mails.filter(mail => mail !== '')),
    helo: fc.constantFrom(...hosts, undefined),
    authenticated: fc.constantFrom(...people, undefined, undefined),
    macros: fc.constantFrom(noMacros, couldNotResolve),
  })
  .map(({ ip, name, macros, ...fields }) => {
    const told = macros === couldNotResolve ? `[${ip}]` : name;
    return envelopeOf({ session: sessionOf({ ip, name: told }), macros, ...fields });
  });

/** What each rule says, asked one after the other without an index that could leave one out. */
async function oneByOne(rules: readonly Rule[], asked: Envelope): Promise<string> {
  const told = {
    rule: undefined as string | undefined,
    would: [] as string[],
    doubt: [] as string[],
    undecided: [] as string[],
    any: false,
  };
  const line = (action: string, named: string | undefined): string =>
    [
      action,
      named,
      told.would.length > 0 ? `would ${told.would.join(', ')}` : undefined,
      told.doubt.length > 0 ? `doubt ${told.doubt.join(', ')}` : undefined,
      told.undecided.length > 0 ? `undecided ${told.undecided.join(', ')}` : undefined,
    ]
      .filter(part => part !== undefined)
      .join(' ');
  for (const [index, each] of rules.entries()) {
    const name = `r${index}`;
    const truth = await compileConditions(each.conditions, noFiles, each.ending?.action === 'reject').holds(
      questionOf(asked),
      evidenceOf({ zone }),
    );
    const action = each.ending?.action;
    if (truth === false) continue;
    if (truth === undefined) {
      if (!each.monitor && action !== undefined) (action === 'reject' ? told.undecided : told.doubt).push(name);
      continue;
    }
    if (each.monitor) told.would.push(`${action ?? 'header'} by ${name} (rules:1)`);
    else if (action === undefined) [told.rule, told.any] = [name, true];
    else if (action !== 'reject' || told.doubt.length === 0) return line(action, name);
  }
  return told.any || told.would.length + told.doubt.length + told.undecided.length > 0
    ? line('advice', told.rule)
    : 'nothing';
}

test('what the index finds is what asking every rule in order finds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rule, { maxLength: 12 }), envelope, async (rules, asked) => {
      assert.equal(await ask(bookOf(rules), asked, evidenceOf({ zone })), await oneByOne(rules, asked));
    }),
    { numRuns: 600 },
  );
});

test('what the address settles is what every recipient is told, whatever comes after CONNECT', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(rule, { maxLength: 6 }),
      fc.array(envelope, { minLength: 1, maxLength: 6 }),
      async (rules, asked) => {
        const book = bookOf(rules);
        const session: Session = (asked[0] as Envelope).session;
        const settled = book.settles(session);
        for (const each of asked) {
          const said = await ask(book, { ...each, session }, evidenceOf({ zone }));
          if (settled === undefined) assert.match(said, /^(?:nothing|accept r\d+|advice doubt [r\d, ]+)$/);
          if (settled?.action === 'accept') assert.match(said, /^accept r\d+( doubt .*)?$/);
          if (settled?.action === 'reject') assert.match(said, /^(?:reject r\d+|accept r\d+.*|advice doubt .*)$/);
        }
      },
    ),
    { numRuns: 600 },
  );
});

test('a rule by name is doubted while the name can not be found out, so nothing behind it refuses', async () => {
  const rules = [ruleOf(names('.partner.example'), accept), ruleOf(clients('203.0.113.0/24'), reject)];
  const asked = envelopeOf({ session: sessionOf({ ip: '203.0.113.7', name: '[203.0.113.7]' }) });
  assert.equal(await ask(bookOf(rules), asked), 'reject r1');
  assert.equal(await ask(bookOf(rules), { ...asked, macros: couldNotResolve }), 'advice doubt r0');
});
