/**
 * The replies of the policy's own checks, and their default texts.
 */
import type { Envelope } from './envelope.ts';
import { compileReplyText, type ReplyText, type ReplyValues } from './reply-text.ts';
import type { Reply } from './verdict.ts';

/** One template a case. */
export interface ReplyTemplates {
  /** First attempt, and every attempt that starts the wait anew. */
  readonly greylisted: string;
  /** Back too early. */
  readonly early: string;
  /** The greylist failed, and `onFailure` is `tempfail`. */
  readonly fault: string;
  readonly blacklisted: string;
}

export const defaultTemplates: ReplyTemplates = {
  greylisted: 'Greylisting in action, please come back later ({WAIT} secs)',
  early: 'Greylisting still in action, please come back later ({WAIT} secs)',
  fault: 'Temporary failure, please come back later',
  blacklisted: 'Rejected. Address {ADDR} is blacklisted',
};

export type Replies = Readonly<Record<keyof ReplyTemplates, (envelope: Envelope, wait?: number) => Reply>>;

/** Compiles the templates, the defaults where none is given. @throws TemplateError */
export function compileReplies(templates: Partial<ReplyTemplates> = {}): Replies {
  const compile = (name: keyof ReplyTemplates): ReplyText =>
    compileReplyText(name, templates[name] ?? defaultTemplates[name]);
  const reply = (code: number, enhanced: string, text: ReplyText): Replies[keyof ReplyTemplates] => {
    return (envelope, wait) => ({ code, enhanced, text: text(valuesOf(envelope, wait)) });
  };
  return {
    greylisted: reply(451, '4.7.1', compile('greylisted')),
    early: reply(451, '4.7.1', compile('early')),
    fault: reply(451, '4.3.0', compile('fault')),
    blacklisted: reply(550, '5.7.1', compile('blacklisted')),
  };
}

/** What a template may say about a recipient. `wait` is in seconds. */
export function valuesOf({ id, session, sender, recipient }: Envelope, wait?: number): ReplyValues {
  return {
    address: session.address?.text ?? '',
    sender,
    recipient,
    id,
    ...(wait === undefined ? {} : { wait }),
  };
}
