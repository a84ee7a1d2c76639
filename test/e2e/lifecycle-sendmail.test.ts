/**
 * The daemon is stopped, killed, away, or comes back, while a real Sendmail asks it: without `F=`, as we tell people to set it up.
 */
import { lifecycleCases } from './support/lifecycle-cases.ts';
import { sendmailMissing as skip } from './support/sendmail.ts';
import { startSendmailSystem } from './support/sendmail-system.ts';

lifecycleCases(skip, (t, flags) => startSendmailSystem(t, { flags }));
