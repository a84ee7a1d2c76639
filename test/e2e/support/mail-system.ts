/**
 * A whole mail system: a private mail server, our daemon as its milter, and a sink where delivered mail can be read. The tests
 * of what clients see are written against `MailSystem` and know no particular server.
 */
import { join } from 'node:path';
import { type DaemonOptions, type DaemonProcess, startDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/process.ts';
import { type Delivery, deliver, type SmtpClient } from '../../support/smtp.ts';
import type { SmtpSink } from '../../support/smtp-sink.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { type Postfix, type PostfixOptions, startPostfix } from './postfix.ts';

/** How the mail server reaches the daemon. */
export type Transport = 'unix' | 'inet';

/** Who a client is, as far as every server can be made to believe it. */
export interface Who {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly helo?: string;
}

/** What is asked of a mail server; `Postfix` is one. */
export interface MailServer {
  readonly sink: SmtpSink;
  /** A client that has greeted. */
  connect(owner: Owner, who: Who): Promise<SmtpClient>;
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text?: string;
}

export class MailSystem<Server extends MailServer = MailServer> {
  readonly server: Server;
  readonly #owner: Owner;
  readonly #options: DaemonOptions;
  #daemon: DaemonProcess;

  constructor(owner: Owner, server: Server, daemon: DaemonProcess, options: DaemonOptions) {
    this.server = server;
    this.#owner = owner;
    this.#options = options;
    this.#daemon = daemon;
  }

  /** The one that runs now, or ran last. */
  get daemon(): DaemonProcess {
    return this.#daemon;
  }

  /** Starts the daemon again after it ended, on the same socket and database; with other flags if told. */
  async startDaemon(flags: readonly string[] | undefined = this.#options.flags): Promise<void> {
    this.#daemon = await startDaemon(this.#owner, { ...this.#options, ...(flags && { flags }) });
  }

  /** One message over a connection of its own. */
  async deliver(owner: Owner, who: Parameters<Server['connect']>[1], mail: Mail): Promise<Delivery> {
    const client = await this.server.connect(owner, who);
    const delivery = await deliver(client, mail);
    await client.quit();
    return delivery;
  }
}

export interface SystemOptions {
  readonly transport?: Transport;
  /** Flags of the daemon; `-s` and `--cachedb` are taken care of. */
  readonly flags?: readonly string[];
}

export interface PostfixSystemOptions extends SystemOptions {
  /** All but the milters. */
  readonly postfix?: Omit<PostfixOptions, 'milters' | 'nonSmtpdMilters'>;
  /** Asks the daemon about mail from the sendmail command too. */
  readonly nonSmtpd?: boolean;
}

/**
 * The daemon, then Postfix, set up with the very line that the daemon prints for `main.cf`. That line accepts mail when the
 * daemon does not work, so a test of an acceptance must look at the daemon's log as well.
 */
export async function startPostfixSystem(
  owner: Owner,
  { transport = 'unix', flags = [], postfix = {}, nonSmtpd = false }: PostfixSystemOptions = {},
): Promise<MailSystem<Postfix>> {
  const directory = tempDir(owner);
  const socket = transport === 'unix' ? join(directory, 'milter.sock') : `inet:${await freePort()}@127.0.0.1`;
  const options = { socket, database: join(directory, 'greylist.db'), flags };
  const daemon = await startDaemon(owner, options);
  const [, milters = ''] = await daemon.child.line(/^ {2}smtpd_milters = (.*)$/);
  const server = await startPostfix(owner, { ...postfix, milters, ...(nonSmtpd && { nonSmtpdMilters: milters }) });
  return new MailSystem(owner, server, daemon, options);
}
