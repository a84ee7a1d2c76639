/**
 * What is made once for a whole suite is taken away when the suite ends, the last made first.
 */
import { after } from 'node:test';
import type { Owner } from './temp-dir.ts';

/**
 * An owner that ends with the suite in whose function this is called. Inside a `before` hook it is too late: what `after` of
 * `node:test` is told there is done when the hook ends.
 */
export function suiteOwner(): Owner {
  const cleaners: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const clean of cleaners.reverse()) await clean();
  });
  return { after: clean => void cleaners.push(clean) };
}
