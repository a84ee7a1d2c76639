/**
 * An IP address, parsed once. ipaddr.js reads things that are not addresses (`010.0.0.1`, `10`, `0x7f.1`), so `net.isIP`
 * guards it; IPv4-mapped IPv6 addresses become IPv4, zone ids are refused.
 */

export interface Address {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Canonical text (RFC 5952 for IPv6). */
  readonly text: string;
}
