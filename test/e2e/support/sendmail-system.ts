/**
 * A mail system with Sendmail: the daemon on a unix socket, then Sendmail, set up with the very equates that the daemon prints
 * for `sendmail.mc`. They have no `F=`, so mail passes when the daemon does not work: a test of an acceptance must look at the
 * daemon's log as well.
 */
import { join } from 'node:path';
import { startDaemon } from '../../support/daemon.ts';
import { type Owner, tempDir } from '../../support/temp-dir.ts';
import { MailSystem } from './mail-system.ts';
import { type Sendmail, type SendmailOptions, socketDir, startSendmail } from './sendmail.ts';

export interface SendmailSystemOptions {
  /** Flags of the daemon; `-s` and `--cachedb` are taken care of. */
  readonly flags?: readonly string[];
  /** All but the milter. */
  readonly sendmail?: Omit<SendmailOptions, 'milter'>;
}

export async function startSendmailSystem(
  owner: Owner,
  { flags = [], sendmail = {} }: SendmailSystemOptions = {},
): Promise<MailSystem<Sendmail>> {
  const socket = join(socketDir(owner), 'milter.sock');
  const options = { socket, database: join(tempDir(owner), 'greylist.db'), flags };
  const daemon = await startDaemon(owner, options);
  const [, milter = ''] = await daemon.child.line(/^ {2}INPUT_MAIL_FILTER\(`greylist', `(.*)'\)dnl$/);
  return new MailSystem(owner, await startSendmail(owner, { ...sendmail, milter }), daemon, options);
}
