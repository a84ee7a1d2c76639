/**
 * What is wrong with a command line.
 */

/** The message is one line that names option, value and what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads an option's value with `parse`; an error of that becomes a `UsageError` that names the option, as in `-s, --socket <x>`. */
export function parseOption<T>(flags: string, value: string, parse: (value: string) => T): T {
  try {
    return parse(value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`option ${flags.replace(/ <.*/, '')}: ${error.message}`, { cause: error });
  }
}
