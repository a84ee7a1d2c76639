/**
 * A promise that must settle in time.
 */
import type { Timers } from '../clock.ts';

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Settles as the promise does, or rejects with `DeadlineError` after so many milliseconds; what comes later is dropped. */
export function within<T>(promise: Promise<T>, milliseconds: number, timers: Timers): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(milliseconds, () => {
      reject(new DeadlineError(`no answer within ${Math.round(milliseconds)} ms`));
    });
    promise.then(
      value => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
