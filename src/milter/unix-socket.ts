/**
 * Binding a unix socket: with the right mode from its first moment (umask, not chmod afterwards), over a stale file but never over
 * a live daemon, and removed at the end only if it is still ours.
 */
import { chownSync, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

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
  needFolder(path);
  await removeStale(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Node binds inside this call, so the umask need not stay for longer.
    const umask = process.umask(0o777 & ~owner.mode);
    try {
      server.listen({ path, backlog }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
  const ours = lstatSync(path);
  if (owner.gid !== undefined) chownSync(path, ours.uid, owner.gid);
  return () => {
    const now = statOrNothing(path);
    if (now !== undefined && now.ino === ours.ino && now.dev === ours.dev) unlinkIfAllowed(path);
  };
}

/** Node reports a missing folder as a missing permission. */
function needFolder(path: string): void {
  const folder = dirname(path);
  if (statOrNothing(folder) === undefined)
    throw Object.assign(new Error(`socket ${path}: there is no folder ${folder}`), { code: 'ENOENT', syscall: 'bind' });
}

/** Who gave up root since may not; the next start finds the file stale and replaces it. */
function unlinkIfAllowed(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
}

async function removeStale(path: string): Promise<void> {
  const found = statOrNothing(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw new SocketInUseError(`${path} exists and is no socket: not touched`);
  if (await answers(path)) throw new SocketInUseError(`${path} is in use: another daemon answers there`);
  unlinkSync(path);
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

function statOrNothing(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
