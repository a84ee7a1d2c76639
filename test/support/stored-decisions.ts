/**
 * The decisions in a daemon's database, which it stores some times a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { PATIENCE } from './bell.ts';

/** The ids of all that are stored, in their order, once the one with this id is. */
export async function storedDecisions(path: string, id: string): Promise<readonly string[]> {
  const database = new Database(path, { readonly: true, timeout: PATIENCE });
  try {
    const select = database.prepare('SELECT id FROM decision ORDER BY number').pluck();
    for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(10)) {
      const ids = select.all() as string[];
      if (ids.includes(id)) return ids;
    }
    throw new Error(`${path}: the decision ${id} is not stored after ${PATIENCE} ms`);
  } finally {
    database.close();
  }
}
