/**
 * Looks at a database file from outside, as another process would.
 */
import Database from 'better-sqlite3';

/** Calls `look` with the file opened for reading; waits for locks. */
function reading<T>(path: string, look: (database: Database.Database) => T): T {
  const database = new Database(path, { readonly: true, timeout: 10_000 });
  try {
    return look(database);
  } finally {
    database.close();
  }
}

/** What is wrong with the file; undefined if it is sound. */
export function unsound(path: string): string | undefined {
  const verdict = reading(path, database => database.pragma('integrity_check', { simple: true }));
  return verdict === 'ok' ? undefined : String(verdict);
}

/** Every recipient in it. */
export function recipients(path: string): ReadonlySet<string> {
  return reading(
    path,
    database => new Set(database.prepare('SELECT recipient FROM triplet').pluck().all() as string[]),
  );
}

/** Names and texts of all that is defined in it. */
export function schema(path: string): string {
  return reading(path, database =>
    JSON.stringify(database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()),
  );
}

export function rows(path: string): number {
  return reading(path, database => Number(database.prepare('SELECT count(*) FROM triplet').pluck().get()));
}

/** Those of `serials` whose triplet is not there; see `traffic.ts` for their recipients. */
export function missingFrom(
  path: string,
  serials: Iterable<number>,
  recipientOf: (serial: number) => string,
): number[] {
  const known = recipients(path);
  return [...serials].filter(serial => !known.has(recipientOf(serial)));
}
