/**
 * Broken configurations, and what is said of each: place, key, what stands there, what was expected.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULTS } from '../../src/config/config.ts';
import { keysAt } from '../../src/config/keys.ts';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';

const durations = 'expected seconds, or numbers with units w d h m s ms, largest first, such as 300, 5m or 1h30m';
const topKeys = keysAt([]);

/** What is wrong, the file's text, and the lines that are said of it behind the file's name. */
const table: readonly (readonly [what: string, text: string, ...said: string[]])[] = [
  [
    'a duration with an unknown unit',
    'greylist:\n  delay: 5x\n',
    `2:10: greylist.delay: '5x' is not a duration: ${durations}`,
  ],
  [
    'a number in scientific notation',
    'greylist:\n  delay: 1e3\n',
    `2:10: greylist.delay: '1e3' is not a duration: ${durations}`,
  ],
  ['a negative duration', 'greylist: { delay: -5 }\n', `1:20: greylist.delay: '-5' is not a duration: ${durations}`],
  [
    'a delay beyond the retry window',
    'greylist:\n  delay: 3d\n',
    "2:10: greylist.delay: '3d': expected less than retryWindow, which is 2d",
  ],
  [
    'tooSoon beyond the delay',
    'greylist: { tooSoon: 1h }\n',
    "1:22: greylist.tooSoon: '1h': expected at most delay, which is 5m",
  ],
  ['a mistyped key', 'greylist:\n  dleay: 5m\n', '2:3: greylist.dleay: unknown key: expected delay'],
  [
    "the forerunner's names",
    'greytimeout: 300\ncustom_wl: /x\ncachedb: /y\n',
    '1:1: greytimeout: unknown key: expected greylist.delay',
    '2:1: custom_wl: unknown key: expected whitelist.files',
    '3:1: cachedb: unknown key: expected database',
  ],
  [
    'a key that exists nowhere',
    'log:\n  colour: red\n',
    '2:3: log.colour: unknown key: expected one of format, verbosity',
  ],
  ['a key of all objects', '__proto__: 1\n', `1:1: __proto__: unknown key: expected one of ${topKeys.join(', ')}`],
  [
    'a mode that is not octal',
    'socketMode: 0888\n',
    "1:13: socketMode: '0888' is not a mode: expected three octal digits, such as 0660",
  ],
  ['a truth that is none', 'acceptLocal: nope\n', "1:14: acceptLocal: 'nope': expected true or false"],
  ['a word of another case', 'synchronous: FULL\n', "1:14: synchronous: 'FULL': expected normal or full"],
  [
    'an alias by mistake',
    'exempt:\n  - abuse\n  - *@example.com\n',
    `3:5: '*@example.com': a * in front makes it an alias of YAML: expected quotes around it, "*@example.com"`,
  ],
  ['an at sign in front', 'exempt: @x\n', `1:9: '@x': text that begins with @ must stand in quotes: expected "@x"`],
  [
    'a colon at the end of an item',
    'dns:\n  resolvers:\n    - fe80::\n',
    "3:7: dns.resolvers[0]: 'fe80::': a colon at the end makes it a key: expected an address of a DNS server, such as 127.0.0.1 or 127.0.0.1:5353, in quotes",
  ],
  [
    'a colon at the end of a value',
    'dns:\n  resolvers: fe80::\n',
    "2:14: 'fe80::': a colon before a space or the line's end makes a key: expected quotes around the value",
  ],
  [
    'a tag by mistake',
    'name: !grey x\n',
    "1:7: '!grey x': a ! in front makes it a tag of YAML: expected the value alone, or quotes around it",
  ],
  ['a tab', 'greylist:\n\tdelay: 5m\n', '2:1: a tab: expected spaces in front of keys and values'],
  ['a key given twice', 'name: a\nname: b\n', "2:1: 'name': the key stands here a second time: expected it once"],
  ['two documents', 'name: a\n---\nname: b\n', "2:1: '---': a second document: expected one, without a line ---"],
  ['a quote that does not end', 'name: "x\n', '2:1: the end of the line: missing closing "quote: expected YAML'],
  [
    'wrong indentation',
    'greylist:\n    delay: 1m\n  lifetime: 1d\n',
    "3:1: 'lifetime: 1d': not in the column of the lines before: expected as many spaces in front as they have",
  ],
  [
    'a key without its colon',
    'greylist:\n  delay 5m\n  lifetime: 1d\n',
    "2:3: 'delay 5m': no colon and space behind the key: expected key: value",
  ],
  [
    'a bracket that does not end',
    'exempt: [a\nname: b\n',
    "2:1: 'name: b': within brackets: expected commas between values, and the closing bracket",
  ],
  [
    'a bracket that ends late',
    'exempt: [a\n  name: b, d]\n',
    "1:10: 'a': within brackets: expected commas between values, and the closing bracket",
  ],
  [
    'networks that YAML takes for keys',
    'whitelist:\n  clients: [2001:db8::, 192.0.2.1]\n  recipients:\n    - {SENDER}\n',
    "2:13: whitelist.clients[0]: '2001:db8::': a colon at the end makes it a key: expected an address or network such as 192.0.2.0/24, in quotes",
    "4:7: whitelist.recipients[0]: '{SENDER}': braces around it make it a key: expected user@example.org, @example.org, @.example.org or user@, in quotes",
  ],
  ['a list for a key', '? [a]\n: b\n', '1:3: a key that is no plain text: expected key: value'],
  ['no keys at all', 'hello\n', "1:1: 'hello': expected keys and values"],
  ['a list of all', '- name: a\n', '1:1: a list: expected keys and values'],
  [
    'a value for a section',
    'learning: 300\n',
    "1:11: learning: '300': expected keys and values: autowhite, pendingLimit, correspondents, impatient, relaySwitchers",
  ],
  ['a rule that does nothing', 'rules:\n  - if: {auth: true}\n', '2:5: rules[0].then: is missing: expected what to do'],
  [
    'a list for a section',
    'whitelist: [192.0.2.1]\n',
    '1:12: whitelist: a list: expected keys and values: files, clients, names, unverified, senders, recipients, triples',
  ],
  [
    'keys of sections outside of them',
    'delay: 5m\nCLIENTS: 192.0.2.1\n',
    '1:1: delay: unknown key: expected it below greylist',
    '2:1: CLIENTS: unknown key: expected it below whitelist or blacklist',
  ],
  ['an empty value', 'name:\n', '1:1: name: is empty: expected a name'],
  ['an empty list of sockets', 'socket:\n', '1:1: socket: is empty: expected at least one value'],
  [
    'a socket with a wrong port',
    'socket: [/run/x, inet:99999@127.0.0.1]\n',
    '1:18: socket[1]: socket "inet:99999@127.0.0.1": port 99999 is above 65535',
  ],
  [
    'a prefix that is none',
    'greylist:\n  prefix: {ipv4: 33, ipv6: /64}\n',
    "2:18: greylist.prefix.ipv4: '33': expected a whole number from 8 to 32",
    "2:28: greylist.prefix.ipv6: '/64': expected a whole number from 16 to 128",
  ],
  [
    'a zone that is none',
    'dnsbl:\n  zones: zen\n',
    '2:10: dnsbl.zones: zone "zen": expected a domain of at least two labels, like bl.example.org',
  ],
  [
    'a zone without its name',
    'dnsbl:\n  zones:\n    - message: x\n',
    '3:7: dnsbl.zones[0].zone: is missing: expected a zone, such as zen.spamhaus.org=127.0.0.[2..11;30]*2',
  ],
  [
    'a zone with wrong options',
    'dnsbl:\n  zones:\n    - zone: a.example\n      code: 250\n      ipv6: maybe\n',
    "4:13: dnsbl.zones[0].code: '250': expected a whole number from 400 to 599",
    "5:13: dnsbl.zones[0].ipv6: 'maybe': expected true or false",
  ],
  [
    'codes of two classes',
    'dnsbl:\n  zones:\n    - zone: a.example\n      enhanced: 4.7.1\n',
    '3:7: dnsbl.zones[0]: zone "a.example": enhanced code "4.7.1" is not of the form 5.n.n, as code 550 demands',
  ],
  [
    'a key in a zone with a mistake',
    'dnsbl:\n  zones: abcdefgh12345678abcdefgh12.zen.dq.spamhaus.net=bad\n',
    '2:10: dnsbl.zones: zone "***.zen.dq.spamhaus.net=bad": filter "bad": expected four octets like 127.0.0.[2..11;30], or a bitmask like &2',
  ],
  [
    'a policy that is none',
    'dnsbl:\n  policy: most\n',
    "2:11: dnsbl.policy: 'most': expected any, all, majority, a number of zones, or score: N",
  ],
  [
    'more votes than zones',
    'dnsbl:\n  zones: [a.example, b.example]\n  policy: 3\n',
    "3:11: dnsbl.policy: '3': number of zones 3 can't be reached, all zones together come to 2",
  ],
  [
    'an allow list without a score',
    'dnsbl:\n  zones: a.example*-2\n',
    '2:10: dnsbl.zones: zone "a.example": a negative weight (allow list) needs a score policy',
  ],
  [
    'a template with an unknown name',
    'replies:\n  greylisted: Wait {SECONDS} seconds\n',
    "2:15: replies.greylisted: 'Wait {SECONDS} seconds': {SECONDS} is not known; expected one of {WAIT} {TIME} {ADDR} {DNSBL} {SENDER} {RECIPIENT} {ID}",
  ],
  [
    'a template that is a mapping',
    'replies:\n  early: {WAIT}\n',
    "2:10: replies.early: '{WAIT}': braces around it make it a key: expected one line of text, in quotes",
  ],
  [
    'a template that begins like a mapping',
    'replies:\n  early: {WAIT} seconds\n',
    `2:10: '{WAIT} seconds': text that begins with { must stand in quotes: expected "{WAIT} seconds"`,
  ],
  [
    'control characters',
    'name: "a\\e[31mb"\n',
    "1:7: name: 'a?[31mb' is not a name: expected at most 64 letters, digits and any of . _ -",
  ],
  ['too many levels', '['.repeat(100_000), '1:1: too many levels: expected a plain configuration'],
  [
    'an alias to what it stands in',
    'socket: &s [*s]\n',
    `1:13: '*s': a * in front makes it an alias of YAML: expected quotes around it, "*s"`,
  ],
  [
    'a macro that is none, and a merge key',
    'rules:\n- {if: {macro: {"a b": x}}, then: accept}\nlog:\n  <<: {format: json}\n',
    '2:17: rules[0].if.macro.a b: expected the name of a macro, such as daemon_name',
    '4:3: log.<<: a merge key of YAML: expected keys and values written out, or an alias for all of them',
  ],
  [
    'conditions without values',
    'rules:\n- {if: {spf: [], unverified: yes}, then: accept}\n',
    '2:14: rules[0].if.spf: is empty: expected at least one value',
    "2:30: rules[0].if.unverified: 'yes': stands without name, which it is about",
  ],
  [
    'rules of one name',
    'rules:\n- {name: a, then: accept}\n- {name: a, then: accept}\n- {name: a, then: accept}\n- {name: rule 5, then: accept}\n- {then: accept}\n',
    "3:10: rules[1].name: 'a': another rule has this name, rules[0]",
    "4:10: rules[2].name: 'a': another rule has this name, rules[0]",
    '6:3: rules[4]: rules[3] has its name, rule 5: expected a name of its own',
  ],
  [
    'rules about zones that are not asked, beside another mistake',
    'acceptLocal: nope\ndnsbl: {zones: a.example}\nrules:\n- {if: {dnsbl: b.example}, then: accept}\n- {if: {not: {dnsbl: c.example}}, then: reject}\n',
    "1:14: acceptLocal: 'nope': expected true or false",
    '4:3: rules[0]: asks about b.example: expected one of dnsbl.zones, a.example',
    '5:3: rules[1]: asks about c.example: expected one of dnsbl.zones, a.example',
  ],
  [
    'everything at once, in the order of the file',
    'name: a b\nlog:\n  verbosity: lots\nexempt:\n  - *x\ndnsbl: {zones: [x]}\nhelo: 1\n',
    "1:7: name: 'a b' is not a name: expected at most 64 letters, digits and any of . _ -",
    "3:14: log.verbosity: 'lots': expected a whole number from 0 to 9",
    `5:5: '*x': a * in front makes it an alias of YAML: expected quotes around it, "*x"`,
    '6:17: dnsbl.zones[0]: zone "x": expected a domain of at least two labels, like bl.example.org',
    `7:1: helo: unknown key: expected one of ${topKeys.join(', ')}`,
  ],
];

