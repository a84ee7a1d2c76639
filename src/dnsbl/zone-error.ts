/**
 * A DNSBL that is configured wrongly. The message names the offending text and what was expected, with keys masked.
 */
export class ZoneError extends Error {
  override readonly name = 'ZoneError';
}
