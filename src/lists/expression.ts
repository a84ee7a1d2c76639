/**
 * Regular expressions in rules and lists: RE2's, whose time is linear in the subject, so that no pattern and no sender can
 * hold up the mail. Written between slashes, compared without regard to case, and found anywhere in the subject unless
 * anchored by `^` and `$`.
 */
import { RE2JS, RE2JSException } from 're2js';
import { PatternError } from './pattern-error.ts';

/** Characters in a pattern, and those of a subject that are looked at: together they bound the cost. */
const longestPattern = 500;
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
  }

  test(subject: string): boolean {
    return this.#compiled.test(subject.length > longestSubject ? subject.slice(0, longestSubject) : subject);
  }
}

/** Whether a text means to be one. */
export function isExpression(text: string): boolean {
  return text.length > 1 && text.startsWith('/') && text.endsWith('/');
}