function problemsOf(text: string): string[] {
  try {
    parseConfig({ file: 'grey.yaml', text });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split('\n');
  }
  return [];
}

for (const [what, text, ...said] of table) {
  test(`${what}: ${text.slice(0, 60).trimEnd().replaceAll('\n', ' ⏎ ')}`, () => {
    assert.deepEqual(
      problemsOf(text),
      said.map(line => `grey.yaml:${line}`),
    );
  });
}

test('aliases that unfold to billions end in an error, soon', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const lines = names.map((name, index) => {
    const item = index === 0 ? 'x' : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array(10).fill(item).join(', ')}]`;
  });
  const said = problemsOf(lines.join('\n')).join('\n');
  assert.match(said, /aliases unfold to more than 100000 values: write them out, or use a list file/);
});

test('a hundred problems are told, and how many more there are', () => {
  const said = problemsOf(`exempt: [${Array(150).fill('a@b').join(', ')}]`);
  assert.equal(said.length, 101);
  assert.equal(said.at(-1), 'and 50 more');
});

test('any text is either a configuration or has problems with their places', () => {
  for (const text of ['', '\n', '# nothing\n', '---\n', '{}', 'greylist:\n', 'dnsbl:\n  zones:\n', '~']) {
    assert.deepEqual(parseConfig({ file: 'x', text }).config, DEFAULTS, JSON.stringify(text));
  }
  for (const text of [
    '\0',
    '"',
    '[',
    '{',
    '}',
    '&',
    '*',
    '!',
    '|',
    '>',
    '%',
    '@',
    '`',
    '-',
    '?',
    ':',
    '? ',
    '- -',
    'a: b: c',
    '\u2028',
  ]) {
    for (const line of problemsOf(text)) assert.match(line, /^grey\.yaml:\d+:\d+: .*expected /, JSON.stringify(text));
  }
});

test('whatever stands in a file, it is a configuration or its problems are told; nothing else is thrown', () => {
  const words = [
    'greylist',
    'delay',
    'rules',
    'if',
    'then',
    'dnsbl',
    'zones',
    '5m',
    '*x',
    '&x',
    '@y',
    'fe80::',
    '{',
    '}',
    '[',
    ']',
  ];
  const marks = [
    ':',
    ': ',
    '- ',
    '\n',
    '\n  ',
    '\n    ',
    ',',
    '"',
    "'",
    '#',
    '|',
    '>',
    '!',
    '?',
    '~',
    '\t',
    '\r',
    '\0',
    '%',
    '---',
  ];
  const piece = fc.oneof(fc.constantFrom(...words, ...marks), fc.string({ unit: 'binary', maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      for (const line of problemsOf(pieces.join(''))) assert.match(line, /^grey\.yaml:\d+:\d+: \P{C}+$/u);
    }),
    { numRuns: 1_000 },
  );
});
