/**
 * The headers that a passing message gets, as mail readers and other filters know them. RFC 5322 for the form and the date.
 */
import type { Address } from '../net/address.ts';
import { safeText } from './safe-text.ts';
import type { Header } from './verdict.ts';

/** Who writes the headers. */
export interface Author {
  /** `milter-greylist/1.0` */
  readonly product: string;
  /** This host's name. */
  readonly host: string;
}

const longest = 255;

/**
 * `X-Greylist: delayed 314 seconds by milter-greylist/1.0 at mx.example.org; Sat, 21 Nov 2026 08:53:48 +0000`
 *
 * @param delayed milliseconds from the first attempt to the one that passed; shown in whole seconds, rounded down
 * @param now epoch milliseconds
 */
export function greylistHeader({ product, host }: Author, delayed: number, now: number): Header {
  const seconds = Math.floor(delayed / 1000);
  const by = `by ${safeText(product, longest)} at ${safeText(host, longest)}`;
  return { name: 'X-Greylist', value: `delayed ${seconds} seconds ${by}; ${mailDate(now)}` };
}

/** `X-RBL-Warning: 203.0.113.7 found in zen.spamhaus.org`; `zone` is the name that may be shown. */
export function warningHeader(address: Address, zone: string): Header {
  return { name: 'X-RBL-Warning', value: `${address.text} found in ${safeText(zone, longest)}` };
}

/** RFC 5322 section 3.3, in UTC. */
export function mailDate(epoch: number): string {
  return new Date(epoch).toUTCString().replace('GMT', '+0000');
}
