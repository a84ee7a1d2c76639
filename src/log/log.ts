/**
 * The log of a process: one buffer on standard error, and what is written to it.
 */
import { type Clock, systemClock, type Timers } from '../clock.ts';
import { createDecisionLog, type DecisionLog } from './decision-log.ts';
import type { Level, LogFormat } from './format.ts';
import { LineBuffer } from './line-buffer.ts';
import type { Logger } from './logger.ts';
import { createPinoLogger } from './pino-logger.ts';
import { isJournal, stderrWriter } from './stderr.ts';

export interface LogOptions {
  readonly logFormat: LogFormat;
  /** 0: warnings and decisions; 1: information too; 2: all. */
  readonly verbosity: number;
}

export interface Log {
  readonly logger: Logger;
  /** For start, reload and stop, which are told whatever the verbosity. */
  readonly lifecycle: Logger;
  readonly decisions: DecisionLog;
  /** Writes what is still buffered, at once. */
  flush(): void;
}

/** Standard error as a log. */
export function openLog(options: LogOptions): Log {
  return createLog({
    ...options,
    clock: systemClock,
    timers: backgroundTimers,
    journal: isJournal(process.env.JOURNAL_STREAM),
    write: stderrWriter(),
  });
}

export interface LogParts extends LogOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly journal: boolean;
  /** As `LineBuffer` wants it. */
  readonly write: (bytes: Uint8Array) => number;
}

/** A log of given parts. */
export function createLog({ logFormat: format, verbosity, clock, timers, journal, write }: LogParts): Log {
  const logger = (level: Level): Logger =>
    createPinoLogger({ level, format, clock, journal, write: line => buffer.write(line) });
  let notice = '';
  const tellLoss = createPinoLogger({ level: 'warn', format, clock, journal, write: line => (notice = line) });
  const buffer = new LineBuffer({
    write,
    timers,
    notice: (dropped, cause) => {
      tellLoss.warn('log lines were lost', { dropped, cause });
      return notice;
    },
  });
  return {
    logger: logger(verbosity >= 2 ? 'debug' : verbosity === 1 ? 'info' : 'warn'),
    lifecycle: logger('info'),
    decisions: createDecisionLog({ format, clock, journal, write: line => buffer.write(line) }),
    flush: () => buffer.flushNow(),
  };
}

/** Writing again later must not keep a process alive that is done. */
const backgroundTimers: Timers = {
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
