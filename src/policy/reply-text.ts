/**
 * Reply texts: templates with names in braces, compiled once when the configuration is read. A reply is one line of printable
 * ASCII, whatever a client put into its addresses. (`%` is doubled by the milter library: that is a matter of the protocol.)
 */
import { safeText } from './safe-text.ts';

/** What a template may name. A value that a case does not have, such as the wait of a rejection, is empty. */
export interface ReplyValues {
  /** `{WAIT}` and, as HH:MM:SS, `{TIME}`: whole seconds. */
  readonly wait?: number;
  /** `{ADDR}` */
  readonly address?: string;
  /** `{DNSBL}` */
  readonly dnsbl?: string;
  /** `{SENDER}` */
  readonly sender?: string;
  /** `{RECIPIENT}` */
  readonly recipient?: string;
  /** `{ID}`: the decision's id, as in the log. */
  readonly id?: string;
}

/** A compiled template: gives the text for some values. */
export type ReplyText = (values: ReplyValues) => string;

/** A template makes no sense. The message names the template, what is wrong and what may stand there. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const fields: Readonly<Record<string, (values: ReplyValues) => string>> = {
  WAIT: ({ wait }) => (wait === undefined ? '' : String(wait)),
  TIME: ({ wait }) => (wait === undefined ? '' : clockTime(wait)),
  ADDR: ({ address = '' }) => address,
  DNSBL: ({ dnsbl = '' }) => dnsbl,
  SENDER: ({ sender = '' }) => sender,
  RECIPIENT: ({ recipient = '' }) => recipient,
  ID: ({ id = '' }) => id,
};
const names = Object.keys(fields).map(name => `{${name}}`);

/** Longest value: enough for every address anyone types, and three of them leave room for words. */
const valueLimit = 128;
/** RFC 5321 section 4.5.3.1.5 allows 512 bytes a line, with the codes before the text and CRLF behind it. */
const textLimit = 490;

/**
 * Compiles a template; `name` is what the configuration calls it.
 *
 * @throws TemplateError for a name in braces that is not known, and for text that can't stand in a reply
 */
export function compileReplyText(name: string, template: string): ReplyText {
  const problem = (what: string): TemplateError => new TemplateError(`template "${name}": ${what}`);
  if (template.trim() === '') throw problem('is empty; expected one line of text');
  if (/[^\x20-\x7e]/.test(template)) throw problem('expected one line of printable ASCII');
  if (template.length > textLimit) throw problem(`is longer than ${textLimit} characters`);
  // The odd pieces are the names.
  const pieces = template.split(/\{([^{}]*)\}/).map((piece, index) => {
    if (index % 2 === 0) return piece;
    const field = Object.hasOwn(fields, piece) ? fields[piece] : undefined;
    if (field === undefined) throw problem(`{${piece}} is not known; expected one of ${names.join(' ')}`);
    return field;
  });
  return values => {
    let text = '';
    for (const piece of pieces) text += typeof piece === 'string' ? piece : safeText(piece(values), valueLimit);
    return text.length > textLimit ? text.slice(0, textLimit) : text;
  };
}

/** HH:MM:SS; more than 99 hours stay hours. */
function clockTime(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
