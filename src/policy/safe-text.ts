/**
 * Text for SMTP replies and mail headers. What goes there is read by strangers' servers line by line, so strangers' words are
 * cut down to printable ASCII first (RFC 5321 section 4.1.2, RFC 5322 section 2.2).
 */

/** The value with everything but printable ASCII replaced by `?`, and cut to `limit` characters. */
export function safeText(value: string, limit: number): string {
  const start = value.length > limit ? `${value.slice(0, limit - 3)}...` : value;
  return start.replace(/[^\x20-\x7e]/g, '?');
}
