/**
 * What is wrong with list files: every file that can't be read and every line that makes no sense, all at once.
 */

export interface ListProblem {
  readonly file: string;
  /** Counted from 1; undefined if the file as a whole is the problem. */
  readonly line: number | undefined;
  /** Counted from 1, in characters. */
  readonly column?: number;
  /** What was found and what was expected, one line of printable text. */
  readonly text: string;
}

/** More would push the first ones, which matter most, off the screen; `problems` holds all. */
const shownProblems = 100;

/**
 * Lists could not be loaded. The message has one line a problem, `file:line:column: text`. If a file could not be read, `cause` is
 * the system's error, whose code (`ENOENT`, `EACCES`) decides the exit code.
 */
export class ListError extends Error {
  override readonly name = 'ListError';
  readonly problems: readonly ListProblem[];

  constructor(problems: readonly ListProblem[], cause?: NodeJS.ErrnoException) {
    const lines = problems.slice(0, shownProblems).map(describeProblem);
    if (problems.length > shownProblems) lines.push(`and ${problems.length - shownProblems} more`);
    super(lines.join('\n'), cause && { cause });
    this.problems = problems;
  }
}

function describeProblem({ file, line, column, text }: ListProblem): string {
  const place = [file, line, column].filter(part => part !== undefined).join(':');
  return `${place}: ${text}`;
}
