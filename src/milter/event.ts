/**
 * The data of an MTA's commands, both directions: bytes to values for the milter, values to bytes for the client. Tolerant in
 * reading: brackets, the `IPv6:` prefix, ports and NULs may be missing.
 */
import { decodeString, decodeStrings, decodeText, encodeStrings, stringEnd } from './text.ts';

/** The SMTP client as CONNECT tells it. Addresses are text, as sent, without Sendmail's `IPv6:`. */
export type Peer =
  | { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly port: number }
  | { readonly family: 'unix'; readonly path: string }
  | { readonly family: 'unknown' };

export interface ConnectEvent {
  /** The verified PTR name, or the address in brackets. */
  readonly hostname: string;
  readonly peer: Peer;
}

const FAMILY_UNKNOWN = 0x55; // SMFIA_UNKNOWN 'U'
const FAMILY_UNIX = 0x4c; // SMFIA_UNIX 'L'
const FAMILY_IPV4 = 0x34; // SMFIA_INET '4'
const FAMILY_IPV6 = 0x36; // SMFIA_INET6 '6'
const UNKNOWN: Peer = Object.freeze({ family: 'unknown' });

/** Decodes CONNECT. What is cut short or of a family never heard of is an unknown peer, not an error. */
export function decodeConnect(buffer: Buffer, start: number, end: number): ConnectEvent {
  const nul = stringEnd(buffer, start, end);
  const hostname = decodeText(buffer, start, nul);
  return { hostname, peer: nul + 4 <= end ? decodePeer(buffer, nul + 1, end) : UNKNOWN };
}

function decodePeer(buffer: Buffer, start: number, end: number): Peer {
  const family = buffer[start];
  const port = buffer.readUInt16BE(start + 1);
  const text = decodeString(buffer, start + 3, end);
  if (family === FAMILY_UNIX) return { family: 'unix', path: text };
  const address = family === FAMILY_IPV6 && /^ipv6:/i.test(text) ? text.slice(5) : text;
  if (address === '') return UNKNOWN;
  if (family === FAMILY_IPV4) return { family: 'ipv4', address, port };
  return family === FAMILY_IPV6 ? { family: 'ipv6', address, port } : UNKNOWN;
}

/** Encodes CONNECT as Postfix sends it. */
export function encodeConnect({ hostname, peer }: ConnectEvent): Buffer {
  const name = encodeStrings(hostname);
  if (peer.family === 'unknown') return Buffer.concat([name, Buffer.of(FAMILY_UNKNOWN)]);
  const family = peer.family === 'unix' ? FAMILY_UNIX : peer.family === 'ipv4' ? FAMILY_IPV4 : FAMILY_IPV6;
  const port = peer.family === 'unix' ? 0 : peer.port;
  const address = encodeStrings(peer.family === 'unix' ? peer.path : peer.address);
  return Buffer.concat([name, Buffer.of(family, port >> 8, port & 0xff), address]);
}

/** An envelope address and its ESMTP arguments, from MAIL or RCPT. */
export class Path {
  /** Without one pair of angle brackets; empty for the null sender. */
  readonly address: string;
  /** As sent: the address as the client typed it, then arguments such as `SIZE=100`, verbatim. */
  readonly argv: readonly string[];

  constructor(argv: readonly string[]) {
    const typed = argv[0] ?? '';
    this.address = typed.startsWith('<') && typed.endsWith('>') ? typed.slice(1, -1) : typed;
    this.argv = argv;
  }

  /** The ESMTP arguments by upper-case keyword; `true` for one without a value. */
  get parameters(): ReadonlyMap<string, string | true> {
    const parameters = new Map<string, string | true>();
    for (const argument of this.argv.slice(1)) {
      const equals = argument.indexOf('=');
      if (equals < 0) parameters.set(argument.toUpperCase(), true);
      else parameters.set(argument.slice(0, equals).toUpperCase(), argument.slice(equals + 1));
    }
    return parameters;
  }
}

export interface HeaderEvent {
  readonly name: string;
  /** Folded lines are joined by LF and the white space of the next line. */
  readonly value: string;
}

export function decodeHeader(buffer: Buffer, start: number, end: number): HeaderEvent {
  const [name = '', value = ''] = decodeStrings(buffer, start, end);
  return { name, value };
}
