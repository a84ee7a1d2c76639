/**
 * Who else has a database open. SQLite in WAL mode holds a lock on its file for as long as it is open, and Linux lists all locks
 * with their processes in /proc/locks (proc(5)).
 *
 * Good for a warning and no more: where the system does not tell (no Linux, a unit with `ProcSubset=pid`, another container, a
 * file system such as btrfs that numbers its devices in a way of its own), nobody is seen.
 */
import { readFileSync, statSync } from 'node:fs';

/** A file, as the kernel names it. */
export interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** The ids of other processes that have the database at `path` open, as far as the system tells. */
export function otherUsers(path: string): readonly number[] {
  try {
    const file = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (file === undefined) return [];
    return lockers(file, readFileSync('/proc/locks', 'latin1')).filter(pid => pid !== process.pid);
  } catch {
    return []; // not allowed to look, or not Linux
  }
}

/** Which processes hold a lock of fcntl(2) on a file, by the text of /proc/locks. */
export function lockers({ dev, ino }: FileId, locks: string): readonly number[] {
  const file = `${device(dev)}:${ino}`;
  const pids = new Set<number>();
  for (const [, pid, locked] of locks.matchAll(/^\d+: POSIX +\S+ +\S+ +(\d+) (\S+) /gm)) {
    if (locked === file) pids.add(Number(pid));
  }
  return [...pids];
}

/** Major and minor number, as glibc's gnu_dev_major and gnu_dev_minor take them out, in hexadecimal. */
function device(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${hex(major)}:${hex(minor)}`;
}

function hex(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}
