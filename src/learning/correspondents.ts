/**
 * Correspondents: whom our users have written to, so that the answer is not made to wait. A pair of addresses, theirs and
 * ours, is known for a while after our user last wrote. Addresses count as they are, but for `+ext` on our side and the tags
 * that some servers put before a sender (`prvs=`, BATV); a list's own bounce address is not its people's.
 *
 * Mail within one domain makes no pair: it would let in strangers who pretend to be of our own.
 */
import type { Clock } from '../clock.ts';
import { normalizeAddress } from '../greylist/mail-address.ts';
import { type Kind, Notebook, type NotebookParts } from './notebook.ts';

/** There is nothing to tell of a pair but that it is one. */
const pairKind: Kind<true> = {
  name: 'pair',
  encode: () => 1,
  decode: value => (value === 1 ? true : undefined),
};

/** Who has written to whom: no rules are in it, so it outlives them. */
export type Pairs = Notebook<true>;

export function createPairs(parts: NotebookParts): Pairs {
  return new Notebook(pairKind, parts);
}

const HOUR = 3_600_000;
/** Pairs whose last writing down is remembered. */
const RECENT = 10_000;

export class Correspondents {
  readonly #lifetime: number;
  readonly #clock: Clock;
  readonly #pairs: Pairs;
  /** What was written down lately needs no writing down again: pair to epoch milliseconds. */
  readonly #recent = new Map<string, number>();

  /** @param lifetime milliseconds that a pair is known after our user last wrote */
  constructor(lifetime: number, parts: NotebookParts, pairs: Pairs = createPairs(parts)) {
    this.#lifetime = lifetime;
    this.#clock = parts.clock;
    this.#pairs = pairs;
  }

  /** One of our users has written to somebody. */
  wrote(ours: string, theirs: string): void {
    const pair = pairOf(theirs, ours);
    if (pair === undefined) return;
    const now = this.#clock.now();
    const last = this.#recent.get(pair);
    if (last !== undefined && now >= last && now - last < Math.min(HOUR, this.#lifetime / 24)) return;
    if (this.#recent.size >= RECENT) this.#recent.clear();
    this.#recent.set(pair, now);
    this.#pairs.put(pair, true, now + this.#lifetime);
  }

  /** Whether this recipient of ours has written to this sender of late. Throws a `StoreError`. */
  isKnown(sender: string, recipient: string): boolean {
    const pair = pairOf(sender, recipient);
    return pair !== undefined && this.#pairs.get(pair) === true;
  }
}

/** The draft's order, `prvs=0123456789=local@domain`. */
const BATV = /^prvs=[0-9a-z]{10}=(?=[^@=])/;

/** The two addresses in one; undefined if they can't be a pair. No address has a line feed in it. */
function pairOf(theirs: string, ours: string): string | undefined {
  const them = normalizeAddress(theirs).replace(BATV, '');
  const us = normalizeAddress(ours);
  const domain = us.slice(us.lastIndexOf('@') + 1);
  if (them === '' || us === '' || them.slice(them.lastIndexOf('@') + 1) === domain) return undefined;
  return `${them}\n${withoutExtension(us)}`;
}

function withoutExtension(address: string): string {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address;
}
