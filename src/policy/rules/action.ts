/**
 * What a rule does, compiled: templates are texts with holes, and whatever is the same for every recipient is made once.
 */
import type { Advice } from '../advice.ts';
import type { Envelope } from '../envelope.ts';
import { valuesOf } from '../replies.ts';
import { compileReplyText } from '../reply-text.ts';
import type { Accept, Defer, Fields, Header, Reject } from '../verdict.ts';
import type { Ending, Rule } from './rule.ts';

export interface Action {
  /** In a few words, for the log of a monitored rule: `reject by partners (/etc/rules.yaml:7)`. */
  readonly would: string;
  readonly fields: Fields;
  /** For a message that passes. */
  headers?(envelope: Envelope): readonly Header[];
  readonly ending: Ending['action'] | undefined;
  /** The word, if it is the same for everyone and nothing else comes of it: no more than an acceptance. */
  readonly plain?: Accept;
  /** What is said if there is an ending. */
  word?(envelope: Envelope): Accept | Reject | Defer | Advice;
}

/** @throws TemplateError */
export function compileAction({ name, at, headers, ending }: Rule): Action {
  const fields: Fields = { rule: name, rule_at: at };
  const accept: Accept = { action: 'accept', reason: 'rule', fields };
  const would = `${ending?.action ?? 'header'} by ${name} (${at})`;
  return {
    would,
    fields,
    ending: ending?.action,
    ...(headers.length > 0 && { headers: compileHeaders(name, headers) }),
    ...(ending?.action === 'accept' && headers.length === 0 && { plain: accept }),
    ...(ending && { word: ending.action === 'accept' ? () => accept : compileEnding(name, ending, fields) }),
  };
}

function compileHeaders(rule: string, headers: readonly Header[]): NonNullable<Action['headers']> {
  const compiled = headers.map(({ name, value }) => ({ name, text: compileReplyText(`${rule}: header`, value) }));
  return envelope => compiled.map(({ name, text }) => ({ name, value: text(valuesOf(envelope)) }));
}

function compileEnding(
  rule: string,
  ending: Exclude<Ending, { action: 'accept' }>,
  fields: Fields,
): NonNullable<Action['word']> {
  if (ending.action === 'greylist') return compileGreylist(rule, ending, fields);
  const { action, code, enhanced } = ending;
  const text = compileReplyText(`${rule}: text`, ending.text);
  return envelope => ({ action, reason: 'rule', fields, reply: { code, enhanced, text: text(valuesOf(envelope)) } });
}

function compileGreylist(
  rule: string,
  { delay, reply }: Extract<Ending, { action: 'greylist' }>,
  fields: Fields,
): NonNullable<Action['word']> {
  const terms = delay === undefined ? {} : { delay };
  const advice: Advice = { action: 'advise', next: 'greylist', greylist: terms, fields };
  if (reply === undefined) return () => advice;
  const text = compileReplyText(`${rule}: reply`, reply);
  return envelope => ({
    ...advice,
    greylist: {
      ...terms,
      reply: wait => ({ code: 451, enhanced: '4.7.1', text: text(valuesOf(envelope, wait)) }),
    },
  });
}
