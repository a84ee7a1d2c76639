import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { warningsOf } from '../../src/config/warnings.ts';

const warnings = (text: string): string[] =>
  warningsOf(parseConfig({ file: 'x', text })).map(({ place, message }) => `${place}: ${message}`);

test('dead zones, harsh ones that decide alone, and allow lists that would refuse are told', () => {
  const text = `dnsbl:
  zones:
    - zen.spamhaus.org
    - bl.sorbs.net
    - dnsbl-3.uceprotect.net
    - list.dnswl.org
    - hostkarma.junkemailfilter.com
    - hostkarma.junkemailfilter.com=127.0.0.2
`;
  const lines = warnings(text.replace('    - hostkarma.junkemailfilter.com=127.0.0.2\n', ''));
  assert.deepEqual(
    lines.map(line => /^(x:\d+:\d+): DNSBL (\S+?):? /.exec(line)?.slice(1).join(' ')),
    [
      'x:4:7 bl.sorbs.net',
      'x:5:7 dnsbl-3.uceprotect.net',
      'x:6:7 list.dnswl.org',
      'x:7:7 hostkarma.junkemailfilter.com',
    ],
  );
  assert.deepEqual(warnings('dnsbl: {action: tag, zones: [dnsbl-3.uceprotect.net, list.dnswl.org]}'), []);
  assert.deepEqual(warnings('dnsbl: {policy: all, zones: [dnsbl-3.uceprotect.net, a.example]}'), []);
  assert.deepEqual(warnings('dnsbl: {policy: {score: 2}, zones: [a.example*2, list.dnswl.org*-2]}'), []);
  assert.deepEqual(warnings('dnsbl: {zones: ["hostkarma.junkemailfilter.com=127.0.0.2", bl.sorbs.net!]}'), []);
});

test('a policy that the living zones can not fulfil is told', () => {
  assert.match(
    warnings('dnsbl:\n  zones: [bl.sorbs.net, a.example]\n  policy: 2\n')[1] ?? '',
    /^x:3:11: the policy asks for/,
  );
});

const never: readonly (readonly [what: string, rules: string, line: string])[] = [
  [
    'after one without conditions',
    '- {name: all, then: greylist}\n- {name: b, if: {helo: x.example}, then: accept}',
    'x:3:3: b: it can never match: all (x:2) decides before it',
  ],
  [
    'within a network that an earlier one decides on',
    '- {name: a, if: {client: 192.0.2.0/24}, then: reject}\n- {name: b, if: {client: 192.0.2.9, sender: a@b.example}, then: accept}',
    'x:3:3: b: it can never match: a (x:2) decides before it',
  ],
  [
    'written twice',
    '- {name: a, if: {recipient: a@b.example}, then: reject}\n- {name: b, if: {recipient: a@b.example}, then: accept}',
    'x:3:3: b: it can never match: a (x:2) decides before it',
  ],
  [
    'about who has logged in',
    '- {name: a, if: {auth: true}, then: greylist}',
    'x:2:3: a: it can never match: clients that have logged in are accepted before, as long as acceptAuthenticated is on',
  ],
  [
    'about private clients',
    '- {name: a, if: {client: [10.1.0.0/16, 172.16.0.0/12, 192.168.7.7, 127.0.0.0/8, fd00::/8, "fe80::/10"]}, then: greylist}',
    'x:2:3: a: it can never match: private clients are accepted before, as long as acceptLocal is on',
  ],
];
for (const [what, rules, line] of never)
  test(`a rule that can never match is told: ${what}`, () => assert.deepEqual(warnings(`rules:\n${rules}\n`), [line]));

test('rules that may match are not', () => {
  for (const rules of [
    '- {if: {client: 192.0.2.0/24}, then: accept}\n- {if: {client: [192.0.2.1, 198.51.100.1]}, then: reject}',
    '- {if: {recipient: /^a/}, then: reject}\n- {if: {recipient: /^b/}, then: reject}',
    '- {monitor: true, then: reject}\n- {if: {auth: false}, then: greylist}',
    '- {then: {header: {name: X-A, value: b}}}\n- {then: greylist}',
    '- {if: {client: [10.0.0.0/8, 192.0.2.1]}, then: greylist}',
    '- {if: {client: 192.168.0.0/15}, then: greylist}',
    '- {if: {client: "fe80::/9"}, then: greylist}',
    '- {if: {name: .a.example}, then: greylist}\n- {if: {name: .a.example, unverified: yes}, then: greylist}',
  ])
    assert.deepEqual(warnings(`rules:\n${rules}\n`), [], rules);
  assert.deepEqual(warnings('acceptLocal: no\nrules: [{if: {client: 10.0.0.0/8}, then: reject}]'), []);
});

test('acceptance by what anyone can claim is told', () => {
  assert.deepEqual(warnings('rules:\n  - {name: a, if: {sender: "@a.example", helo: a.example}, then: accept}\n'), [
    'x:2:5: a: it accepts whoever claims that sender and that HELO name: add `client`, `name` or `spf`',
  ]);
  assert.match(warnings('whitelist:\n  senders: "@a.example"\n').join(), /^x:2:12: anyone can claim a sender/);
  assert.match(warnings('whitelist: {names: .a.example, unverified: yes}').join(), /^x:1:\d+: whoever owns an address/);
  for (const weak of ['not: {client: 192.0.2.1}', 'auth: no', 'tls: yes', 'spf: [pass, none]', 'recipient: b@'])
    assert.match(
      warnings(`rules: [{if: {sender: "@a.example", ${weak}}, then: accept}]`).join(),
      /whoever claims/,
      weak,
    );
  assert.deepEqual(warnings('whitelist: {names: .a.example}'), []);
  assert.deepEqual(warnings('rules: [{if: {sender: "@a.example", spf: pass}, then: accept}]'), []);
  assert.deepEqual(warnings('rules: [{if: {sender: "@a.example", client: 192.0.2.1}, then: accept}]'), []);
});
