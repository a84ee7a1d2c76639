/**
 * `replies`: the texts that clients see; templates, see `policy/reply-text.ts`.
 */
import * as z from 'zod';
import { defaultTemplates, type ReplyTemplates } from '../../policy/replies.ts';
import { compileReplyText } from '../../policy/reply-text.ts';
import { type Schema, scalar } from './values.ts';

/** A template, checked; what is wrong with it is told without its name, which the key tells. */
export function template(): Schema<string> {
  return scalar(
    'one line of text',
    text => {
      try {
        compileReplyText('', text);
      } catch (error) {
        throw new RangeError((error as Error).message.replace(/^template "": /, ''), { cause: error });
      }
      return text;
    },
    { type: 'string' },
  );
}

export const repliesSchema: Schema<ReplyTemplates> = z.strictObject({
  greylisted: template()
    .prefault(defaultTemplates.greylisted)
    .describe('451 4.7.1, to a first attempt and whoever starts the wait anew.'),
  early: template().prefault(defaultTemplates.early).describe('451 4.7.1, to who comes back too early.'),
  fault: template()
    .prefault(defaultTemplates.fault)
    .describe('451 4.3.0, when the greylist fails and `onFailure` is `tempfail`.'),
  blacklisted: template().prefault(defaultTemplates.blacklisted).describe('550 5.7.1, to clients on the blacklist.'),
});
