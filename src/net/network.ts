/**
 * A network: an address and how many of its leading bits count (CIDR, RFC 4632 and RFC 4291 section 2.3). Read from what
 * administrators write in lists, the forerunners' wildcards included.
 */
import { type Address, addressOf, parseAddress } from './address.ts';

export interface Network {
  /** The first address; all bits after the prefix are zero. */
  readonly base: Address;
  /** Bits that count: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefix: number;
  /** `203.0.113.0/24`, always with the prefix. */
  readonly text: string;
}

/** The text is no network; the message says why and what was expected. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
}

const expected =
  'expected an address, a network such as 192.0.2.0/24 or 2001:db8::/32, or a wildcard such as 192.0.2.*';

/**
 * Reads an address (a network of its own), a CIDR network or a trailing wildcard (`192.168.2.*`, `10.*`).
 * Bits set after the prefix are an error: nobody can tell whether the address or the prefix is the slip.
 *
 * @throws NetworkError
 */
export function parseNetwork(text: string): Network {
  if (text.includes('*')) return parseWildcard(text);
  const slash = text.indexOf('/');
  if (slash === -1) {
    const address = parseAddress(text);
    if (address === undefined) throw new NetworkError(expected);
    return networkOf(address, address.bytes.length * 8);
  }
  return parseCidr(text.slice(0, slash), text.slice(slash + 1));
}

/** The network of `prefix` leading bits that holds the address. A prefix longer than the address is a RangeError. */
export function networkOf(address: Address, prefix: number): Network {
  const base = cut(address, prefix);
  return { base, prefix, text: `${base.text}/${prefix}` };
}

export function contains(network: Network, address: Address): boolean {
  if (network.base.family !== address.family) return false;
  const whole = network.prefix >> 3;
  for (let index = 0; index < whole; index++) if (network.base.bytes[index] !== address.bytes[index]) return false;
  const rest = network.prefix & 7;
  return rest === 0 || ((network.base.bytes[whole]! ^ address.bytes[whole]!) & (0xff00 >> rest) & 0xff) === 0;
}

function parseCidr(addressText: string, prefixText: string): Network {
  const address = parseAddress(addressText);
  if (address === undefined) throw new NetworkError(expected);
  // An IPv4-mapped base has become IPv4, its prefix has not.
  const mapped = address.family === 4 && addressText.includes(':') ? 96 : 0;
  const longest = address.bytes.length * 8;
  const prefix = /^(0|[1-9]\d{0,2})$/.test(prefixText) ? Number(prefixText) - mapped : -1;
  if (prefix < 0 || prefix > longest) {
    throw new NetworkError(`expected a prefix length from ${mapped} to ${longest + mapped} after the slash`);
  }
  const network = networkOf(address, prefix);
  if (network.base.text !== address.text) {
    throw new NetworkError(
      `bits are set after the first ${prefix}: the network of that length is ${network.text}, the address alone ${address.text}`,
    );
  }
  return network;
}

function parseWildcard(text: string): Network {
  const parts = text.split('.');
  const numbers = parts.slice(0, parts.indexOf('*'));
  const stars = parts.slice(numbers.length);
  const base = parseAddress([...numbers, '0', '0', '0', '0'].slice(0, 4).join('.'));
  const wellFormed = stars.length > 0 && parts.length <= 4 && stars.every(part => part === '*');
  if (base === undefined || !wellFormed || !parts.includes('*')) {
    throw new NetworkError('expected a wildcard of whole trailing parts such as 192.0.2.* or 10.*');
  }
  if (numbers.length === 0)
    throw new NetworkError('a wildcard alone is every address: write 0.0.0.0/0 if that is meant');
  return networkOf(base, numbers.length * 8);
}

function cut(address: Address, prefix: number): Address {
  const { bytes } = address;
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bytes.length * 8) {
    throw new RangeError(`a prefix of ${prefix} bits does not fit ${address.text}`);
  }
  if (prefix === bytes.length * 8) return address;
  const masked = new Uint8Array(bytes.length);
  const whole = prefix >> 3;
  for (let index = 0; index < whole; index++) masked[index] = bytes[index]!;
  masked[whole] = bytes[whole]! & (0xff00 >> (prefix & 7));
  return addressOf(masked);
}
