import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addDaemonOptions, loadFromOptions } from '../../src/config/command-line.ts';
import { type Config, DEFAULTS } from '../../src/config/config.ts';

function parse(...args: string[]): Config {
  const command = addDaemonOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return loadFromOptions(command.parse(args, { from: 'user' })).config;
}

test('without flags the configuration is the default one', () => {
  assert.deepEqual(parse(), DEFAULTS);
});

test("the shortest use: a socket and a blocklist, with the forerunner's letters", () => {
  assert.deepEqual(parse('-s', '/var/run/greylist.sock', '-a', 'zen.spamhaus.org'), {
    ...DEFAULTS,
    socket: ['/var/run/greylist.sock'],
    dnsbl: { ...DEFAULTS.dnsbl, zones: [{ zone: 'zen.spamhaus.org' }] },
  });
});

test('every flag arrives where it belongs', () => {
  const flags = [
    ['--name', 'greylist', '--socket', 'inet:8893@0.0.0.0', '--socket', 'unix:/run/g.sock', '--socket-mode', '0666'],
    ['--socket-group', 'mail', '--user', 'grey:mail', '--greytimeout', '1h30m', '--cachedb', ':memory:'],
    ['--custom-wl', '/etc/wl', '--custom-wl', '/etc/wl2', '--custom-bl', '/etc/bl', '--no-accept-local'],
    ['--addbl', 'a.test=127.0.0.2*2', '--addbl', 'b.test', '--policy', 'majority', '--no-reject'],
    ['--resolver', '192.0.2.53', '--resolver', '[2001:db8::53]:5353', '--debugfile', '/tmp/dns.log'],
    ['-vv', '--verbose', '--log-format', 'postgrey'],
  ];
  assert.deepEqual(parse(...flags.flat()), {
    ...DEFAULTS,
    name: 'greylist',
    socket: ['inet:8893@0.0.0.0', 'unix:/run/g.sock'],
    socketMode: 0o666,
    socketGroup: 'mail',
    user: 'grey:mail',
    greylist: { ...DEFAULTS.greylist, delay: 5_400_000 },
    database: ':memory:',
    whitelist: { ...DEFAULTS.whitelist, files: ['/etc/wl', '/etc/wl2'] },
    blacklist: { ...DEFAULTS.blacklist, files: ['/etc/bl'] },
    acceptLocal: false,
    dnsbl: {
      zones: [{ zone: 'a.test=127.0.0.2*2' }, { zone: 'b.test' }],
      policy: 'majority',
      action: 'tag',
    },
    dns: { resolvers: ['192.0.2.53', '[2001:db8::53]:5353'], debugFile: '/tmp/dns.log' },
    log: { verbosity: 3, format: 'postgrey' },
  } satisfies Config);
});

test('short flags, and --reject after --no-reject', () => {
  const config = parse('-n', 'x', '-v', '--no-reject', '--reject', '--greytimeout', '2');
  assert.deepEqual(
    [config.name, config.log.verbosity, config.dnsbl.action, config.greylist.delay],
    ['x', 1, 'reject', 2_000],
  );
});

test('a value that can not be right is refused with flag, value and what was expected', () => {
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [['-s', 'foo'], /^option -s, --socket: socket "foo": expected \/path, unix:\/path,/],
    [['-s', 'inet:99999@127.0.0.1'], /^option -s, --socket: socket "inet:99999@127.0.0.1": port 99999 is above 65535$/],
    [['-n', 'a b'], /^option -n, --name: 'a b' is not a name: expected at most 64 letters/],
    [
      ['--socket-mode', '0888'],
      /^option --socket-mode: '0888' is not a mode: expected three octal digits, such as 0660$/,
    ],
    [['--socket-mode', '4777'], /'4777' is not a mode/],
    [['--socket-group', ''], /^option --socket-group: '' is empty: expected a group$/],
    [['--user', ''], /^option --user: '' is empty: expected user or user:group$/],
    [['--greytimeout', '5x'], /^option --greytimeout: '5x' is not a duration: expected seconds, or numbers with units/],
    [['--greytimeout', '0'], /^option --greytimeout: '0' can't work: expected more than nothing$/],
    [
      ['--greytimeout', '2d'],
      /^option --greytimeout: greylist.delay: '2d': expected less than retryWindow, which is 2d$/,
    ],
    [['--greytimeout', '-5'], /'-5' is not a duration|argument missing/],
    [['--policy', 'most'], /^option --policy: 'most' is unknown: expected any, all, majority$/],
    [['--log-format', 'xml'], /^option --log-format: 'xml' is unknown: expected logfmt, json, postgrey$/],
    [['-a', 'not a zone'], /^option -a, --addbl: zone "not a zone": /],
    [['--resolver', 'ns.example.org'], /^option --resolver: DNS server "ns.example.org": .*expected ADDR, ADDR:PORT/],
    [['--cachedb='], /^option --cachedb: '' is empty: expected a path or :memory:$/],
  ];
  for (const [args, message] of table) assert.throws(() => parse(...args), { message }, args.join(' '));
});

test('a key in a zone is not shown when the zone is refused', () => {
  assert.throws(
    () => parse('-a', 'abcdefgh12345678abcdefgh12.zen.dq.spamhaus.net=bad'),
    (error: Error) => !error.message.includes('abcdefgh') && /zen\.dq\.spamhaus\.net/.test(error.message),
  );
});
