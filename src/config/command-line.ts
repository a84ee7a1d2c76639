/**
 * The command line of the daemon: its flags, and the configuration they make. A value that can't be right is a `UsageError`
 * that names flag, value and what was expected.
 */
import { type Command, Option } from 'commander';
import { parseServer } from '../dns/servers.ts';
import { Zone } from '../dnsbl/zone.ts';
import { LOG_FORMATS, type LogFormat } from '../log/format.ts';
import { parseListenAddress } from '../milter/listen-address.ts';
import { type Config, DEFAULTS, DNSBL_POLICIES, type DnsblConfig, type DnsblPolicy } from './config.ts';
import { parseDuration } from './duration.ts';
import { parseOption } from './usage-error.ts';

/** The options as commander keeps them: absent ones have their defaults. */
interface Values {
  readonly name?: string;
  readonly socket?: readonly string[];
  readonly socketMode?: number;
  readonly socketGroup?: string;
  readonly user?: string;
  readonly greytimeout?: number;
  readonly cachedb?: string;
  readonly customWl?: readonly string[];
  readonly customBl?: readonly string[];
  readonly acceptLocal: boolean;
  readonly addbl?: readonly string[];
  readonly policy?: DnsblPolicy;
  readonly reject?: boolean;
  readonly resolver?: readonly string[];
  readonly debugfile?: string;
  readonly logFormat?: LogFormat;
  readonly verbose?: number;
}

/** Adds the daemon's flags to a command. */
export function addDaemonOptions(command: Command): Command {
  const { name, sockets, socketMode, logFormat } = DEFAULTS;
  command
    .optionsGroup('Where to listen:')
    .addOption(
      list(
        '-s, --socket <address>',
        `where the mail server connects: /path, unix:/path, local:/path, inet:port@host, inet:host:port, inet6:port@host or fd:3; may repeat (default: ${sockets.join(' ')})`,
        parseListenAddress,
      ),
    )
    .addOption(one('-n, --name <name>', `name shown to the mail server and in headers (default: ${name})`, filterName))
    .addOption(one('--socket-mode <mode>', `permissions of unix sockets (default: ${octal(socketMode)})`, octalMode))
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
        `how lines look: ${LOG_FORMATS.join(', ')} (default: ${logFormat})`,
        choice(LOG_FORMATS),
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

/** What `addDnsblOptions` and the flags for refusing make. */
export function dnsblFromOptions(command: Command): DnsblConfig {
  const values = command.opts<Partial<Values>>();
  return {
    zones: values.addbl ?? [],
    policy: values.policy ?? DEFAULTS.dnsbl.policy,
    reject: values.reject ?? DEFAULTS.dnsbl.reject,
    resolvers: values.resolver ?? [],
    debugFile: values.debugfile,
  };
}

/** The configuration that the flags of a parsed command line make. */
export function configFromOptions(command: Command): Config {
  const values = command.opts<Values>();
  const { greylist } = DEFAULTS;
  return {
    ...DEFAULTS,
    name: values.name ?? DEFAULTS.name,
    sockets: values.socket ?? DEFAULTS.sockets,
    socketMode: values.socketMode ?? DEFAULTS.socketMode,
    socketGroup: values.socketGroup,
    user: values.user,
    greylist: { ...greylist, delay: values.greytimeout ?? greylist.delay },
    cachedb: values.cachedb,
    whitelistFiles: values.customWl ?? [],
    blacklistFiles: values.customBl ?? [],
    dnsbl: dnsblFromOptions(command),
    localAccepts: values.acceptLocal,
    logFormat: values.logFormat ?? DEFAULTS.logFormat,
    verbosity: values.verbose ?? DEFAULTS.verbosity,
  };
}

/** An option with one value, the last one given. */
function one<T>(flags: string, description: string, parse: (value: string) => T): Option {
  return new Option(flags, description).argParser(value => parseOption(flags, value, parse));
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

function filterName(value: string): string {
  if (!/^[a-z0-9][\w.-]{0,63}$/i.test(value))
    throw new RangeError(`'${value}' is not a name: expected at most 64 letters, digits and any of . _ -`);
  return value;
}

function octalMode(value: string): number {
  if (!/^0?[0-7]{3}$/.test(value))
    throw new RangeError(`'${value}' is not a mode: expected three octal digits, such as 660`);
  return Number.parseInt(value, 8);
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Who comes back after the retry window starts anew, so a longer delay would never be over. */
function delay(value: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds <= 0 || milliseconds >= DEFAULTS.greylist.retryWindow)
    throw new RangeError(`'${value}' can't work: expected more than nothing, and less than the retry window of 2d`);
  return milliseconds;
}
