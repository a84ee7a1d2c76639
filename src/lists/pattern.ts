/**
 * Patterns as administrators write them in rules and lists, read into the form that subjects have as keys (`subject.ts`).
 * Each reader throws a `PatternError` for what makes no sense, and so for what would match something else than was meant.
 */
import { parseAddress } from '../net/address.ts';
import { comparableName, isDomainName } from './domain-name.ts';
import { Expression, isExpression } from './expression.ts';
import { PatternError } from './pattern-error.ts';
import { MailSubject } from './subject.ts';

/** A key, or a regular expression. */
export type Pattern = string | Expression;

export type PatternReader = (text: string) => Pattern;

/** `mail.example.net` is that host, `.example.net` the domain and all below it; whole labels only. */
export function parseNamePattern(text: string): Pattern {
  if (isExpression(text)) return new Expression(text);
  const below = text.startsWith('.');
  const name = comparableName(below ? text.slice(1) : text);
  if (isDomainName(name)) return below ? `.${name}` : name;
  const expected = 'expected a name such as mail.example.net, or .example.net for that domain and all below it';
  if (text.includes('*')) throw new PatternError(`${expected}; a leading dot does what * is meant to do`);
  if (parseAddress(text) !== undefined) throw new PatternError(`${expected}; this is an address`);
  throw new PatternError(`${expected}, or a regular expression such as /^mx\\d+\\./`);
}

/** The name in HELO is whatever a client says: names as above, and address literals such as `[192.0.2.7]`. */
export function parseHeloPattern(text: string): Pattern {
  const literal = text.startsWith('[') && parseAddress(text) !== undefined;
  const bare = parseAddress(text) !== undefined;
  return literal || bare ? text.toLowerCase() : parseNamePattern(text);
}

const expectedMail = 'expected user@example.org, @example.org, @.example.org (with all domains below it) or user@';

/** `user@example.org`, `@example.org`, `@.example.org`, `user@` (in any domain), `<>` for the null sender. */
export function parseMailPattern(text: string): Pattern {
  if (isExpression(text)) return new Expression(text);
  if (text === '<>') return text;
  const at = text.lastIndexOf('@');
  if (/[\s<>\p{Cc}]/u.test(text)) throw new PatternError(`${expectedMail}, without spaces and angle brackets`);
  if (text.includes('*')) throw new PatternError(`${expectedMail}; leave out what * is meant to stand for`);
  if (at === -1) {
    throw new PatternError(`${expectedMail}; for the domain write @${text}, for the local part ${text}@`);
  }
  // An address may have another @ in its local part only within quotes (RFC 5321 section 4.1.2).
  if (text.indexOf('@') !== at && !text.startsWith('"')) throw new PatternError(`${expectedMail}, with one @`);
  const domain = text.slice(at + 1);
  if (at === 0 && domain.startsWith('.')) return `@.${domainOf(domain.slice(1))}`;
  if (at === 0) return `@${domainOf(domain)}`;
  if (domain !== '') domainOf(domain);
  // The key that names the address as it stands comes first.
  return new MailSubject(text).keys[0] as string;
}

/** Compared as it stands. */
export function parseWordPattern(text: string): Pattern {
  if (isExpression(text)) return new Expression(text);
  if (text === '') throw new PatternError('is empty; expected a word or a regular expression between slashes');
  return text;
}

function domainOf(text: string): string {
  const name = comparableName(text);
  if (isDomainName(name) || (text.startsWith('[') && text.endsWith(']'))) return name;
  throw new PatternError(expectedMail);
}
