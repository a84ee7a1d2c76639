/**
 * Subjects: what patterns are compared with, taken apart once, however many patterns there are. The keys of a subject are all
 * exact patterns that hold it, so that a table of any size answers with a few look-ups.
 */
import { comparableName, enclosingDomains } from './domain-name.ts';

/** What an exact pattern looks like. A table that has none of a shape need not be asked for it. */
export const Shape = { whole: 1, user: 2, domain: 4 } as const;

/** `user@` and `@domain` are shapes of their own; whatever else there is names the whole. */
export function shapeOf(key: string): number {
  if (key.startsWith('@')) return Shape.domain;
  return key.endsWith('@') ? Shape.user : Shape.whole;
}

export interface Subject {
  /** In the form that regular expressions see. */
  readonly text: string;
  /** The patterns that name it, its own first. */
  readonly keys: readonly string[];
  /** The shape of each key. */
  readonly shapes: readonly number[];
  /** The patterns for whole domains with all below them that hold it, from the longest name to the shortest. */
  readonly domains: readonly string[];
}

const UPPER_CASE = /[A-Z]/;
const wholeOnly: readonly number[] = [Shape.whole];
const noKeys: readonly string[] = [];

/** A host's name, or whatever a client said in HELO: `mx.example.net`, `.example.net`. */
export class NameSubject implements Subject {
  readonly text: string;
  readonly keys: readonly string[];
  readonly shapes: readonly number[] = wholeOnly;
  #domains: readonly string[] | undefined;

  constructor(name: string) {
    this.text = comparableName(name);
    this.keys = [this.text];
  }

  get domains(): readonly string[] {
    this.#domains ??= enclosingDomains(this.text);
    return this.#domains;
  }
}

/** A word compared as it is, such as a login name. */
export class WordSubject implements Subject {
  readonly text: string;
  readonly keys: readonly string[];
  readonly shapes: readonly number[] = wholeOnly;
  readonly domains: readonly string[] = noKeys;

  constructor(word: string) {
    this.text = word;
    this.keys = [word];
  }
}

/**
 * A mail address without angle brackets: `user@example.org`, `user@`, `@example.org`, `@.example.org`, and for the null sender
 * `<>`. An address with `+ext` is also known without; quotes around a local part that needs none count for nothing
 * (RFC 5321 section 4.1.2). Case is ignored throughout.
 */
export class MailSubject implements Subject {
  readonly text: string;
  readonly #local: string;
  readonly #domain: string;
  #keys: readonly string[] | undefined;
  #domains: readonly string[] | undefined;

  constructor(address: string) {
    const at = address.lastIndexOf('@');
    this.#local = lowerCase(unquoted(at === -1 ? address : address.slice(0, at)));
    this.#domain = at === -1 ? '' : comparableName(address.slice(at + 1));
    this.text = at === -1 ? this.#local : `${this.#local}@${this.#domain}`;
  }

  get keys(): readonly string[] {
    this.#keys ??= this.text === '' ? nullSender : keysOf(this.text, this.#local, this.#domain);
    return this.#keys;
  }

  get shapes(): readonly number[] {
    if (this.text === '') return wholeOnly;
    const hasExtension = this.#local.indexOf('+') > 0;
    if (this.#domain === '') return hasExtension ? usersOnly : userOnly;
    return hasExtension ? extended : plain;
  }

  get domains(): readonly string[] {
    if (this.#domain === '') return noKeys;
    this.#domains ??= enclosingDomains(this.#domain).map(name => `@${name}`);
    return this.#domains;
  }
}

const nullSender: readonly string[] = ['<>'];
/** The shapes of what `keysOf` gives. */
const plain: readonly number[] = [Shape.whole, Shape.user, Shape.domain];
const extended: readonly number[] = [Shape.whole, Shape.whole, Shape.user, Shape.user, Shape.domain];
const userOnly: readonly number[] = [Shape.user];
const usersOnly: readonly number[] = [Shape.user, Shape.user];

function keysOf(address: string, local: string, domain: string): readonly string[] {
  const plus = local.indexOf('+');
  if (plus <= 0) return domain === '' ? [`${local}@`] : [address, `${local}@`, `@${domain}`];
  const bare = local.slice(0, plus);
  const users = [`${local}@`, `${bare}@`];
  return domain === '' ? users : [address, `${bare}@${domain}`, ...users, `@${domain}`];
}

function unquoted(local: string): string {
  if (local.length < 2 || !local.startsWith('"') || !local.endsWith('"')) return local;
  return local.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** ASCII letters only: `toLowerCase` would also turn the Kelvin sign into `k`. */
function lowerCase(text: string): string {
  return !UPPER_CASE.test(text) ? text : text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}
