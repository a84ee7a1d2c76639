/**
 * Senders that mail servers use to ask whether a recipient exists, without sending a message: the null sender above all.
 * Greylisting them at RCPT would make the asker delay our own users' mail.
 */
import { localPart } from './local-part.ts';

/** `double-bounce` is Postfix's address_verify_sender. */
const localParts: ReadonlySet<string> = new Set(['postmaster', 'double-bounce']);

export function isCalloutSender(sender: string): boolean {
  return sender === '' || localParts.has(localPart(sender));
}
