/**
 * Influx: how many new triplets a network has brought of late. A pending row lives for one retry window, so the rows of a
 * network are at most those of the last window; two counters, for this window and the one before, tell their number closely
 * enough. Pure.
 */

export interface Influx {
  /** When this window began, epoch milliseconds. */
  readonly since: number;
  /** New triplets in this window. */
  readonly count: number;
  /** New triplets in the window before. */
  readonly before: number;
}

/** The influx after `more` new triplets. `window` is in milliseconds. */
export function grown(influx: Influx | undefined, more: number, now: number, window: number): Influx {
  const { since, count, before } = turned(influx, now, window);
  return { since, count: count + more, before };
}

/** New triplets in the last window: those of this one, and of the one before the share that is not yet over. */
export function amount(influx: Influx | undefined, now: number, window: number): number {
  if (influx === undefined) return 0;
  const { since, count, before } = turned(influx, now, window);
  return count + before * (1 - (now - since) / window);
}

/** The windows as they stand at `now`. A beginning in the future, of a clock that was stepped back, counts as now. */
function turned(influx: Influx | undefined, now: number, window: number): Influx {
  if (influx === undefined) return { since: now, count: 0, before: 0 };
  const since = Math.min(influx.since, now);
  const age = now - since;
  if (age < window) return { ...influx, since };
  return { since: now - (age % window), count: 0, before: age < 2 * window ? influx.count : 0 };
}

/** An influx as it stands in JSON, and back; undefined for what is none. */
export function influxToJson({ since, count, before }: Influx): unknown {
  return [since, count, before];
}

export function influxFromJson(value: unknown): Influx | undefined {
  if (!Array.isArray(value)) return undefined;
  const [since, count, before] = value as readonly unknown[];
  if (typeof since !== 'number' || typeof count !== 'number' || typeof before !== 'number') return undefined;
  return { since, count, before };
}
