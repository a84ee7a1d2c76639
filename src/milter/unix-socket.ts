/**
 * Binding a unix socket: with the right mode and group from its first moment, over a stale file but never over a live daemon, and
 * removed at the end only if it is still ours.
 *
 * Node removes the path it has bound when the server closes or the process ends, whoever's socket is there by then. So
 * the socket is bound under a name of its own beside the wanted one and linked to that when it is ready.
 */
import { type BigIntStats, chownSync, linkSync, lstatSync, rmSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { LONGEST_PATH } from './listen-address.ts';

export interface SocketOwner {
  /** Permission bits, such as 0o660. */
  readonly mode: number;
  /** Numeric group for the socket; undefined keeps the process's. */
  readonly gid: number | undefined;
}

/** The path is taken: by a live daemon, or by something that is no socket. */
export class SocketInUseError extends Error {
  override readonly name = 'SocketInUseError';
  readonly code = 'EADDRINUSE';
}

/** Listens on `path`. Resolves to a function that removes the socket's file. */
export async function listenUnix(
  server: Server,
  path: string,
  owner: SocketOwner,
  backlog: number,
): Promise<() => void> {
  await removeStale(path);
  const bound = nameBeside(path);
  rmSync(bound, { force: true });
  await bind(server, bound, owner.mode, backlog).catch((error: NodeJS.ErrnoException & { address?: string }) => {
    error.address = path;
    throw naming(path, bound, error);
  });
  try {
    if (owner.gid !== undefined) chownSync(bound, process.geteuid?.() ?? -1, owner.gid);
    link(bound, path);
    const ours = stat(path);
    unlinkSync(bound);
    return () => {
      if (ours !== undefined && isSame(ours, stat(path))) unlinkSync(path);
    };
  } catch (error) {
    server.close();
    throw naming(path, bound, error as Error);
  }
}

/** The error with the path that was asked for, in place of the one that we bound. */
function naming(path: string, bound: string, error: Error): Error {
  error.message = error.message.replaceAll(bound, path);
  return error;
}

function nameBeside(path: string): string {
  const suffix = `.${process.pid}`;
  const beside = path + suffix;
  return Buffer.byteLength(beside) <= LONGEST_PATH ? beside : join(dirname(path), suffix);
}

function bind(server: Server, path: string, mode: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Node binds inside this call, so the umask need not stay for longer.
    const umask = process.umask(0o777 & ~mode);
    try {
      server.listen({ path, backlog }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

/** Unlike a renamed file, a link never takes the place of one that came in the meantime. */
function link(bound: string, path: string): void {
  try {
    linkSync(bound, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new SocketInUseError(`${path} is in use: another daemon has just begun there`);
  }
}

async function removeStale(path: string): Promise<void> {
  const found = stat(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw new SocketInUseError(`${path} exists and is no socket: not touched`);
  if (await answers(path)) throw new SocketInUseError(`${path} is in use: another daemon answers there`);
  if (isSame(found, stat(path))) unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      // A full backlog is a daemon that lives.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

function stat(path: string): BigIntStats | undefined {
  return lstatSync(path, { throwIfNoEntry: false, bigint: true });
}

/** Inode numbers are used again soon; a socket's modification time is that of its birth and tells them apart. */
function isSame(one: BigIntStats, other: BigIntStats | undefined): boolean {
  return other !== undefined && one.ino === other.ino && one.dev === other.dev && one.mtimeNs === other.mtimeNs;
}
