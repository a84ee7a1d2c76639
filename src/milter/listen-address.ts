/**
 * Socket addresses in every spelling administrators paste: libmilter's and Sendmail's `inet:port@host`, Postfix's
 * `inet:host:port`, `unix:`, `local:` or a bare path, and `fd:3` for a socket inherited from systemd.
 */

export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'inet'; readonly host: string; readonly port: number }
  | { readonly kind: 'fd'; readonly fd: number };

const EXPECTED =
  '/path, unix:/path, local:/path, inet:port, inet:port@host, inet:host:port, inet6:port@host, inet6:[host]:port or fd:3';

/** An address that can't be read; the message names it and what was expected. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** Reads a socket address. Without a host, `inet` means 127.0.0.1 and `inet6` ::1. Throws `AddressError`. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('/')) return unix(text, text);
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  const rest = text.slice(colon + 1);
  switch (scheme) {
    case 'unix':
    case 'local':
      return unix(rest, text);
    case 'inet':
      return inet(rest, '127.0.0.1', text);
    case 'inet6':
      return inet(rest, '::1', text);
    case 'fd':
      if (/^\d{1,9}$/.test(rest)) return { kind: 'fd', fd: Number(rest) };
      throw new AddressError(`socket ${quoted(text)}: expected a descriptor number behind fd:`);
    default:
      throw new AddressError(`socket ${quoted(text)}: expected ${EXPECTED}`);
  }
}

/** sun_path holds 108 bytes, one of them the final NUL. */
export const LONGEST_PATH = 107;

function unix(path: string, text: string): ListenAddress {
  if (path === '' || path.endsWith('/') || path.includes('\0')) {
    throw new AddressError(`socket ${quoted(text)}: expected the path of a socket`);
  }
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new AddressError(`socket ${quoted(text)}: a socket's path has at most ${LONGEST_PATH} bytes`);
  }
  return { kind: 'unix', path };
}

function inet(rest: string, standard: string, text: string): ListenAddress {
  const parts = /^(?<port>\d+)(?:@(?<at>.+))?$|^(?<host>\[[^\]]+\]|[^:@[\]]+):(?<last>\d+)$/.exec(rest)?.groups;
  if (parts === undefined)
    throw new AddressError(`socket ${quoted(text)}: expected port@host or host:port behind inet:`);
  const port = Number(parts.port ?? parts.last);
  if (port > 65_535) throw new AddressError(`socket ${quoted(text)}: port ${port} is above 65535`);
  const host = (parts.at ?? parts.host ?? standard).replace(/^\[(.*)\]$/, '$1');
  return { kind: 'inet', host, port };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** The address in Sendmail's and libmilter's spelling. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  if (address.kind === 'fd') return `fd:${address.fd}`;
  return address.host.includes(':') ? `inet6:${address.port}@${address.host}` : `inet:${address.port}@${address.host}`;
}
