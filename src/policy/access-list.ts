/**
 * A list of whom to welcome, or not: clients, names, senders, recipients, and triples of them (`lists/triple.ts`). The short form
 * of rules that look at one thing each.
 */
import type { ListFiles, ListRequest } from '../lists/list-files.ts';
import type { Pattern } from '../lists/pattern.ts';
import { PatternTable } from '../lists/pattern-table.ts';
import type { NameSubject, Subject } from '../lists/subject.ts';
import { type Triple, TripleTable } from '../lists/triple.ts';
import type { Network } from '../net/network.ts';
import { PrefixTable } from '../net/prefix-table.ts';
import { type ClientNames, type NameStanding, nameSubject } from './client-name.ts';
import type { Session } from './envelope.ts';
import type { Question } from './question.ts';
import type { Values } from './rules/rule.ts';

/** What an administrator lists. */
export interface ListEntries {
  readonly clients: Values<Network>;
  readonly names: Values<Pattern>;
  /** Take the MTA's word for clients' names. */
  readonly unverified: boolean;
  readonly senders: Values<Pattern>;
  readonly recipients: Values<Pattern>;
  readonly triples: Values<Triple>;
}

export const noEntries: ListEntries = {
  clients: { values: [], files: [] },
  names: { values: [], files: [] },
  unverified: false,
  senders: { values: [], files: [] },
  recipients: { values: [], files: [] },
  triples: { values: [], files: [] },
};

/** What a list knows of a question: where it is listed, that it may be (a name could not be looked up), or nothing. */
export type Listing = { readonly at: string } | 'unknown' | undefined;

/** The files that a list names. */
export function listedFiles(entries: ListEntries): readonly ListRequest[] {
  const { clients, names, senders, recipients, triples } = entries;
  const files = (kind: ListRequest['kind'], { files: all }: Values<unknown>): readonly ListRequest[] =>
    all.map(file => ({ kind, file }));
  return [
    ...files('client', clients),
    ...files('name', names),
    ...files('mail', senders),
    ...files('mail', recipients),
    ...files('triple', triples),
  ];
}

export class AccessList {
  /** Whether anything but clients' addresses is listed. */
  readonly hasMore: boolean;
  readonly #clients: readonly PrefixTable<string>[];
  readonly #names: readonly PatternTable<string>[];
  readonly #unverified: boolean;
  readonly #senders: readonly PatternTable<string>[];
  readonly #recipients: readonly PatternTable<string>[];
  readonly #triples = new TripleTable();
  readonly #hasNameTriples: boolean;
  /** Asked several times at CONNECT: the last answers are kept. */
  #lastClient: { readonly session: Session; readonly at: string | undefined } | undefined;
  #last: { readonly name: NameSubject; readonly at: string | undefined } | undefined;

  /** @param key what the configuration calls the list, for the place of what stands there */
  constructor(key: string, entries: ListEntries, files: ListFiles) {
    const { clients, names, unverified, senders, recipients, triples } = entries;
    const own = new PrefixTable<string>();
    for (const network of clients.values) own.add(network, `${key}.clients`);
    this.#clients = [...(own.size > 0 ? [own] : []), ...clients.files.map(file => files.networks(file))];
    const tables = (kind: 'name' | 'mail', what: string, { values, files: all }: Values<Pattern>) => {
      const table = new PatternTable<string>();
      for (const pattern of values) table.add(pattern, `${key}.${what}`);
      return [...(table.size > 0 ? [table] : []), ...all.map(file => files.patterns(kind, file))];
    };
    this.#names = tables('name', 'names', names);
    this.#unverified = unverified;
    this.#senders = tables('mail', 'senders', senders);
    this.#recipients = tables('mail', 'recipients', recipients);
    let hasNames = false;
    const add = (triple: Triple, at: string): void => {
      this.#triples.add(triple, at);
      hasNames ||= triple.kind === 'name';
    };
    for (const triple of triples.values) add(triple, `${key}.triples`);
    for (const file of triples.files) for (const { value, at } of files.items('triple', file)) add(value, at);
    this.#hasNameTriples = hasNames;
    const patterns = [...this.#names, ...this.#senders, ...this.#recipients];
    this.hasMore = patterns.some(({ size }) => size > 0) || this.#triples.size > 0;
  }

  /** Where the client's address is listed. */
  client(session: Session): string | undefined {
    if (this.#lastClient?.session !== session) this.#lastClient = { session, at: this.#clientAt(session) };
    return this.#lastClient.at;
  }

  #clientAt({ address }: Session): string | undefined {
    if (address === undefined) return undefined;
    for (const table of this.#clients) {
      const found = table.find(address);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether the client goes by a name that would have to be confirmed. */
  mayAskName(session: Session): boolean {
    if (this.#unverified || (this.#names.length === 0 && !this.#hasNameTriples)) return false;
    const name = nameSubject(session);
    return name !== undefined && (this.#hasNameTriples || this.#nameAt(name) !== undefined);
  }

  /** Asked at CONNECT and for every recipient: the last answer is kept. */
  #nameAt(name: NameSubject): string | undefined {
    if (this.#last?.name !== name) this.#last = { name, at: find(this.#names, name) };
    return this.#last.at;
  }

  find(question: Question, names: ClientNames): Listing | Promise<Listing> {
    const at = this.client(question.envelope.session) ?? (this.hasMore ? this.#byMail(question) : undefined);
    if (at !== undefined) return { at };
    return this.#byName(question, names);
  }

  #byMail(question: Question): string | undefined {
    const { helo, envelope } = question;
    const { address } = envelope.session;
    if (this.#senders.length > 0) {
      const at = find(this.#senders, question.sender);
      if (at !== undefined) return at;
    }
    if (this.#recipients.length > 0) {
      const at = find(this.#recipients, question.recipient);
      if (at !== undefined) return at;
    }
    if (this.#triples.size === 0 || address === undefined) return undefined;
    const { sender, recipient } = question;
    const bySender = this.#triples.find(address, 'sender', sender, recipient);
    return bySender ?? (helo && this.#triples.find(address, 'helo', helo, recipient));
  }

  #byName(question: Question, names: ClientNames): Listing | Promise<Listing> {
    if (this.#names.length === 0 && !this.#hasNameTriples) return undefined;
    const { name, envelope } = question;
    if (name === undefined) return question.nameUnknown ? 'unknown' : undefined;
    const { address } = envelope.session;
    const at = this.#nameAt(name) ?? (address && this.#triples.find(address, 'name', name, question.recipient));
    if (at === undefined) return undefined;
    if (this.#unverified) return { at };
    const judge = (standing: NameStanding): Listing =>
      standing === 'unknown' ? 'unknown' : standing === 'confirmed' ? { at } : undefined;
    const standing = names.standing(envelope.session);
    return typeof standing === 'object' ? standing.then(judge) : judge(standing);
  }
}

function find(tables: readonly PatternTable<string>[], subject: Subject): string | undefined {
  for (const table of tables) {
    const found = table.find(subject);
    if (found !== undefined) return found;
  }
  return undefined;
}
