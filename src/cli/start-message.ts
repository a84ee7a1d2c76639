/**
 * What the daemon prints when it is up: where it is, and the very lines that make Postfix and Sendmail ask it.
 */
import { resolve } from 'node:path';
import { formatListenAddress, type ListenAddress, parseListenAddress } from '../milter/listen-address.ts';
import { VERSION } from '../version.ts';

export interface StartMessageOptions {
  /** Addresses in use, in any spelling that `parseListenAddress` reads. */
  readonly listening: readonly string[];
  readonly database: string;
  readonly acceptLocal: boolean;
  /** How the program is called; default `milter-greylist`. */
  readonly command?: string;
}

/** Postfix's queue directory, which relative paths and chrooted processes start from. */
const QUEUE_DIRECTORY = '/var/spool/postfix/';

/** The whole text, ending in a line feed. */
export function startMessage(options: StartMessageOptions): string {
  const { listening, database, acceptLocal, command = 'milter-greylist' } = options;
  const addresses = listening.map(parseListenAddress);
  const known = addresses.filter(address => address.kind !== 'fd');
  const lines = [
    `milter-greylist ${VERSION}`,
    ...listening.map(at => `  listens at  ${at}`),
    `  database    ${database}`,
  ];
  lines.push(
    '',
    ...(acceptLocal
      ? [
          'Clients with loopback or private addresses are accepted unasked. If a proxy or NAT makes every client',
          'look private, use --no-accept-local.',
        ]
      : ['Clients with loopback or private addresses are treated like all others.']),
  );
  lines.push('', ...mailServer(addresses));
  const target = known[0];
  if (target) {
    lines.push(
      '',
      'To see it work without a mail server:',
      `  ${command} probe -s ${probeSocket(target)} --ip 203.0.113.7 --helo mx.example.net \\`,
      '    --from a@example.net --to b@example.org --repeat 2',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The lines for Postfix and Sendmail alone, ending in a line feed. */
export function mailServerLines(sockets: readonly string[]): string {
  return `${mailServer(sockets.map(parseListenAddress)).join('\n')}\n`;
}

function mailServer(addresses: readonly ListenAddress[]): readonly string[] {
  const known = addresses.filter(address => address.kind !== 'fd');
  const remark = known.map(chrootRemark).find(text => text !== undefined);
  // Two lines in one file: of Postfix's the last would count, and Sendmail would ask the daemon twice.
  const these = addresses.length > 1 ? ', one of these lines' : '';
  return [
    ...(known.length < addresses.length
      ? ['A socket came from outside (fd:). In the lines below, put the address that it was bound to.', '']
      : []),
    `Postfix: in main.cf${these} (if smtpd_milters is set already, add the part in braces to it), then "postfix reload":`,
    ...addresses.map(address => `  smtpd_milters = ${postfixMilter(address)}`),
    ...(remark ?? []),
    '',
    `Sendmail: in sendmail.mc${these}, then make sendmail.cf anew and restart:`,
    ...addresses.map(address => `  ${sendmailFilter(address)}`),
  ];
}

/** The milter as one entry of `smtpd_milters`, which keeps its own timeout and what to do without it (Postfix 3.0 and newer). */
export function postfixMilter(address: ListenAddress): string {
  return `{ ${postfixSocket(address)}, default_action=accept, command_timeout=15s }`;
}

/** The line for sendmail.mc. Without `F=` mail passes while the filter is down; the timeouts are those of sendmail's `T=`. */
export function sendmailFilter(address: ListenAddress): string {
  return `INPUT_MAIL_FILTER(\`greylist', \`S=${sendmailSocket(address)}, T=C:10s;S:30s;R:30s;E:5m')dnl`;
}

function postfixSocket(address: ListenAddress): string {
  switch (address.kind) {
    case 'unix': {
      const path = resolve(address.path);
      return `unix:${path.startsWith(QUEUE_DIRECTORY) ? path.slice(QUEUE_DIRECTORY.length) : path}`;
    }
    case 'inet': {
      const host = reachable(address.host);
      return host.includes(':') ? `inet:[${host}]:${address.port}` : `inet:${host}:${address.port}`;
    }
    case 'fd':
      return 'ADDRESS';
  }
}

function sendmailSocket(address: ListenAddress): string {
  switch (address.kind) {
    case 'unix':
      return `local:${probeSocket(address)}`;
    case 'inet':
    case 'fd':
      return probeSocket(address);
  }
}

/** As our own commands and Sendmail spell it. No brackets: Sendmail 8.17 takes `[::1]` and then fails to connect, `Invalid argument`. */
function probeSocket(address: ListenAddress): string {
  switch (address.kind) {
    case 'unix':
      return resolve(address.path);
    case 'inet':
      return formatListenAddress({ ...address, host: reachable(address.host) });
    case 'fd':
      return 'ADDRESS';
  }
}

/** Nobody can connect to "all addresses". */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function chrootRemark(address: ListenAddress): readonly string[] | undefined {
  if (address.kind !== 'unix') return undefined;
  if (resolve(address.path).startsWith(QUEUE_DIRECTORY))
    return [`  (the path is meant from ${QUEUE_DIRECTORY}, with chroot and without)`];
  return [
    '  (if smtpd runs chrooted, as on Debian, it can reach sockets below its queue directory only:',
    `  use -s ${QUEUE_DIRECTORY}milter-greylist/milter.sock)`,
  ];
}
