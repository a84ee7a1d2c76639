/**
 * Logfmt: `key=value` pairs, separated by spaces. A value of printable ASCII without space, quote, `=` and backslash stands
 * bare; any other, the empty one too, stands between quotes as a JSON string (`escape.ts`).
 */
import { escapeValue, VALUE_LIMIT } from './escape.ts';

export type Value = string | number | boolean;

const BARE = /^[!#-<>-[\]-~]+$/;
const NOT_IN_KEYS = /[^\w.-]/g;

/** A value as it stands after the `=`, cut to `limit` UTF-16 units. */
export function logfmtValue(value: Value, limit: number = VALUE_LIMIT): string {
  if (typeof value !== 'string') return String(value);
  return value.length <= limit && BARE.test(value) ? value : `"${escapeValue(value, limit)}"`;
}

/** The pairs of `fields`, undefined ones left out, each with a space before it: to append to a line. */
export function logfmtTail(fields: Readonly<Record<string, Value | undefined>>, limit: number = VALUE_LIMIT): string {
  let line = '';
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) line += ` ${logKey(key)}=${logfmtValue(value, limit)}`;
  }
  return line;
}

/** A key with anything but letters, digits, `_`, `.` and `-` made `_`. */
export function logKey(key: string): string {
  return key.replace(NOT_IN_KEYS, '_');
}
