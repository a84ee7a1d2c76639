/**
 * The name under which a list knows an address (RFC 5782 §2.1, §2.4): its octets, or for IPv6 its 32 nibbles, reversed.
 * 203.0.113.7 is `7.113.0.203`, asked as `7.113.0.203.bl.example`.
 */
import type { Address } from '../net/address.ts';

const hex = '0123456789abcdef';

/** The labels in front of the zone, without a dot at the end. */
export function reversedLabels({ family, bytes }: Pick<Address, 'family' | 'bytes'>): string {
  if (family === 4) return `${bytes[3]}.${bytes[2]}.${bytes[1]}.${bytes[0]}`;
  let labels = '';
  for (let index = 15; index >= 0; index--) {
    const byte = bytes[index] ?? 0;
    labels += `${hex[byte & 15]}.${hex[byte >> 4]}`;
    if (index > 0) labels += '.';
  }
  return labels;
}
