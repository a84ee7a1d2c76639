/**
 * An IP address, parsed once. ipaddr.js reads things that are not addresses (`010.0.0.1`, `10`, `0x7f.1`), so `net.isIP`
 * guards it; IPv4-mapped IPv6 addresses become IPv4, zone ids are refused.
 */
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Address {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Canonical text (RFC 5952 for IPv6). */
  readonly text: string;
}

/**
 * Reads one address as an MTA or an administrator writes it: `203.0.113.7`, `2001:db8::1`, `IPv6:2001:db8::1` (Sendmail,
 * RFC 5321 literals; any case), either of them in brackets. Undefined for everything else.
 */
export function parseAddress(text: string): Address | undefined {
  const plain = parseDottedQuad(text);
  if (plain !== undefined) return { family: 4, bytes: plain, text };
  if (text.startsWith('[') && text.endsWith(']')) return parseUnbracketed(text.slice(1, -1));
  return parseUnbracketed(text);
}

/** The address of 4 or 16 bytes in network order; IPv4-mapped IPv6 becomes IPv4. */
export function addressOf(bytes: Uint8Array): Address {
  if (bytes.length === 4) return { family: 4, bytes, text: `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` };
  if (isMapped(bytes)) return addressOf(bytes.slice(12));
  return { family: 6, bytes, text: new ipaddr.IPv6([...bytes]).toRFC5952String() };
}

function parseUnbracketed(text: string): Address | undefined {
  const prefixed = /^ipv6:/i.test(text);
  const bare = prefixed ? text.slice(5) : text;
  if (isIPv6(bare)) {
    // A zone id names an interface of some other machine; without it the address means nothing here.
    return bare.includes('%') ? undefined : addressOf(parseColonHex(bare));
  }
  if (prefixed) return undefined;
  const quad = parseDottedQuad(bare);
  return quad && { family: 4, bytes: quad, text: bare };
}

function parseColonHex(text: string): Uint8Array {
  // ipaddr.js takes the deprecated `::203.0.113.7` for a mapped address; with the tail in hex it can't.
  const tail = text.includes('.') ? text.lastIndexOf(':') + 1 : text.length;
  const quad = parseDottedQuad(text.slice(tail));
  const groups = quad ? `${text.slice(0, tail)}${hexGroup(quad, 0)}:${hexGroup(quad, 2)}` : text;
  return Uint8Array.from(ipaddr.IPv6.parse(groups).toByteArray());
}

function hexGroup(bytes: Uint8Array, at: number): string {
  return ((bytes[at]! << 8) | bytes[at + 1]!).toString(16);
}

/** Strictly four decimal parts without leading zeros: what `net.isIPv4` takes, in one pass and without a pattern. */
function parseDottedQuad(text: string): Uint8Array | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 46) {
      if (digits === 0 || part === 3) return undefined;
      bytes[part++] = value;
      digits = 0;
      value = 0;
    } else {
      if (code < 48 || code > 57 || (digits > 0 && value === 0)) return undefined;
      value = value * 10 + code - 48;
      if (value > 255) return undefined;
      digits++;
    }
  }
  if (part !== 3 || digits === 0) return undefined;
  bytes[3] = value;
  return bytes;
}

/** ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}
