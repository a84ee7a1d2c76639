/**
 * What is wrong with a configuration: every problem in it, all at once, each with the place where it stands.
 */

/** One problem. The message has the offending text and what was expected, in one line of printable text. */
export interface Problem {
  /** `FILE:LINE:COLUMN`, `option --flag`, or the file alone if it is the problem as a whole. */
  readonly place: string;
  readonly message: string;
}

/** More would push the first ones, which matter most, off the screen; `problems` holds all. */
const shown = 100;

/** The message has one line a problem. If the file could not be read, `cause` is the system's error. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], cause?: unknown) {
    const lines = problems.slice(0, shown).map(({ place, message }) => `${place}: ${message}`);
    if (problems.length > shown) lines.push(`and ${problems.length - shown} more`);
    super(lines.join('\n'), cause === undefined ? {} : { cause });
    this.problems = problems;
  }
}

/** The start of a text in quotes. A file that is no text at all must not play tricks on a terminal. */
export function quote(text: string): string {
  const [line = ''] = text.split('\n', 1);
  const start = line.length > 60 || line.length < text.trimEnd().length ? `${line.slice(0, 60)}…` : line;
  return `'${printable(start)}'`;
}

/** The text with what could play tricks replaced. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
