/**
 * Another process that holds the write lock of a database.
 */
import { join } from 'node:path';
import { spawnChild } from '../support/process.ts';
import type { Owner } from '../support/temp-dir.ts';

/** Resolves, when it has the lock, to what ends that. */
export async function holdLock(owner: Owner, path: string): Promise<() => Promise<void>> {
  const script = `
    const database = new (require('better-sqlite3'))(${JSON.stringify(path)});
    database.exec('BEGIN IMMEDIATE');
    process.on('SIGUSR2', () => { database.exec('COMMIT'); database.close(); process.exit(0); });
    setInterval(() => {}, 1_000);
    console.log('locked');`;
  const child = spawnChild(owner, process.execPath, ['-e', script], { cwd: join(import.meta.dirname, '..', '..') });
  await child.line(/locked/);
  return async () => {
    child.kill('SIGUSR2');
    await child.exited;
  };
}
