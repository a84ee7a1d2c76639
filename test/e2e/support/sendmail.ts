/**
 * A private Sendmail: Debian's, unpacked by `get-sendmail.sh` and not installed. It lives in a network of its own in which every
 * address is local, so a client can come from anywhere, by IPv4 or IPv6, and nothing can leave. Unix sockets are not bound to
 * a network: the milter and the sink stay outside. Local recipients, `@example.org`, are delivered to the sink, which sees their
 * local parts alone.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from '../../support/bell.ts';
import { type Child, run, spawnChild } from '../../support/process.ts';
import { SmtpClient } from '../../support/smtp.ts';
import { SmtpSink } from '../../support/smtp-sink.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { type Missing, missing } from './requirement.ts';
import { startSaslauthd } from './saslauthd.ts';

const root = fileURLToPath(new URL('../../../node_modules/.cache/sendmail', import.meta.url));
const program = join(root, 'usr/libexec/sendmail/sendmail');

/** Why there can be no Sendmail here, or false. */
export const sendmailMissing: Missing = existsSync(program)
  ? await missing(['m4', 'socat', 'nsenter', 'unshare', 'ip'], { root: true })
  : 'Sendmail is not there (test/e2e/support/get-sendmail.sh gets it)';

export interface SendmailOptions {
  /** The equates of INPUT_MAIL_FILTER, such as `S=unix:/run/x/milter.sock, F=T, T=R:8s`. No milter unless told. */
  readonly milter?: string;
  /** The names of client addresses, verified both ways. Addresses without a name have none. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Who may log in (AUTH PLAIN), by password. */
  readonly users?: Readonly<Record<string, string>>;
}

export interface Sendmail {
  readonly sink: SmtpSink;
  /** The SMTP traffic so far, both directions. */
  traffic(): string;
  /** A client that has greeted, coming from an address, IPv4 or IPv6. */
  connect(owner: Owner, who: { readonly address: string; readonly helo?: string }): Promise<SmtpClient>;
  /**
   * A client that has greeted, of a `sendmail -bs` that local programs start and talk to over its standard input and output: a
   * pipe, which has no peer, or a socket, whose peer has no address.
   */
  connectLocally(owner: Owner, over: 'pipe' | 'socket'): Promise<SmtpClient>;
  /** Runs a program in Sendmail's network. */
  spawn(owner: Owner, command: readonly string[]): Child;
  /** Submits a message with its headers by the sendmail command, as local programs do (`sendmail -t`). */
  sendmail(message: string): Promise<void>;
  stop(): Promise<void>;
}

/** A directory that Sendmail trusts milter sockets in: neither it nor any above is writable for everyone. */
export function socketDir(owner: Owner): string {
  return tempDir(owner, '/run');
}

/** Starts a Sendmail for an owner and waits until it listens. */
export async function startSendmail(owner: Owner, options: SendmailOptions = {}): Promise<Sendmail> {
  const directory = socketDir(owner);
  const sinkPath = join(directory, 'sink');
  const sink = await SmtpSink.open(owner, sinkPath);
  const saslDirectory = options.users && (await startSaslauthd(owner, 'Sendmail', options.users));
  const cf = await configure(directory, sinkPath, options, saslDirectory);
  const traffic = join(directory, 'traffic');
  const daemon = spawnChild(owner, 'unshare', [
    ...['--net', '--uts', '--mount', 'sh', '-c', enter, 'sh', join(directory, 'hosts')],
    ...[program, '-bD', '-C', cf, '-X', traffic],
  ]);
  await listening(daemon);
  return {
    sink,
    traffic: () => (existsSync(traffic) ? readFileSync(traffic, 'utf8') : ''),
    connect(clientOwner, { address, helo }) {
      const target = address.includes(':') ? `TCP6:[::1]:25,bind=[${address}]` : `TCP4:127.0.0.1:25,bind=${address}`;
      return greeted(inside(clientOwner, daemon, ['socat', 'STDIO', target]), helo);
    },
    connectLocally(clientOwner, over) {
      // what Node calls a pipe is a socket
      const command = { socket: 'exec "$@"', pipe: 'cat | "$@" | cat' }[over];
      return greeted(inside(clientOwner, daemon, ['sh', '-c', command, 'sh', program, '-bs', '-C', cf]));
    },
    spawn: (spawnOwner, command) => spawnChild(spawnOwner, 'nsenter', [...enterFrom(daemon), ...command]),
    async sendmail(message) {
      const sent = await run('nsenter', [...enterFrom(daemon), program, '-C', cf, '-t', '-i'], { input: message });
      if (sent.code !== 0) throw new Error(`sendmail -t: ${sent.stdout}${sent.stderr}`);
    },
    async stop() {
      await daemon.stop();
    },
  };
}

/**
 * Run in fresh network, host name and mount namespaces, with the hosts file and then a command as arguments: makes every
 * address local, takes a full host name (Sendmail waits a minute for one otherwise) and becomes the command.
 */
const enter = `set -e
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind
hostname mx.example.org
mount --bind "$1" /etc/hosts
shift
exec "$@"`;

