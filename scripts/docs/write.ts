/**
 * Writes the made parts of the documents: `npm run docs`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { documents } from './reference.ts';

for (const [path, text] of documents()) {
  let before = '';
  try {
    before = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (text === before) continue;
  writeFileSync(path, text);
  process.stdout.write(`${path}\n`);
}
