import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodeOf } from '../../src/cli/errors.ts';
import { type Config, DEFAULTS } from '../../src/config/config.ts';
import { loadConfig, type Override, parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { tempDir } from '../support/temp-dir.ts';

const parse = (text: string, overrides: readonly Override[] = []): Config =>
  parseConfig({ file: '/etc/grey/grey.yaml', text }, overrides).config;

test('what YAML would guess a type for has the meaning that its key gives it', () => {
  assert.equal(parse('socketMode: 0660').socketMode, 0o660);
  assert.equal(parse('socketMode: 660').socketMode, 0o660);
  assert.equal(parse('socketMode: "0600"').socketMode, 0o600);
  assert.equal(parse('greylist: {delay: 300}').greylist.delay, 300_000);
  assert.equal(parse('greylist: {delay: 0300}').greylist.delay, 300_000);
  assert.equal(parse('name: 1e3').name, '1e3');
  assert.equal(parse('name: 0x10').name, '0x10');
  assert.equal(parse('name: no').name, 'no');
  assert.equal(parse('user: 12:34').user, '12:34');
  assert.equal(parse('user: 2026-11-21').user, '2026-11-21');
  for (const word of ['true', 'yes', 'on', 'Yes', 'TRUE', '"on"'])
    assert.equal(parse(`acceptLocal: ${word}`).acceptLocal, true);
  for (const word of ['false', 'no', 'off', 'No']) assert.equal(parse(`acceptLocal: ${word}`).acceptLocal, false);
});

test('a byte-order mark, CRLF, comments, quotes, anchors and JSON are read as YAML has it', () => {
  assert.equal(parse('\uFEFFname: x # y\r\n').name, 'x');
  assert.deepEqual(parse('exempt: &who [\'postmaster\', "Help"]\noriginating: *who\n').originating, [
    'postmaster',
    'Help',
  ]);
  assert.equal(parse('{"greylist": {"delay": 60}}').greylist.delay, 60_000);
  assert.equal(parse('replies:\n  early: >\n    Come back\n    later\n').replies.early, 'Come back later');
});

test('one value or a list of them', () => {
  assert.deepEqual(parse('socket: /run/x').socket, ['/run/x']);
  assert.deepEqual(parse('socket: [/run/x, inet:1@127.0.0.1]').socket, ['/run/x', 'inet:1@127.0.0.1']);
  assert.deepEqual(parse('exempt: []').exempt, []);
});

test('a zone has its options, or is written in short', () => {
  const text = `dnsbl:
  zones:
    - zen.spamhaus.org=127.0.0.[2..11;30]*2
    - {zone: a.example, message: 'Go away, {ADDR}', code: 554, enhanced: 5.7.9, ipv6: no, publicName: A, testEntries: no, force: yes,
       filters: [127.0.0.2*3, '&4'], weight: -2}
  policy: {score: 3}
  action: tag
`;
  assert.deepEqual(parse(text).dnsbl, {
    zones: [
      { zone: 'zen.spamhaus.org=127.0.0.[2..11;30]*2' },
      {
        zone: 'a.example',
        filters: ['127.0.0.2*3', '&4'],
        weight: -2,
        message: 'Go away, {ADDR}',
        code: 554,
        enhanced: '5.7.9',
        ipv6: false,
        publicName: 'A',
        force: true,
        selfTest: false,
      },
    ],
    policy: { score: 3 },
    action: 'tag',
  });
  assert.deepEqual(parse('dnsbl: {zones: [a.example, b.example], policy: 2}').dnsbl.policy, { atLeast: 2 });
});

test("relative paths are meant from the file's folder", () => {
  const config = parse('database: db/x.db\nwhitelist: {files: [white, /abs/white]}\ndns: {debugFile: ../dns.log}\n');
  assert.equal(config.database, '/etc/grey/db/x.db');
  assert.deepEqual(config.whitelist.files, ['/etc/grey/white', '/abs/white']);
  assert.equal(config.dns.debugFile, '/etc/dns.log');
  assert.equal(parse('database: ":memory:"').database, ':memory:');
});

test('flags win over the file, and what is wrong with one is told with its name', () => {
  const flag = (path: string, value: Override['value']): Override => ({
    path: path.split('.'),
    value,
    place: 'option --flag',
  });
  const file = 'greylist: {delay: 1m, lifetime: 1d}\nexempt: [a, b]\n';
  const config = parse(file, [flag('greylist.delay', '2m'), flag('exempt', ['c'])]);
  assert.deepEqual([config.greylist.delay, config.greylist.lifetime, config.exempt], [120_000, 86_400_000, ['c']]);
  assert.throws(() => parse('greylist: {retryWindow: 1h}', [flag('greylist.delay', '2h')]), {
    message: "option --flag: greylist.delay: '2h': expected less than retryWindow, which is 1h",
  });
  assert.throws(
    () => parse('greylist: 5', [flag('greylist.delay', '2h')]),
    /^ConfigError: .*yaml:1:11: greylist: '5': /,
  );
});

test('the place of every value is known', () => {
  const loaded = parseConfig({ file: 'x.yaml', text: 'name: x\ndnsbl:\n  zones:\n    - a.example\n    - b.example\n' });
  assert.equal(loaded.locate(['dnsbl', 'zones', 1]), 'x.yaml:5:7');
  assert.equal(loaded.locate(['name']), 'x.yaml:1:7');
});

test('no file is the default configuration', () => {
  assert.deepEqual(parseConfig(undefined).config, DEFAULTS);
});

test('a file that can not be read is told as such, and its exit code says why', t => {
  const folder = tempDir(t);
  const failing = (file: string): ConfigError => {
    try {
      loadConfig(file);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error;
    }
    return assert.fail('it was read');
  };
  const missing = failing(join(folder, 'missing'));
  assert.equal(missing.message, `${folder}/missing: no such file: expected a configuration`);
  assert.equal(exitCodeOf(missing), 66);
  const directory = failing(folder);
  assert.equal(directory.message, `${folder}: is a directory: expected a configuration file`);
  const write = (name: string, text: string | Buffer): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const latin = failing(write('latin', Buffer.from('name: x\n# caf\xe9\n', 'latin1')));
  assert.equal(latin.message, `${folder}/latin:2:1: bytes that are not UTF-8: expected UTF-8 text`);
  assert.equal(exitCodeOf(latin), 78);
  const utf16 = failing(write('utf16', Buffer.from('\uFEFFname: x\n', 'utf16le')));
  assert.match(utf16.message, /utf16:1:1: bytes that are not UTF-8/);
  const large = failing(write('large', '#'.repeat(1_000_001)));
  assert.match(large.message, /large: has 1000001 bytes: expected at most 1000000; put long lists into files/);
});

test('what is wrong with a file is told in printable text, whatever stands there', () => {
  const nasty = '\u0017\u001b[31m\u202e\u2028x';
  for (const text of [
    `name: |${nasty}\n`,
    `name: @${nasty}\n`,
    `name: {${nasty}} y\n`,
    `a: 1\n? ${nasty}`,
    `name: !${nasty} y\n`,
    `${nasty}`,
  ]) {
    assert.throws(
      () => parseConfig({ file: 'x.yaml', text }),
      (error: Error) => !/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u.test(error.message),
      JSON.stringify(text),
    );
  }
});
