/**
 * Databases with many triplets, made once and kept in `bench/.data`, since ten million take a minute or two.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Triplet } from '../src/greylist/store.ts';
import { fillDatabase } from './fill-database.ts';

const folder = join(import.meta.dirname, '.data');

/** The path of a database with so many triplets that have passed, none of which the load will ask for. */
export async function filledDatabase(rows: number): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `bench-${rows}.db`);
  if (existsSync(path)) return path;
  process.stderr.write(`making a database of ${rows} triplets ...\n`);
  await fillDatabase(`${path}.new`, rows, tripletAt);
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  renameSync(`${path}.new`, path);
  return path;
}

function tripletAt(index: number): Triplet {
  return {
    network: `${100 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}.0/24`,
    sender: `s${index.toString(16).padStart(8, '0')}@d${index % 999}.sender.example`,
    recipient: `r${index.toString(16).padStart(5, '0')}@m${index % 9999}.rcpt.example`,
  };
}
