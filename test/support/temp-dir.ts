/**
 * Temporary directories for tests, removed when their owner ends.
 */
import { chmodSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Whoever something is made for: a test's context `t`, or `{ after }` from `node:test` for a whole file or suite. What is
 * made for it is taken away when it ends, also when it fails.
 */
export interface Owner {
  after(clean: () => void | Promise<void>): void;
}

/**
 * Makes an empty directory, mode 0755, and returns its path. `below` is the parent: the system's temporary directory unless
 * told. Sendmail refuses milter sockets below a world-writable directory, so `/tmp` does not do for those.
 */
export function tempDir(owner: Owner, below: string = tmpdir()): string {
  const path = mkdtempSync(join(below, 'milter-greylist-'));
  // Whoever still runs in it may make files meanwhile: its owner stops what was made first last.
  owner.after(() => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  chmodSync(path, 0o755);
  return path;
}
