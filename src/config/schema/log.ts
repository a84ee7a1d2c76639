/**
 * `log`: how lines look, and how many there are.
 */
import * as z from 'zod';
import { LOG_FORMATS, type LogFormat } from '../../log/format.ts';
import { choice, type Schema, whole } from './values.ts';

export interface LogConfig {
  readonly format: LogFormat;
  /** 0: warnings and decisions; 1: information too; 2 and more: all. */
  readonly verbosity: number;
}

export const logSchema: Schema<LogConfig> = z.strictObject({
  format: choice(LOG_FORMATS)
    .prefault('logfmt')
    .describe('How lines look: our keys and values, JSON, or the words of postgrey.'),
  verbosity: whole(0, 9).prefault('0').describe('0: warnings and decisions; 1: information too; 2: all.'),
});
