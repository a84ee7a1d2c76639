/**
 * Which DNS servers are asked: those of the configuration, `ADDR[:PORT]`, or those of the system.
 */
import { Resolver } from 'node:dns';
import { isIPv4, isIPv6 } from 'node:net';

const DNS_PORT = 53;

export interface ServerAddress {
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/** Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. Throws an `Error` that says what is wrong. */
export function parseServer(text: string): ServerAddress {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) {
    const [, address = '', port] = bracketed;
    if (!isIPv6(address)) throw complaint(text, `"${address}" is not an IPv6 address`);
    return { address, family: 6, port: parsePort(text, port) };
  }
  if (isIPv6(text)) return { address: text, family: 6, port: DNS_PORT };
  const [address = '', port, ...more] = text.split(':');
  if (more.length > 0) throw complaint(text, 'not an IPv6 address, and too many colons for an IPv4 address');
  if (!isIPv4(address)) throw complaint(text, `"${address}" is not an IP address`);
  return { address, family: 4, port: parsePort(text, port) };
}

/** As `parseServer` reads it; the port only if it is not 53. */
export function formatServer({ address, family, port }: ServerAddress): string {
  if (port === DNS_PORT) return address;
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What the system is set to, read afresh (`/etc/resolv.conf`); the local host if that names none. */
export function systemServers(): ServerAddress[] {
  const servers = new Resolver().getServers();
  return servers.length > 0 ? servers.map(parseServer) : [{ address: '127.0.0.1', family: 4, port: DNS_PORT }];
}

/** Whether queries to this server never leave the host. */
export function isLoopback({ address, family }: ServerAddress): boolean {
  return family === 4 ? address.startsWith('127.') : address === '::1';
}

function parsePort(text: string, port: string | undefined): number {
  if (port === undefined) return DNS_PORT;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535) throw complaint(text, `"${port}" is not a port (1 to 65535)`);
  return number;
}

function complaint(text: string, what: string): Error {
  return new Error(`DNS server "${text}": ${what}; expected ADDR, ADDR:PORT or [IPV6]:PORT`);
}
