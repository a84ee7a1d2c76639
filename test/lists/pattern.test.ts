import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHeloPattern, parseMailPattern, parseNamePattern, parseWordPattern } from '../../src/lists/pattern.ts';
import { PatternError } from '../../src/lists/pattern-error.ts';
import { PatternTable } from '../../src/lists/pattern-table.ts';
import { MailSubject, NameSubject } from '../../src/lists/subject.ts';
import { processorTime } from '../support/processor-time.ts';

const wrong: readonly (readonly [read: (text: string) => unknown, text: string, expected: RegExp])[] = [
  [parseNamePattern, '*.example.com', /a leading dot does what \* is meant to do/],
  [parseNamePattern, '192.0.2.7', /this is an address/],
  [parseNamePattern, 'a..b', /expected a name/],
  [parseNamePattern, '-a.example', /expected a name/],
  [parseNamePattern, 'a@b', /expected a name/],
  [parseNamePattern, '/(/', /as RE2 takes it/],
  [parseNamePattern, '/(a)\\1/', /as RE2 takes it/],
  [parseNamePattern, `/${'a'.repeat(501)}/`, /may have 500 characters, this one has 501/],
  [
    parseNamePattern,
    '/(\\w{1,99}\\.){1,9}/',
    /may have 1000 steps, with its repetitions written out this one has \d{4}/,
  ],
  [parseNamePattern, '//', /between slashes/],
  [parseHeloPattern, '[300.1.1.1]', /expected a name/],
  [parseMailPattern, 'example.org', /for the domain write @example\.org, for the local part example\.org@/],
  [parseMailPattern, '*@example.org', /leave out what \* is meant to stand for/],
  [parseMailPattern, '<a@example.org>', /without spaces and angle brackets/],
  [parseMailPattern, 'a b@example.org', /without spaces/],
  [parseMailPattern, 'a@@example.org', /with one @$/],
  [parseMailPattern, 'a@b@example.org', /with one @$/],
  [parseMailPattern, 'a@ex_ample..org', /expected user@example\.org/],
  [parseMailPattern, '@', /expected user@example\.org/],
  [parseMailPattern, '@.', /expected user@example\.org/],
  [parseMailPattern, 'a@.example.org', /expected user@example\.org/],
  [parseWordPattern, '', /is empty/],
];
for (const [read, text, expected] of wrong) {
  test(`${read.name} refuses '${text.slice(0, 30)}' and says what was expected`, () => {
    assert.throws(
      () => read(text),
      (error: unknown) => error instanceof PatternError && expected.test(error.message),
    );
  });
}

test('a pattern has one form, however it is written', () => {
  assert.equal(parseNamePattern('MX.Example.NET.'), 'mx.example.net');
  assert.equal(parseNamePattern('.Example.NET'), '.example.net');
  assert.equal(parseNamePattern('bücher.example'), 'xn--bcher-kva.example');
  assert.equal(parseMailPattern('Ann@Example.NET.'), 'ann@example.net');
  assert.equal(parseMailPattern('"ann"@example.net'), 'ann@example.net');
  assert.doesNotThrow(() => parseMailPattern('"ann@home"@example.net'));
  assert.equal(parseMailPattern('Ann@'), 'ann@');
  assert.equal(parseMailPattern('@.Example.NET'), '@.example.net');
  assert.equal(parseHeloPattern('[IPv6:2001:DB8::1]'), '[ipv6:2001:db8::1]');
});

test('the Kelvin sign is no k: only ASCII letters are folded', () => {
  const table = new PatternTable<true>();
  table.add(parseMailPattern('k@example.org'), true);
  assert.equal(table.find(new MailSubject('\u212a@example.org')), undefined);
  assert.equal(table.find(new MailSubject('K@example.org')), true);
});

test('an expression that would make others backtrack for ever answers at once, and a long subject is cut', () => {
  const expression = parseWordPattern('/^(a+)+$/');
  assert.ok(typeof expression === 'object');
  const used = processorTime();
  assert.equal(expression.test(`${'a'.repeat(100_000)}!`), true, 'the first thousand characters count');
  assert.equal(expression.test(`${'a'.repeat(900)}!`), false);
  assert.ok(used() < 1_000);
});

const label = fc.constantFrom('a', 'b', 'mx');
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'));
const local = fc.constantFrom('a', 'b', 'a+x', 'b+x');
const mail = fc.oneof(
  fc.tuple(local, host).map(([user, domain]) => `${user}@${domain}`),
  fc.constantFrom('', 'a', 'b+x'),
);
const namePattern = fc.tuple(fc.boolean(), host).map(([below, name]) => (below ? `.${name}` : name));
const mailPattern = fc.oneof(
  fc.tuple(local, host).map(([user, domain]) => `${user}@${domain}`),
  host.map(domain => `@${domain}`),
  host.map(domain => `@.${domain}`),
  local.map(user => `${user}@`),
  fc.constant('<>'),
);

function nameHolds(pattern: string, name: string): boolean {
  return pattern.startsWith('.') ? `.${name}`.endsWith(pattern) : name === pattern;
}

function mailHolds(pattern: string, address: string): boolean {
  if (address === '' || pattern === '<>') return address === '' && pattern === '<>';
  const [user = '', domain = ''] = address.split('@');
  const [wantedUser = '', wantedDomain = ''] = pattern.split('@');
  const domainHolds =
    wantedDomain === '' || (domain !== '' && (domain === wantedDomain || nameHolds(wantedDomain, domain)));
  return domainHolds && (wantedUser === '' || wantedUser === user || wantedUser === user.split('+')[0]);
}

test('a table of names finds what any of its patterns holds, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(namePattern), host, (patterns, name) => {
      const table = new PatternTable<string>();
      for (const pattern of patterns) table.add(parseNamePattern(pattern), pattern);
      const found = table.find(new NameSubject(name));
      const holding = patterns.filter(pattern => nameHolds(pattern, name));
      assert.equal(found !== undefined, holding.length > 0);
      if (found !== undefined) assert.ok(holding.includes(found));
      const all: string[] = [];
      table.each(new NameSubject(name), payload => all.push(payload));
      assert.deepEqual(new Set(all), new Set(holding));
    }),
  );
});

test('a table of mail addresses finds what any of its patterns holds, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(mailPattern), mail, (patterns, address) => {
      const table = new PatternTable<string>();
      for (const pattern of patterns) table.add(parseMailPattern(pattern), pattern);
      const found = table.find(new MailSubject(address));
      const holding = patterns.filter(pattern => mailHolds(pattern, address));
      assert.equal(found !== undefined, holding.length > 0, `${found} ${holding}`);
      const all: string[] = [];
      table.each(new MailSubject(address), payload => all.push(payload));
      assert.deepEqual(new Set(all), new Set(holding));
    }),
  );
});
