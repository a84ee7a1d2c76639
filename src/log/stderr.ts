/**
 * Standard error as the place where the log goes: writing to it without waiting, and whether the systemd journal reads it.
 */
import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

const STDERR = 2;

/**
 * Returns a function that writes to standard error as `LineBuffer` wants it. A pipe or socket is made non-blocking, so that a
 * reader that stopped reading can't stop us; files and terminals are left as they are.
 */
export function stderrWriter(): (bytes: Uint8Array) => number {
  const kind = fstatSync(STDERR);
  // What makes the descriptor non-blocking is the stream's handle; the stream itself is never written to, read or closed.
  const keeper = kind.isFIFO() || kind.isSocket() ? new Socket({ fd: STDERR, readable: false }) : undefined;
  keeper?.unref();
  return bytes => {
    void keeper; // held, or the collector would close the descriptor
    return writeSync(STDERR, bytes);
  };
}

/**
 * Whether standard error goes to the systemd journal: `JOURNAL_STREAM` names the device and inode of the stream that systemd
 * connected (systemd.exec(5)), and standard error must still be that one.
 */
export function isJournal(journalStream: string | undefined): boolean {
  if (!journalStream) return false;
  const stat = fstatSync(STDERR, { bigint: true });
  return journalStream === `${stat.dev}:${stat.ino}`;
}
