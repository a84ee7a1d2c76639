/**
 * The text of a list: one entry a line. `#` begins a comment; blank lines are skipped; line ends may be LF or CRLF, and a
 * byte-order mark at the start is no part of it.
 */

/** Line and column are counted from 1. */
export interface Entry {
  readonly line: number;
  readonly column: number;
  readonly entry: string;
}

/**
 * The entries, one by one, so that the reader of a long list can pause.
 *
 * @param comment `#`: anywhere; ` #`: at the start of a line or behind white space, since mail addresses may hold one
 */
export function* readEntries(text: string, comment: '#' | ' #'): Generator<Entry, void, undefined> {
  const begins = comment === '#' ? /#/ : /(?:^|\s)#/;
  for (const [index, content] of text.split('\n').entries()) {
    const end = content.search(begins);
    // A carriage return and a byte-order mark count as white space.
    const entry = (end === -1 ? content : content.slice(0, end)).trim();
    if (entry !== '') yield { line: index + 1, column: content.indexOf(entry) + 1, entry };
  }
}

/** The start of what stands there. A file that is no text at all must not play tricks on a terminal. */
export function quoteEntry(entry: string): string {
  const start = entry.length > 60 ? `${entry.slice(0, 60)}…` : entry;
  return `"${start.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')}"`;
}
