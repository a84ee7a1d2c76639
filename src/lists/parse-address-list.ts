/**
 * The text of an address list: one address, network or wildcard a line (see `net/network.ts`). `#` begins a comment, also
 * after an entry; blank lines are skipped; line ends may be LF or CRLF, and a byte-order mark at the start is no part of it.
 */
import { type Network, NetworkError, parseNetwork } from '../net/network.ts';

/** A line that holds something, counted from 1: a network, or what is wrong with it in one line of printable text. */
export type ListLine =
  | { readonly line: number; readonly network: Network }
  | { readonly line: number; readonly problem: string };

/** Reads a list line by line, so that the reader of a long one can pause. */
export function* parseAddressList(text: string): Generator<ListLine, void, undefined> {
  for (const [index, content] of text.split('\n').entries()) {
    const comment = content.indexOf('#');
    // A carriage return and a byte-order mark count as white space.
    const entry = (comment === -1 ? content : content.slice(0, comment)).trim();
    if (entry !== '') yield parseEntry(entry, index + 1);
  }
}

function parseEntry(entry: string, line: number): ListLine {
  try {
    return { line, network: parseNetwork(entry) };
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    return { line, problem: `${quote(entry)}: ${error.message}` };
  }
}

/** The start of what stands there. A file that is no text at all must not play tricks on a terminal. */
function quote(entry: string): string {
  const start = entry.length > 60 ? `${entry.slice(0, 60)}…` : entry;
  return `"${start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')}"`;
}
