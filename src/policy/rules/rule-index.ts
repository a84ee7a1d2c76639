/**
 * The index: which rules could hold for a question, by their anchors. However many rules there are, a question looks up its own
 * address, names and mail addresses, and only what is found there is evaluated.
 */
import { PatternTable } from '../../lists/pattern-table.ts';
import type { Subject } from '../../lists/subject.ts';
import type { Address } from '../../net/address.ts';
import type { Network } from '../../net/network.ts';
import { PrefixTable } from '../../net/prefix-table.ts';
import type { Question } from '../question.ts';
import type { Anchor } from './anchor.ts';

/** The rules anchored at one network, and the next wider network that has some. */
interface Place {
  readonly rules: readonly number[];
  readonly around: Place | undefined;
}

type Patterns = PatternTable<number[]>;

const none: readonly number[] = [];

export class RuleIndex {
  readonly #always: readonly number[];
  readonly #clients: PrefixTable<Place>;
  readonly #senders: Patterns;
  readonly #recipients: Patterns;
  readonly #names: Patterns;
  /** All that are anchored at names: for clients whose name could not be found out. */
  readonly #named: readonly number[];
  readonly #helos: Patterns;
  readonly #users: Patterns;

  constructor(anchors: readonly (Anchor | undefined)[]) {
    this.#always = anchors.flatMap((anchor, rule) => (anchor === undefined ? [rule] : none));
    this.#named = anchors.flatMap((anchor, rule) => (anchor?.kind === 'name' ? [rule] : none));
    this.#clients = placesOf(anchors);
    const [senders, recipients, names, helos, users] = (['sender', 'recipient', 'name', 'helo', 'auth'] as const).map(
      kind => tableOf(anchors, kind),
    ) as [Patterns, Patterns, Patterns, Patterns, Patterns];
    this.#senders = senders;
    this.#recipients = recipients;
    this.#names = names;
    this.#helos = helos;
    this.#users = users;
  }

  /** The rules that are found at this address. */
  at(address: Address | undefined): readonly number[] {
    const found: number[] = [];
    const runs = this.#addClients(address, found);
    return runs > 1 ? sorted(found) : found;
  }

  /** The rules that could hold, each once, in order. */
  candidates(question: Question): readonly number[] {
    let found: number[] | undefined;
    let runs = 0;
    const take = (rules: readonly number[]): void => {
      found = found === undefined ? [...rules] : found.concat(rules);
      runs++;
    };
    const { address } = question.envelope.session;
    if (address !== undefined && this.#clients.size > 0) {
      for (let place = this.#clients.find(address); place !== undefined; place = place.around) take(place.rules);
    }
    if (this.#senders.size > 0) this.#senders.each(question.sender, take);
    if (this.#recipients.size > 0) this.#recipients.each(question.recipient, take);
    if (this.#named.length > 0) {
      if (question.nameUnknown) take(this.#named);
      else this.#each(this.#names, question.name, take);
    }
    if (this.#helos.size > 0) this.#each(this.#helos, question.helo, take);
    if (this.#users.size > 0) this.#each(this.#users, question.user, take);
    if (found === undefined) return this.#always;
    if (this.#always.length > 0) take(this.#always);
    return runs > 1 ? sorted(found) : found;
  }

  #addClients(address: Address | undefined, found: number[]): number {
    let runs = 0;
    if (address === undefined) return runs;
    for (let place = this.#clients.find(address); place !== undefined; place = place.around) {
      found.push(...place.rules);
      runs++;
    }
    return runs;
  }

  #each(table: Patterns, subject: Subject | undefined, take: (rules: readonly number[]) => void): void {
    if (subject !== undefined) table.each(subject, take);
  }
}

/** In order, each once: a rule may be found in several places. */
function sorted(rules: number[]): readonly number[] {
  rules.sort((one, other) => one - other);
  return rules.filter((rule, index) => rule !== rules[index - 1]);
}

/** Wider networks first, so that a narrower one finds the place around it. */
function placesOf(anchors: readonly (Anchor | undefined)[]): PrefixTable<Place> {
  const rules = new Map<string, { readonly network: Network; readonly rules: number[] }>();
  for (const [rule, anchor] of anchors.entries()) {
    if (anchor?.kind !== 'client') continue;
    for (const network of anchor.networks) {
      const present = rules.get(network.text);
      if (present === undefined) rules.set(network.text, { network, rules: [rule] });
      else if (present.rules.at(-1) !== rule) present.rules.push(rule);
    }
  }
  const table = new PrefixTable<Place>();
  const widestFirst = [...rules.values()].toSorted((one, other) => one.network.prefix - other.network.prefix);
  for (const { network, rules: own } of widestFirst) {
    table.add(network, { rules: own, around: table.find(network.base) });
  }
  return table;
}

function tableOf(anchors: readonly (Anchor | undefined)[], kind: Exclude<Anchor['kind'], 'client'>): Patterns {
  const table: Patterns = new PatternTable();
  for (const [rule, anchor] of anchors.entries()) {
    if (anchor?.kind !== kind) continue;
    for (const key of anchor.keys) {
      const present = table.get(key);
      if (present === undefined) table.add(key, [rule]);
      else if (present.at(-1) !== rule) present.push(rule);
    }
  }
  return table;
}
