/**
 * Escaping for the log. Client names, senders and recipients are written by strangers; whatever they hold, one event is one
 * line of the log and its fields are the ones we meant.
 *
 * The rule, the same in every format: a value is cut to `VALUE_LIMIT` UTF-16 units (`EVENT_LIMIT` in
 * what we say ourselves; a cut one ends in `…`); in what is left,
 * each quote and backslash gets a backslash before it, and each control, format (bidi controls are among these), private-use,
 * unassigned and lone surrogate character, and each white space other than the space itself, becomes `\n`, `\r`, `\t` or
 * `\uXXXX` as in JSON (RFC 8259 §7). So a value between quotes is a JSON string, and a JSON parser gives it back.
 */

/** UTF-16 units of a value that are logged. Longer than any address that RFC 5321 allows; a line stays below syslog's 8 KiB. */
export const VALUE_LIMIT = 400;
/** The same for messages of our own, which may hold a stack trace. */
export const EVENT_LIMIT = 3_000;

const HOSTILE = /["\\\p{C}\p{Zl}\p{Zp}]|[^\S ]/gu;
const HOSTILE_IN_JSON = /[\p{C}\p{Zl}\p{Zp}]|[^\S ]/gu;
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The value, or its first `limit` units and `…`. */
export function clip(value: string, limit: number = VALUE_LIMIT): string {
  return value.length <= limit ? value : `${value.slice(0, limit)}…`;
}

/** The value, cut and escaped, to stand between quotes. */
export function escapeValue(value: string, limit: number = VALUE_LIMIT): string {
  return clip(value, limit).replace(HOSTILE, character => SHORT[character] ?? unicodeEscape(character));
}

/** Escapes in a finished JSON text what `JSON.stringify` leaves as it is: DEL, C1 and bidi controls, odd separators. */
export function escapeJson(json: string): string {
  return json.replace(HOSTILE_IN_JSON, unicodeEscape);
}

/** `\uXXXX` for each UTF-16 unit, comma and all. */
export function unicodeEscape(character: string): string {
  let escaped = '';
  for (let unit = 0; unit < character.length; unit++) {
    escaped += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}
