/**
 * A private Postfix: its own configuration and queue in a temporary directory, one master process as our child, SMTP on a free
 * port of 127.0.0.1. Clients may pretend to come from anywhere by XCLIENT. Accepted mail is delivered to a sink.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, freePort, run, spawnChild, waitForListener } from '../../support/process.ts';
import { SmtpClient, type XclientAttributes } from '../../support/smtp.ts';
import { SmtpSink } from '../../support/smtp-sink.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { type Missing, missing } from './requirement.ts';

/** Why there can be no Postfix here, or false. */
export const postfixMissing: Missing = await missing(['postfix', 'postconf'], { root: true });

export interface PostfixOptions {
  /** `smtpd_milters`, in any spelling of Postfix: `inet:127.0.0.1:8892`, `unix:/path`, `{ …, default_action=accept }`. */
  readonly milters?: string;
  /** `non_smtpd_milters`, asked about mail from the sendmail command. */
  readonly nonSmtpdMilters?: string;
  /** Whether the SMTP server is confined to the queue directory, as in Debian's master.cf. */
  readonly chroot?: boolean;
  /** Further lines of main.cf, or other values for those below. */
  readonly mainCf?: Readonly<Record<string, string>>;
}

export interface Postfix {
  readonly port: number;
  /** Paths in `milters` that don't begin with a slash are relative to it. */
  readonly queueDirectory: string;
  readonly sink: SmtpSink;
  /** The mail log so far. */
  log(): string;
  /** A client that has greeted as `helo`, from the address and by the name (or with the login) that it pretends to have. */
  connect(owner: Owner, who?: XclientAttributes & { readonly helo?: string }): Promise<SmtpClient>;
  /** Submits a message with its headers by the sendmail command, as local programs do (`sendmail -t`). */
  sendmail(message: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Postfix for an owner and waits until it listens. */
export async function startPostfix(owner: Owner, options: PostfixOptions = {}): Promise<Postfix> {
  const directory = tempDir(owner);
  const sink = await SmtpSink.open(owner);
  const port = await freePort();
  const queueDirectory = await configure(directory, port, sink.port, options);
  const etc = join(directory, 'etc');
  const log = () => (existsSync(join(directory, 'log')) ? readFileSync(join(directory, 'log'), 'utf8') : '');

  const check = await run('postfix', ['-c', etc, 'check']); // makes the queue's directories
  if (check.code !== 0) throw new Error(`postfix check: ${check.stderr}${log()}`);
  const master = spawnChild(owner, join(await compiled('daemon_directory'), 'master'), ['-c', etc, '-s']);
  await up(master, port, log);

  return {
    port,
    queueDirectory,
    sink,
    log,
    async connect(clientOwner, { helo, ...who } = {}) {
      const client = await SmtpClient.connect(clientOwner, { port });
      if (Object.keys(who).length > 0) await client.xclient(who, helo);
      else await client.ehlo(helo);
      return client;
    },
    async sendmail(message) {
      const sent = await run('sendmail', ['-C', etc, '-t', '-i'], { input: message });
      if (sent.code !== 0) throw new Error(`sendmail -t: ${sent.stderr}${log()}`);
    },
    async stop() {
      await master.stop();
    },
  };
}

async function up(master: Child, port: number, log: () => string): Promise<void> {
  try {
    await waitForListener({ port, host: '127.0.0.1' }, master);
  } catch (error) {
    throw new Error(`Postfix did not come up:\n${log()}`, { cause: error });
  }
}

/** A setting that is compiled in, also where Postfix has no main.cf. */
async function compiled(name: string): Promise<string> {
  const { stdout } = await run('postconf', ['-dh', name]);
  return stdout.trim();
}

/** Writes the configuration and returns the queue's directory. */
async function configure(directory: string, port: number, sinkPort: number, options: PostfixOptions): Promise<string> {
  const queueDirectory = join(directory, 'spool');
  const etc = join(directory, 'etc');
  const data = join(directory, 'data');
  mkdirSync(etc);
  mkdirSync(queueDirectory);
  mkdirSync(data, { mode: 0o700 });
  const user = await run('id', ['-u', 'postfix']);
  chownSync(data, Number(user.stdout), 0);
  chmodSync(queueDirectory, 0o755);
  const settings = {
    compatibility_level: '3.6',
    config_directory: etc,
    queue_directory: queueDirectory,
    data_directory: data,
    daemon_directory: await compiled('daemon_directory'),
    command_directory: await compiled('command_directory'),
    maillog_file: join(directory, 'log'),
    maillog_file_prefixes: directory,
    // Nothing leaves the machine, nobody is asked: no DNS, no local users, all accepted mail goes to the sink.
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'all', // with ipv4 alone, XCLIENT refuses IPv6 addresses
    myhostname: 'mx.example.org',
    mydestination: '',
    mynetworks: '192.0.2.254/32',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    relay_domains: 'example.org',
    default_transport: `smtp:[127.0.0.1]:${sinkPort}`,
    relay_transport: `smtp:[127.0.0.1]:${sinkPort}`,
    smtp_dns_support_level: 'disabled',
    smtp_host_lookup: 'native',
    smtp_connection_cache_on_demand: 'no',
    smtp_tls_security_level: 'none',
    smtpd_tls_security_level: 'none',
    smtpd_peername_lookup: 'no',
    smtpd_relay_restrictions: 'reject_unauth_destination',
    smtpd_recipient_restrictions: '',
    smtpd_authorized_xclient_hosts: '127.0.0.0/8',
    smtpd_client_connection_count_limit: '0',
    smtpd_client_event_limit_exceptions: '0.0.0.0/0',
    smtpd_error_sleep_time: '0',
    smtpd_soft_error_limit: '1000',
    smtpd_hard_error_limit: '1000',
    smtpd_junk_command_limit: '1000',
    smtpd_milters: options.milters ?? '',
    non_smtpd_milters: options.nonSmtpdMilters ?? '',
    milter_default_action: 'tempfail', // a milter that does not work is seen
    ...options.mainCf,
  };
  const main = join(etc, 'main.cf');
  writeFileSync(
    main,
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  );
  writeFileSync(join(etc, 'master.cf'), masterCf(port, options.chroot));
  // Postfix reads a main.cf again and again while it is younger than two seconds, which makes the start that slow.
  utimesSync(main, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
  return queueDirectory;
}

/** The services: name, type, private, unprivileged, chroot, wake-up, process limit, command. */
function masterCf(port: number, chroot = false): string {
  return `
127.0.0.1:${port} inet       n - ${chroot ? 'y' : 'n'} -   - smtpd
pickup          unix       n - n 60  1 pickup
cleanup         unix       n - n -   0 cleanup
qmgr            unix       n - n 300 1 qmgr
rewrite         unix       - - n -   - trivial-rewrite
bounce          unix       - - n -   0 bounce
defer           unix       - - n -   0 bounce
trace           unix       - - n -   0 bounce
error           unix       - - n -   - error
retry           unix       - - n -   - error
smtp            unix       - - n -   - smtp
proxymap        unix       - - n -   - proxymap
anvil           unix       - - n -   1 anvil
showq           unix       n - n -   - showq
postlog         unix-dgram n - n -   1 postlogd
`;
}
