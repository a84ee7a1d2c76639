/**
 * What the tests of the rules share: rules written briefly, evidence from tables, and what a book says in a few words.
 */
import { ListFiles } from '../../../src/lists/list-files.ts';
import { parseHeloPattern, parseMailPattern, parseNamePattern, parseWordPattern } from '../../../src/lists/pattern.ts';
import { parseNetwork } from '../../../src/net/network.ts';
import { createClientNames } from '../../../src/policy/client-name.ts';
import type { Envelope } from '../../../src/policy/envelope.ts';
import { compileRules } from '../../../src/policy/rules/compile.ts';
import type { Evidence } from '../../../src/policy/rules/evidence.ts';
import type { Conditions, Ending, Rule, Values } from '../../../src/policy/rules/rule.ts';
import type { RuleBook } from '../../../src/policy/rules/rule-book.ts';
import { FakeResolver } from '../../support/fake-resolver.ts';

export const noFiles: ListFiles = await ListFiles.load([]);

function values<T>(read: (text: string) => T, texts: readonly string[]): Values<T> {
  return { values: texts.map(read), files: [] };
}
export const clients = (...texts: readonly string[]): Pick<Conditions, 'client'> => ({
  client: values(parseNetwork, texts),
});
export const names = (...texts: readonly string[]): Pick<Conditions, 'name'> => ({
  name: values(parseNamePattern, texts),
});
export const helos = (...texts: readonly string[]): Pick<Conditions, 'helo'> => ({
  helo: values(parseHeloPattern, texts),
});
export const senders = (...texts: readonly string[]): Pick<Conditions, 'sender'> => ({
  sender: values(parseMailPattern, texts),
});
export const recipients = (...texts: readonly string[]): Pick<Conditions, 'recipient'> => ({
  recipient: values(parseMailPattern, texts),
});
export const users = (...texts: readonly string[]): Pick<Conditions, 'auth'> => ({
  auth: values(parseWordPattern, texts),
});
export const words = (...texts: readonly string[]): Values<ReturnType<typeof parseWordPattern>> =>
  values(parseWordPattern, texts);

export const accept: Ending = { action: 'accept' };
export const greylist: Ending = { action: 'greylist' };
export const reject: Ending = { action: 'reject', code: 550, enhanced: '5.7.1', text: 'No.' };
export const defer: Ending = { action: 'defer', code: 451, enhanced: '4.7.1', text: 'Later.' };

/** Rules named r0, r1, …, unless they say otherwise. */
export function ruleOf(conditions: Conditions, ending: Ending | undefined, more: Partial<Rule> = {}): Rule {
  return {
    name: 'r',
    at: 'rules:1',
    conditions,
    headers: [],
    monitor: false,
    ...(ending && { ending }),
    ...more,
  };
}

export function bookOf(rules: readonly Rule[], files: ListFiles = noFiles): RuleBook {
  return compileRules(
    rules.map((rule, index) => (rule.name === 'r' ? { ...rule, name: `r${index}` } : rule)),
    files,
  );
}

export function evidenceOf(more: Partial<Evidence> & { readonly zone?: string } = {}): Evidence {
  const { zone = '', ...given } = more;
  return {
    now: () => 0,
    names: createClientNames(new FakeResolver(zone)),
    ballot: () => undefined,
    spf: () => undefined,
    ...given,
  };
}

/** `accept r0`, `reject r1`, `greylist r2`, or `nothing`; behind it what else is told. */
export async function ask(book: RuleBook, envelope: Envelope, evidence: Evidence = evidenceOf()): Promise<string> {
  const word = await book.judge(envelope, evidence);
  if (word === undefined) return 'nothing';
  const { rule, would, doubt, undecided } = word.fields ?? {};
  const action = word.action === 'advise' ? (word.next ?? 'advice') : word.action;
  const more = [would && `would ${would}`, doubt && `doubt ${doubt}`, undecided && `undecided ${undecided}`];
  return [action, rule, ...more].filter(part => part !== undefined).join(' ');
}
