/**
 * Text that SQLite gives back as it was. Most strings are stored as they are, so that an administrator can read and search
 * them. SQLite keeps UTF-8, which has no form for a lone surrogate (a byte from the wire that was not UTF-8), and its
 * functions stop at NUL: strings with either are stored as U+0001 and a JSON literal. So are those that begin with U+0001,
 * and no two strings are ever stored alike.
 */

const MARK = '\u0001';

export function encodeLossless(text: string): string {
  if (text.isWellFormed() && !text.includes('\0') && !text.startsWith(MARK)) return text;
  return MARK + JSON.stringify(text);
}

/** The inverse of `encodeLossless`. */
export function decodeLossless(stored: string): string {
  return stored.startsWith(MARK) ? JSON.parse(stored.slice(MARK.length)) : stored;
}
