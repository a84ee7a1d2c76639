/**
 * Where a command prints, and how the parts of the daemon that it uses are heard.
 */
import { systemClock, systemTimers } from '../clock.ts';
import { createLog } from '../log/log.ts';
import type { Logger } from '../log/logger.ts';

/** Each text ends in a line feed. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** Warnings and errors, as log lines, where errors go. */
export function logTo(output: Output): Logger {
  const write = (bytes: Uint8Array): number => {
    output.err(Buffer.from(bytes).toString());
    return bytes.length;
  };
  const parts = { clock: systemClock, timers: systemTimers, journal: false, write };
  return createLog({ ...parts, logFormat: 'logfmt', verbosity: 0 }).logger;
}
