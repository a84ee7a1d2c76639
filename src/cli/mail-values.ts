/**
 * What several commands are told of a mail, as people write it.
 */
import { type Address, parseAddress } from '../net/address.ts';

export function clientAddress(value: string): Address {
  const address = parseAddress(value);
  if (!address) throw new RangeError(`'${value}' is not an address: expected IPv4 or IPv6, such as 203.0.113.7`);
  return address;
}

export function withoutBrackets(value: string): string {
  return value.startsWith('<') && value.endsWith('>') ? value.slice(1, -1) : value;
}
