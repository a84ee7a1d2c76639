/**
 * The text of an address list: one address, network or wildcard a line (see `net/network.ts`). `#` begins a comment, also
 * after an entry; blank lines are skipped; line ends may be LF or CRLF, and a byte-order mark at the start is no part of it.
 */
import { type Network, NetworkError, parseNetwork } from '../net/network.ts';
import { quoteEntry, readEntries } from './entries.ts';

/** A line that holds something: a network, or what is wrong with it in one line of printable text. Counted from 1. */
export type ListLine =
  | { readonly line: number; readonly network: Network }
  | { readonly line: number; readonly column: number; readonly problem: string };

/** Reads a list line by line, so that the reader of a long one can pause. */
export function* parseAddressList(text: string): Generator<ListLine, void, undefined> {
  for (const { line, column, entry } of readEntries(text, '#')) {
    try {
      yield { line, network: parseNetwork(entry) };
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      yield { line, column, problem: `${quoteEntry(entry)}: ${error.message}` };
    }
  }
}
