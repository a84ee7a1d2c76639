/**
 * The command line of the daemon: its flags, each of which stands for a key of the configuration and wins over the file. A value
 * that can't be right is a `UsageError` that names flag, value and what was expected.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { parseServer } from '../dns/servers.ts';
import { Zone } from '../dnsbl/zone.ts';
import { LOG_FORMATS } from '../log/format.ts';
import { parseListenAddress } from '../milter/listen-address.ts';
import { DEFAULTS } from './config.ts';
import { parseDuration } from './duration.ts';
import { withLists } from './list-problems.ts';
import { DEFAULT_FILE, type Loaded, loadConfig, type Override } from './load.ts';
import { ConfigError } from './problem.ts';
import { parseFilterName } from './schema/file.ts';
import { parseOctalMode } from './schema/values.ts';
import { parseOption } from './usage-error.ts';

/** Which key each flag stands for, by commander's name for it, and how its value would stand in a file. */
const KEYS: Readonly<Record<string, readonly [key: string, write?: (value: never) => string | readonly string[]]>> = {
  name: ['name'],
  socket: ['socket'],
  socketMode: ['socketMode'],
  socketGroup: ['socketGroup'],
  user: ['user'],
  greytimeout: ['greylist.delay'],
  cachedb: ['database', (path: string) => (path === ':memory:' ? path : resolve(path))],
  customWl: ['whitelist.files', (files: readonly string[]) => files.map(file => resolve(file))],
  customBl: ['blacklist.files', (files: readonly string[]) => files.map(file => resolve(file))],
  acceptLocal: ['acceptLocal', String],
  addbl: ['dnsbl.zones'],
  policy: ['dnsbl.policy'],
  reject: ['dnsbl.action', (reject: boolean) => (reject ? 'reject' : 'tag')],
  resolver: ['dns.resolvers'],
  debugfile: ['dns.debugFile', (file: string) => resolve(file)],
  verbose: ['log.verbosity', String],
  logFormat: ['log.format'],
};
const DNSBL_POLICIES = ['any', 'all', 'majority'] as const;

/** Adds the daemon's flags to a command. */
export function addDaemonOptions(command: Command): Command {
  const { name, socket, socketMode, log } = DEFAULTS;
  addConfigOption(command)
    .optionsGroup('Where to listen:')
    .addOption(
      list(
        '-s, --socket <address>',
        `where the mail server connects: /path, unix:/path, local:/path, inet:port@host, inet:host:port, inet6:port@host or fd:3; may repeat (default: ${socket.join(' ')})`,
        parseListenAddress,
      ),
    )
    .addOption(one('-n, --name <name>', `name in the headers of messages (default: ${name})`, parseFilterName))
    .addOption(
      one('--socket-mode <mode>', `permissions of unix sockets (default: ${octal(socketMode)})`, parseOctalMode),
    )
    .addOption(
      one(
        '--socket-group <group>',
        'group of unix sockets (default: postfix, if started as root and there is such a group)',
        notEmpty('a group'),
      ),
    )
    .addOption(
      one('--user <user[:group]>', 'whom root becomes once the sockets are there', notEmpty('user or user:group')),
    )

    .optionsGroup('Greylist:')
    .addOption(
      one('--greytimeout <time>', 'how long a newcomer has to wait: seconds, or 5m, 1h30m (default: 300)', delay),
    )
    .addOption(
      one(
        '--cachedb <path>',
        'database file, or :memory: (default: greylist.db in the state directory, told at start)',
        notEmpty('a path or :memory:'),
      ),
    )
    .addOption(
      list(
        '--custom-wl <file>',
        'clients to accept unasked: addresses, networks (192.0.2.0/24) or wildcards (192.0.2.*), one a line; may repeat',
        notEmpty('a file'),
      ),
    )
    .addOption(list('--custom-bl <file>', 'clients to refuse, in the same form; may repeat', notEmpty('a file')))
    .option(
      '--no-accept-local',
      'greylist loopback and private clients too; needed where a proxy or NAT makes every client look private',
    )

    .optionsGroup('DNS blocklists:');
  return addDnsblOptions(command)
    .option('--reject', 'refuse listed clients (the default)')
    .option('--no-reject', 'only tag their messages with X-RBL-Warning')

    .optionsGroup('Log:')
    .addOption(
      new Option('-v, --verbose', 'say more than warnings and decisions; may repeat').argParser(
        (_, level: number | undefined) => (level ?? 0) + 1,
      ),
    )
    .addOption(
      one(
        '--log-format <format>',
        `how lines look: ${LOG_FORMATS.join(', ')} (default: ${log.format})`,
        choice(LOG_FORMATS),
      ),
    );
}