/** The arguments that make `nsenter` run a command where Sendmail is. */
function enterFrom(daemon: Child): readonly string[] {
  return ['--target', `${daemon.pid}`, '--net', '--uts', '--mount'];
}

/** A command that runs where Sendmail is, for an owner: what it reads and writes. */
function inside(owner: Owner, daemon: Child, command: readonly string[]): Duplex {
  const relay = spawn('nsenter', [...enterFrom(daemon), ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
  owner.after(() => {
    relay.kill();
  });
  return Duplex.from({ readable: relay.stdout, writable: relay.stdin });
}

async function greeted(stream: Duplex, helo?: string): Promise<SmtpClient> {
  const client = new SmtpClient(stream);
  await client.expect(220);
  await client.ehlo(helo);
  return client;
}

/** Waits until the daemon listens on port 25 of both families, seen from its own network. */
async function listening(daemon: Child): Promise<void> {
  const listens = (table: string) => {
    try {
      return /:0019 [0:]+ 0A/.test(readFileSync(`/proc/${daemon.pid}/net/${table}`, 'utf8'));
    } catch {
      return false; // it has ended
    }
  };
  const end = performance.now() + PATIENCE;
  while (performance.now() < end) {
    if (daemon.exit) throw daemon.failure('ended before it listened');
    if (listens('tcp') && listens('tcp6')) return;
    await sleep(10);
  }
  throw daemon.failure(`does not listen after ${PATIENCE} ms`);
}

/** Writes the configuration and returns the path of the cf file. */
async function configure(
  directory: string,
  sinkPath: string,
  options: SendmailOptions,
  saslDirectory: string | undefined,
): Promise<string> {
  const names = Object.entries(options.hosts ?? {}).map(([address, name]) => `${address} ${name}\n`);
  writeFileSync(join(directory, 'hosts'), ['127.0.0.1 localhost\n', ...names].join(''));
  writeFileSync(join(directory, 'service.switch'), 'hosts files\n'); // no DNS
  mkdirSync(join(directory, 'mqueue'), { mode: 0o700 });
  const mc = join(directory, 'sendmail.mc');
  writeFileSync(mc, masterConfiguration(directory, sinkPath, options.milter, saslDirectory));
  const made = await run('m4', [mc]);
  if (made.code !== 0) throw new Error(`m4 ${mc}: ${made.stderr}`);
  const cf = join(directory, 'sendmail.cf');
  writeFileSync(cf, made.stdout);
  return cf;
}

function masterConfiguration(
  directory: string,
  sinkPath: string,
  milter: string | undefined,
  saslDirectory: string | undefined,
): string {
  const define = (name: string, value: string) => `define(\`${name}', \`${value}')dnl\n`;
  return `divert(0)dnl
include(\`${root}/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(\`tests')dnl
OSTYPE(\`linux')dnl
${[
  define('confSERVICE_SWITCH_FILE', join(directory, 'service.switch')),
  define('confDOMAIN_NAME', 'mx.example.org'),
  define('confPID_FILE', join(directory, 'pid')),
  define('QUEUE_DIR', join(directory, 'mqueue')),
  define('confTO_IDENT', '0'),
  define('confBAD_RCPT_THROTTLE', '0'),
  define('confMAX_DAEMON_CHILDREN', '0'),
  // a busy machine is no reason to queue (0 would be one always), refuse or wait
  define('confQUEUE_LA', '10000'),
  define('confREFUSE_LA', '0'),
  define('confDELAY_LA', '0'),
  define('ALIAS_FILE', ''),
  define('STATUS_FILE', ''),
  define('HELP_FILE', ''),
  define('confCT_FILE', ''),
  // local recipients go to the sink by LMTP, whoever they are: no aliases (flag A), no look at passwd (flag w)
  define('LOCAL_MAILER_PATH', '[IPC]'),
  define('LOCAL_MAILER_ARGS', `FILE ${sinkPath}`),
  define('LOCAL_MAILER_FLAGS', 'PSXmnz9'),
  define('LOCAL_MAILER_DSN_DIAGNOSTIC_CODE', 'SMTP'),
].join('')}MODIFY_MAILER_FLAGS(\`LOCAL', \`-wA')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`accept_unqualified_senders')dnl
DAEMON_OPTIONS(\`Name=MTA, Family=inet, Addr=127.0.0.1, Port=25')dnl
DAEMON_OPTIONS(\`Name=MTA6, Family=inet6, Addr=::1, Port=25')dnl
${milter === undefined ? '' : `INPUT_MAIL_FILTER(\`under-test', \`${milter}')dnl\n`}LOCAL_DOMAIN(\`example.org')dnl
${saslDirectory === undefined ? '' : authentication(saslDirectory)}MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;
}

/** AUTH PLAIN, with the settings of the SASL library below a directory. */
function authentication(saslDirectory: string): string {
  return `define(\`confAUTH_MECHANISMS', \`PLAIN')dnl
TRUST_AUTH_MECH(\`PLAIN')dnl
LOCAL_CONFIG
ESASL_CONF_PATH=${saslDirectory}
`;
}
