/**
 * A fault that strikes every recipient must not fill the log: each cause is logged when it first strikes, and then once a
 * minute, with how often it struck since, for as long as it goes on.
 */
import type { Timers } from '../clock.ts';
import type { Fields, Logger } from './logger.ts';

export interface RateLimitedOptions {
  readonly logger: Logger;
  readonly timers: Timers;
  /** Milliseconds between two lines of one cause; default a minute. */
  readonly interval?: number;
}

type Level = 'error' | 'warn';
interface Cause {
  /** Takes the timer back that waits for the next line. */
  cancel: () => void;
  /** How often it struck since it was last logged. */
  silent: number;
  level: Level;
  message: string;
  fields: Fields | undefined;
}

/** Causes that are told apart. There should be a few; if someone makes them of what strangers send, the rest share one. */
const CAUSES_LIMIT = 200;

export class RateLimited {
  readonly #options: RateLimitedOptions;
  readonly #causes = new Map<string, Cause>();

  constructor(options: RateLimitedOptions) {
    this.#options = options;
  }

  /** Logs as an error, once a minute for each `cause`: a short word for what broke, never a stranger's text. */
  error(cause: string, message: string, fields?: Fields): void {
    this.#strike(cause, 'error', message, fields);
  }

  /** The same, as a warning. */
  warn(cause: string, message: string, fields?: Fields): void {
    this.#strike(cause, 'warn', message, fields);
  }

  /** Logs at once what is left to say, and lets no timer keep the process from ending. */
  close(): void {
    for (const cause of this.#causes.values()) {
      cause.cancel();
      this.#tell(cause);
    }
    this.#causes.clear();
  }

  #strike(name: string, level: Level, message: string, fields: Fields | undefined): void {
    const key = this.#causes.has(name) || this.#causes.size < CAUSES_LIMIT ? name : '';
    const known = this.#causes.get(key);
    if (known) {
      known.silent++;
      known.level = level;
      known.message = message;
      known.fields = fields;
      return;
    }
    const cause: Cause = { cancel: () => {}, silent: 0, level, message, fields };
    this.#causes.set(key, cause);
    this.#options.logger[level](message, fields);
    this.#wait(key, cause);
  }

  #wait(key: string, cause: Cause): void {
    cause.cancel = this.#options.timers.after(this.#options.interval ?? 60_000, () => {
      if (this.#tell(cause)) this.#wait(key, cause);
      else this.#causes.delete(key);
    });
  }

  /** Logs what struck since the last line; false if nothing did. */
  #tell(cause: Cause): boolean {
    const { silent, level, message, fields } = cause;
    if (silent === 0) return false;
    this.#options.logger[level](message, { ...fields, count: silent });
    cause.silent = 0;
    return true;
  }
}
