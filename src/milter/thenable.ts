/**
 * Handlers may answer at once or by a promise. Most answer at once, so a promise is made only of what is one already.
 */

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}
