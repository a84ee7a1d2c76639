/**
 * Subjects: what patterns are compared with, taken apart once, however many patterns there are. The keys of a subject are all
 * exact patterns that hold it, so that a table of any size answers with a few look-ups.
 */
import { comparableName, enclosingDomains } from './domain-name.ts';

export interface Subject {
  /** In the form that regular expressions see. */
  readonly text: string;
  /** The patterns that name it, its own first. */
  readonly keys: readonly string[];
  /** The patterns for whole domains with all below them that hold it. */
  readonly domains: readonly string[];
}

const noKeys: readonly string[] = [];

/** A host's name, or whatever a client said in HELO: `mx.example.net`, `.example.net`. */
export class NameSubject implements Subject {
  readonly text: string;
  readonly keys: readonly string[];
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
  readonly keys: readonly string[];
  readonly #domain: string;
  #domains: readonly string[] | undefined;

  constructor(address: string) {
    const at = address.lastIndexOf('@');
    const local = lowerCase(unquoted(at === -1 ? address : address.slice(0, at)));
    this.#domain = at === -1 ? '' : comparableName(address.slice(at + 1));
    this.text = at === -1 ? local : `${local}@${this.#domain}`;
    this.keys = address === '' ? nullSender : keysOf(local, this.#domain);
  }

  get domains(): readonly string[] {
    if (this.#domain === '') return noKeys;
    this.#domains ??= enclosingDomains(this.#domain).map(name => `@${name}`);
    return this.#domains;
  }
}

const nullSender: readonly string[] = ['<>'];

function keysOf(local: string, domain: string): readonly string[] {
  const plus = local.indexOf('+');
  const bare = plus > 0 ? local.slice(0, plus) : undefined;
  const users = bare === undefined ? [`${local}@`] : [`${local}@`, `${bare}@`];
  if (domain === '') return users;
  const addresses = bare === undefined ? [`${local}@${domain}`] : [`${local}@${domain}`, `${bare}@${domain}`];
  return [...addresses, ...users, `@${domain}`];
}

function unquoted(local: string): string {
  if (local.length < 2 || !local.startsWith('"') || !local.endsWith('"')) return local;
  return local.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** ASCII letters only: `toLowerCase` would also turn the Kelvin sign into `k`. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}
