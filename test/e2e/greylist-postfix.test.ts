/**
 * Greylisting as the clients of a real Postfix see it, with the daemon on a unix socket and on a TCP port.
 */
import { before, describe } from 'node:test';
import { suiteOwner } from '../support/suite-owner.ts';
import { DELAY, greylistCases } from './support/greylist-cases.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { postfixMissing as skip } from './support/postfix.ts';

for (const transport of ['unix', 'inet'] as const) {
  describe(`Postfix asks over ${transport === 'unix' ? 'a unix socket' : 'TCP'}`, { skip, concurrency: true }, () => {
    const owner = suiteOwner();
    let system: MailSystem;
    before(async () => {
      system = await startPostfixSystem(owner, { transport, flags: ['--greytimeout', `${DELAY / 1000}`] });
    });
    greylistCases(() => system);
  });
}
