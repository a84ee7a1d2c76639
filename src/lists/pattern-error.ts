/**
 * A text that should be a pattern and is none. The message says what was found wrong and what was expected; whoever knows the place
 * adds it.
 */
export class PatternError extends RangeError {
  override readonly name = 'PatternError';
}
