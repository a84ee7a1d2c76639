/**
 * Errors at the command line: which exit code says what, and one line for a person.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommanderError } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { UsageError } from '../config/usage-error.ts';
import { ZoneError } from '../dnsbl/zone-error.ts';
import { StoreError } from '../greylist/store.ts';
import { ListError } from '../lists/list-error.ts';
import { AddressError } from '../milter/listen-address.ts';
import { ProtocolError } from '../milter/protocol-error.ts';
import { SocketInUseError } from '../milter/unix-socket.ts';
import { SpfMissingError } from '../spf/spf.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** An error that knows its exit code. The message is one line and names place, value and what was expected. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** System calls that make something; others that fail for a missing file looked for one that was named. */
const CREATING: ReadonlySet<string> = new Set(['listen', 'bind', 'mkdir', 'chown', 'chmod']);
const ADDRESS_CODES: ReadonlySet<string> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND']);

/** The exit code for an error that ended a command: the error's own, or its cause's if that tells more. */
export function exitCodeOf(error: unknown): number {
  let verdict: ExitCode | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const own = ownCode(cause);
    if (own !== undefined && own !== EXIT.cantCreate) return own;
    const system = systemCode(cause);
    if (system === EXIT.noPermission) return system;
    verdict ??= own ?? system;
  }
  return verdict ?? configCode(error) ?? EXIT.software;
}

/** What kind of thing went wrong, by the error's class. */
function ownCode(error: Error): ExitCode | undefined {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof StoreError || error instanceof SocketInUseError) return EXIT.cantCreate;
  if (error instanceof ProtocolError) return EXIT.protocol;
  if (error instanceof SpfMissingError) return EXIT.unavailable;
  return undefined;
}

/** Wrong configuration; but a list file that can't be read at all has a cause that says more. */
function configCode(error: unknown): ExitCode | undefined {
  const wrong = [ConfigError, AddressError, ZoneError, ListError].some(kind => error instanceof kind);
  return wrong ? EXIT.config : undefined;
}

function systemCode(error: NodeJS.ErrnoException): ExitCode | undefined {
  const { code, syscall = '' } = error;
  if (code === undefined) return undefined;
  if (missingFolder(error) !== undefined) return EXIT.cantCreate;
  if (code === 'EACCES' || code === 'EPERM') return EXIT.noPermission;
  if (ADDRESS_CODES.has(code) || CREATING.has(syscall)) return EXIT.cantCreate;
  if (code === 'ENOENT' || code === 'ENOTDIR') return EXIT.noInput;
  return undefined;
}

/**
 * What to tell a person, line by line: the message (one line; with wrong lists, one for each problem), and for a fault of ours
 * where it happened.
 */
export function describeError(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  if (exitCodeOf(error) === EXIT.software) return (error.stack ?? error.message).split('\n');
  if (error instanceof CommanderError) return [error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')];
  const folder = missingFolder(error);
  if (folder !== undefined) return [`socket ${(error as { address?: string }).address}: there is no folder ${folder}`];
  const hint = hintOf(error);
  return (hint === undefined ? error.message : `${error.message}: ${hint}`).split('\n');
}

/** What the system's own words leave out. */
function hintOf({ code, syscall }: NodeJS.ErrnoException): string | undefined {
  if (code === 'EADDRINUSE' && syscall === 'listen') return 'perhaps the daemon runs already';
  if (code === 'EINVAL' && syscall === 'listen') return 'what fd: names is no socket that can be listened on';
  if (code === 'EPERM' && syscall === 'chown')
    return 'only root, or who is in the group itself, can give the socket to --socket-group';
  return undefined;
}

/** The folder that a unix socket could not be made in because it is not there: Node reports a missing permission then. */
function missingFolder(error: NodeJS.ErrnoException & { readonly address?: unknown }): string | undefined {
  const { code, syscall, address } = error;
  if (code !== 'EACCES' || syscall !== 'listen' || typeof address !== 'string') return undefined;
  const folder = dirname(address);
  return existsSync(folder) ? undefined : folder;
}
