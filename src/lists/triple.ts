/**
 * Triples: a client's network, a sender and a recipient that go together; or a network, the name that the client has or says
 * in HELO, and a recipient. Only exact patterns: there may be very many.
 */
import type { Address } from '../net/address.ts';
import { contains, type Network, parseNetwork } from '../net/network.ts';
import { type Pattern, parseHeloPattern, parseMailPattern, parseNamePattern } from './pattern.ts';
import { PatternError } from './pattern-error.ts';
import { PatternTable } from './pattern-table.ts';
import type { Subject } from './subject.ts';

/** What stands in the middle: whose pattern it is. */
export type TripleKind = 'sender' | 'helo' | 'name';

export interface Triple {
  readonly client: Network;
  readonly kind: TripleKind;
  /** The key of the sender or name. */
  readonly party: string;
  readonly recipient: string;
}

const readers = { sender: parseMailPattern, helo: parseHeloPattern, name: parseNamePattern } as const;

/** A triple of texts. @throws PatternError, NetworkError */
export function parseTriple(client: string, kind: TripleKind, party: string, recipient: string): Triple {
  return {
    client: parseNetwork(client),
    kind,
    party: exact(party, readers[kind](party)),
    recipient: exact(recipient, parseMailPattern(recipient)),
  };
}

/** A line of a file: `192.0.2.0/24 sender@example.net user@example.org`, or `helo=` or `name=` in the middle. */
export function parseTripleLine(text: string): Triple {
  const [client, party, recipient, ...more] = text.split(/\s+/);
  if (client === undefined || party === undefined || recipient === undefined || more.length > 0) {
    throw new PatternError('expected an address or network, a sender (or helo=NAME or name=NAME) and a recipient');
  }
  const [, kind, name = ''] = /^(helo|name)=(.+)$/.exec(party) ?? [];
  return kind === undefined
    ? parseTriple(client, 'sender', party, recipient)
    : parseTriple(client, kind as TripleKind, name, recipient);
}

function exact(text: string, pattern: Pattern): string {
  if (typeof pattern === 'string') return pattern;
  throw new PatternError(`${text}: a regular expression; a triple takes none, rules do`);
}

interface Row {
  readonly client: Network;
  readonly at: string;
}

/** By recipient, then by kind and party: whoever writes to a recipient that no triple names costs one look-up. */
type Parties = Readonly<Record<TripleKind, PatternTable<Row[]>>>;

export class TripleTable {
  readonly #recipients = new PatternTable<Parties>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param at where it stands, for the log */
  add({ client, kind, party, recipient }: Triple, at: string): void {
    let parties = this.#recipients.get(recipient);
    if (parties === undefined) {
      parties = { sender: new PatternTable(), helo: new PatternTable(), name: new PatternTable() };
      this.#recipients.add(recipient, parties);
    }
    const rows = parties[kind].get(party);
    if (rows === undefined) parties[kind].add(party, [{ client, at }]);
    else rows.push({ client, at });
    this.#size++;
  }

  /** Where a triple of this kind stands that holds all three; undefined if there is none. */
  find(address: Address, kind: TripleKind, party: Subject, recipient: Subject): string | undefined {
    let found: string | undefined;
    this.#recipients.each(recipient, parties => {
      if (found !== undefined || parties[kind].size === 0) return;
      parties[kind].each(party, rows => {
        found ??= rows.find(({ client }) => contains(client, address))?.at;
      });
    });
    return found;
  }
}