/** Adds the flag that names the configuration file. */
export function addConfigOption(command: Command): Command {
  return command.addOption(
    one(
      '-c, --config <file>',
      `configuration file; flags win over it (default: ${DEFAULT_FILE}, if it is there)`,
      notEmpty('a file'),
    ),
  );
}

/** Adds the flags that say which blocklists are asked, and how; `dnsbl` has them too. */
export function addDnsblOptions(command: Command): Command {
  return command
    .addOption(
      list('-a, --addbl <zone>', 'DNSBL to ask: zone[=filter][*weight]; may repeat', value => Zone.parse(value)),
    )
    .addOption(
      one(
        '--policy <policy>',
        `how many of them must list a client: ${DNSBL_POLICIES.join(', ')} (default: ${DEFAULTS.dnsbl.policy})`,
        choice(DNSBL_POLICIES),
      ),
    )
    .addOption(
      list(
        '--resolver <server>',
        'DNS server, ADDR or ADDR:PORT; may repeat (default: those of the system)',
        parseServer,
      ),
    )
    .addOption(one('--debugfile <file>', 'log DNS questions and answers there', notEmpty('a file')));
}

/** What the flags of a parsed command line say; flags that were not given say nothing. */
export function overridesFromOptions(command: Command): readonly Override[] {
  const overrides: Override[] = [];
  for (const [name, [key, write]] of Object.entries(KEYS)) {
    const value: unknown = command.getOptionValue(name);
    // `--no-accept-local` has a default: commander sets it to true.
    if (value === undefined || command.getOptionValueSource(name) === 'default') continue;
    const option = command.options.find(candidate => candidate.attributeName() === name);
    overrides.push({
      path: key.split('.'),
      value: write ? write(value as never) : (value as string | readonly string[]),
      place: `option ${option?.flags.replace(/ <.*/, '') ?? name}`,
    });
  }
  return overrides;
}

/** The flag that stands for each key that has one, such as `-s, --socket <address>`. */
export function flagsOfKeys(): ReadonlyMap<string, string> {
  const { options } = addDaemonOptions(new Command());
  return new Map(
    Object.entries(KEYS).map(([name, [key]]) => {
      const flags = options.filter(option => option.attributeName() === name).map(option => option.flags);
      return [key, flags.join(', ')];
    }),
  );
}

/** The configuration of a parsed command line: that of its file, or of the default file if that is there, and its flags. */
export function loadFromOptions(command: Command): Loaded {
  const named: unknown = command.getOptionValue('config');
  const file = typeof named === 'string' ? named : existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined;
  return loadConfig(file, overridesFromOptions(command));
}

/** The same; if something is wrong with it, the list files that it names are looked at too. */
export async function loadWithLists(command: Command): Promise<Loaded> {
  try {
    return loadFromOptions(command);
  } catch (error) {
    throw error instanceof ConfigError ? await withLists(error) : error;
  }
}

/** An option with one value, the last one given, which is kept as written once `check` did not throw. */
function one(flags: string, description: string, check: (value: string) => unknown): Option {
  return new Option(flags, description).argParser(value => {
    parseOption(flags, value, check);
    return value;
  });
}

/** An option that may repeat; its values are kept as written once `check` did not throw. */
function list(flags: string, description: string, check: (value: string) => unknown): Option {
  return new Option(flags, description).argParser((value, before: readonly string[] | undefined) => {
    parseOption(flags, value, check);
    return [...(before ?? []), value];
  });
}

function notEmpty(expected: string): (value: string) => string {
  return value => {
    if (value === '') throw new RangeError(`'' is empty: expected ${expected}`);
    return value;
  };
}

function choice<const T extends string>(words: readonly T[]): (value: string) => T {
  return value => {
    const word = words.find(candidate => candidate === value);
    if (word === undefined) throw new RangeError(`'${value}' is unknown: expected ${words.join(', ')}`);
    return word;
  };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function delay(value: string): void {
  if (parseDuration(value) === 0) throw new RangeError(`'${value}' can't work: expected more than nothing`);
}
