/**
 * The formats of the log, and what every line of it begins with.
 */

/** How a line of the log is written. `postgrey` has the words and commas of postgrey, for what reads its log. */
export type LogFormat = 'logfmt' | 'json' | 'postgrey';
export const LOG_FORMATS: readonly LogFormat[] = ['logfmt', 'json', 'postgrey'];

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** syslog(3) priorities: what the journal takes from `<N>` at the start of a line. */
const PRIORITIES: Readonly<Record<Level, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/**
 * What stands before a line: for the journal its priority; elsewhere the time, but in JSON, which has it inside, and in
 * postgrey's format, whose readers want syslog's header there and nothing else.
 */
export function linePrefix(
  { format, journal }: { readonly format: LogFormat; readonly journal: boolean },
  level: Level,
  now: number,
): string {
  if (journal) return `<${PRIORITIES[level]}>`;
  return format === 'logfmt' ? `time=${isoTime(now)} ` : '';
}

let second = Number.NaN;
let untilSecond = '';

/** `Date.toISOString`, which costs more than the rest of a line: so all but the milliseconds is kept for as long as it is right. */
export function isoTime(now: number): string {
  const milliseconds = ((now % 1000) + 1000) % 1000;
  if (now - milliseconds !== second) {
    untilSecond = new Date(now).toISOString().slice(0, -4);
    second = now - milliseconds;
  }
  return `${untilSecond}${String(milliseconds).padStart(3, '0')}Z`;
}
