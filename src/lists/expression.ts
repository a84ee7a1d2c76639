/**
 * Regular expressions in rules and lists: RE2's, whose time is linear in the subject, so that no pattern and no sender can
 * hold up the mail. Written between slashes, compared without regard to case, and found anywhere in the subject unless
 * anchored by `^` and `$`.
 */
import { RE2JS, RE2JSException } from 're2js';
import { PatternError } from './pattern-error.ts';

/**
 * Characters in a pattern, steps that it comes to with repetitions written out, and characters of a subject that are looked at.
 * Steps times characters are what a hostile subject may cost: `\w{1,999}` is short, and would take a second for it.
 */
const longestPattern = 500;
const mostSteps = 1_000;
const longestSubject = 1_000;

export class Expression {
  /** As it was written, with its slashes. */
  readonly text: string;
  readonly #compiled: RE2JS;

  /** @throws PatternError */
  constructor(text: string) {
    this.text = text;
    const pattern = text.slice(1, -1);
    if (!isExpression(text) || pattern === '') {
      throw new PatternError('expected a regular expression between slashes, such as /^mx\\d+\\./');
    }
    if (pattern.length > longestPattern) {
      throw new PatternError(
        `a regular expression may have ${longestPattern} characters, this one has ${pattern.length}`,
      );
    }
    try {
      this.#compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      throw new PatternError(`expected a regular expression as RE2 takes it: ${error.message}`);
    }
    const steps = this.#compiled.programSize();
    if (steps > mostSteps) {
      const found = `with its repetitions written out this one has ${steps}`;
      throw new PatternError(`a regular expression may have ${mostSteps} steps, ${found}`);
    }
  }

  test(subject: string): boolean {
    return this.#compiled.test(subject.length > longestSubject ? subject.slice(0, longestSubject) : subject);
  }
}

/** Whether a text means to be one. */
export function isExpression(text: string): boolean {
  return text.length > 1 && text.startsWith('/') && text.endsWith('/');
}
