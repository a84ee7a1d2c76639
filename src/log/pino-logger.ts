/**
 * The logger port on pino, without its worker threads: a line must be out before a crash is. Pino gives levels and JSON; the
 * other formats get their lines from `renderEvent`.
 */
import { pino } from 'pino';
import type { Clock } from '../clock.ts';
import { clip, EVENT_LIMIT, escapeJson } from './escape.ts';
import { type Level, type LogFormat, linePrefix } from './format.ts';
import { logfmtTail, logfmtValue } from './logfmt.ts';
import type { Fields, Logger } from './logger.ts';

export interface PinoLoggerOptions {
  /** Lines below this level are left out. */
  readonly level: Level;
  readonly format: LogFormat;
  readonly clock: Clock;
  /** Takes a line with its line feed. */
  readonly write: (line: string) => void;
  /** The journal reads the log. */
  readonly journal: boolean;
}

export function createPinoLogger(options: PinoLoggerOptions): Logger {
  const { clock, format } = options;
  const stream = {
    // Pino leaves here what it was given, so the other formats need not parse its JSON.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    lastMsg: '',
    lastObj: {} as Fields,
    write(json: string): void {
      const level = LEVELS[stream.lastLevel] ?? 'error';
      const line =
        format === 'json' ? escapeJson(json.slice(0, -1)) : renderEvent(level, stream.lastMsg, stream.lastObj);
      options.write(`${linePrefix(options, level, clock.now())}${line}\n`);
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    stream,
  );
  return {
    error: (message, fields = {}) => logger.error(clipAll(fields), message),
    warn: (message, fields = {}) => logger.warn(clipAll(fields), message),
    info: (message, fields = {}) => logger.info(clipAll(fields), message),
    debug: (message, fields = {}) => logger.debug(clipAll(fields), message),
  };
}

/** An event without line feed and prefix: logfmt also in postgrey's format, where it has no form of its own. */
function renderEvent(level: Level, message: string, fields: Fields): string {
  return `level=${level} msg=${logfmtValue(message, EVENT_LIMIT)}${logfmtTail(fields, EVENT_LIMIT)}`;
}

const LEVELS: Readonly<Record<number, Level>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

function clipAll(fields: Fields): Fields {
  const clipped: Record<string, Fields[string]> = {};
  for (const key in fields) {
    const value = fields[key];
    clipped[key] = typeof value === 'string' ? clip(value, EVENT_LIMIT) : value;
  }
  return clipped;
}
