/**
 * In which order the servers are tried: the fastest first, but every fiftieth look-up starts with the slowest, so that one
 * that has recovered is found.
 */
import type { RandomSource } from './random.ts';

const EXPLORE = Math.round(0x10000 / 50);

/** `roundTrip` is in milliseconds. */
export function orderServers<S extends { readonly roundTrip: number }>(
  servers: readonly S[],
  random: RandomSource,
): readonly S[] {
  if (servers.length < 2) return servers;
  const ordered = servers.toSorted((a, b) => a.roundTrip - b.roundTrip);
  if (random.uint16() < EXPLORE) ordered.unshift(...ordered.splice(-1));
  return ordered;
}
