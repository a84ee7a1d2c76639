/**
 * `correspondents`: senders to whom the recipient has written of late. Mail without a sender is nobody's answer.
 */
import type { Check } from '../check.ts';
import type { Accept } from '../verdict.ts';

/** Who knows whom our users have written to (`learning/correspondents.ts`). May throw. */
export interface CorrespondentsPort {
  isKnown(sender: string, recipient: string): boolean;
}

const correspondent: Accept = { action: 'accept', reason: 'correspondent' };

export function correspondentsCheck(correspondents: CorrespondentsPort): Check {
  return {
    name: 'correspondents',
    canAccept: true,
    run: ({ sender, recipient }) => (correspondents.isKnown(sender, recipient) ? correspondent : undefined),
    subject: ({ sender, recipient }) => `whether <${recipient}> has written to <${sender}>`,
  };
}
