/**
 * The envelope: what a verdict is asked about, as any frontend can tell it. Immutable. A `Session` is one SMTP client's
 * visit, a `MessageStart` one of its messages as MAIL tells it, an `Envelope` one recipient of that.
 */
import type { Address } from '../net/address.ts';

export interface Session {
  /** Our own id for the log: the MTA's queue id may not exist yet at RCPT. */
  readonly id: string;
  /** The client's address, or undefined if the peer has none (unix socket, local submission, unparsable). */
  readonly address: Address | undefined;
  /** How the client is connected: `tcp`, or why it has no address. Port 0 is mail that never came over SMTP. */
  readonly transport: 'tcp' | 'no-port' | 'unix' | 'unknown';
  /** The verified PTR name, or `[address]` if there is none, as the MTA gave it. */
  readonly name: string;
  /** `{daemon_name}`: which of the MTA's listeners took the connection; undefined if not told. */
  readonly daemonName: string | undefined;
}

/** A frontend without macros has `noMacros`. */
export interface Macros {
  get(name: string): string | undefined;
  /** Whether the mail server was asked for it: else that it is missing means nothing. Default yes. */
  isAsked?(name: string): boolean;
}

export const noMacros: Macros = { get: () => undefined };

export interface MessageStart {
  readonly session: Session;
  readonly helo: string | undefined;
  /** As given, without angle brackets; empty for the null sender. */
  readonly sender: string;
  /** `{auth_authen}`, or undefined (never empty). */
  readonly authenticated: string | undefined;
  /** What the MTA tells beside: its macros, by name without braces. */
  readonly macros: Macros;
}

export interface Envelope extends MessageStart {
  /** Our own id for this recipient, the session's with a number: in the log line and, by template, in the reply. */
  readonly id: string;
  /** As given, without angle brackets. */
  readonly recipient: string;
  /** The MTA has refused this recipient already and only lets us know. */
  readonly rejectedByMta: boolean;
}
