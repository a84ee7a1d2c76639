/**
 * What is wrong with a configuration: every problem in it, all at once, each with the place where it stands.
 */
import type { ListRequest } from '../lists/list-files.ts';

/** One problem. The message has the offending text and what was expected, in one line of printable text. */
export interface Problem {
  /** `FILE:LINE:COLUMN`, `option --flag`, or the file alone if it is the problem as a whole. */
  readonly place: string;
  readonly message: string;
}

/** More would push the first ones, which matter most, off the screen; `problems` holds all. */
const shown = 100;

export interface ConfigErrorOptions {
  /** The system's error, if the file could not be read. */
  readonly cause?: unknown;
  /** The list files that are named where nothing is wrong: they have not been looked at. */
  readonly lists?: readonly ListRequest[];
}

/** The message has one line a problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  readonly lists: readonly ListRequest[];

  constructor(problems: readonly Problem[], { cause, lists = [] }: ConfigErrorOptions = {}) {
    const lines = problems.slice(0, shown).map(({ place, message }) => `${place}: ${message}`);
    if (problems.length > shown) lines.push(`and ${problems.length - shown} more`);
    super(lines.join('\n'), cause === undefined ? {} : { cause });
    this.problems = problems;
    this.lists = lists;
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
