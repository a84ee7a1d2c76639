/**
 * Greylisting as the clients of a real Sendmail see it, with the daemon on a unix socket: over TCP each step would cost 44 ms more.
 */
import { before, describe } from 'node:test';
import { suiteOwner } from '../support/suite-owner.ts';
import { DELAY, greylistCases } from './support/greylist-cases.ts';
import type { MailSystem } from './support/mail-system.ts';
import { sendmailMissing as skip } from './support/sendmail.ts';
import { startSendmailSystem } from './support/sendmail-system.ts';

describe('Sendmail asks over a unix socket', { skip, concurrency: true }, () => {
  const owner = suiteOwner();
  let system: MailSystem;
  before(async () => {
    system = await startSendmailSystem(owner, { flags: ['--greytimeout', `${DELAY / 1000}`] });
  });
  greylistCases(() => system);
});
