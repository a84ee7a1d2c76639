/**
 * A logger that keeps what it is told, one text a line: level, message, fields.
 */
import type { Fields, Logger } from '../../src/log/logger.ts';

export function recordingLogger(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}): void => {
      const texts = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
      lines.push([level, message, ...texts].join(' '));
    };
  return { logger: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }, lines };
}
