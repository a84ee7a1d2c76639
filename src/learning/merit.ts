/**
 * Merit: what a network (or an SPF domain, whatever stands in the triplet's place for it) has shown of itself. Each triplet
 * that matures counts once; when enough different ones did, in enough different hours, the network is white: it has proved
 * that it retries like a mail server, and need not prove it again for every sender and recipient. Pure.
 *
 * Merit lapses after a lifetime without use, and is lost at once when the network turns up on a blocklist.
 */

export interface MeritRules {
  /** Different triplets that must have matured; at least 1. */
  readonly triplets: number;
  /** Different hours of the clock in which they did; at least 1. */
  readonly hours: number;
  /** Milliseconds after the last use for which merit lasts. */
  readonly lifetime: number;
}

export interface Merit {
  /** Hashes of triplets that matured, no more of them than had to. */
  readonly triplets: readonly number[];
  /** Hours since the epoch in which they did, likewise. */
  readonly hours: readonly number[];
  readonly white: boolean;
  /** When it last grew or was used, epoch milliseconds. */
  readonly used: number;
}

const HOUR = 3_600_000;
const none: readonly number[] = [];

/** The merit after a triplet with this hash has matured. */
export function credit(merit: Merit | undefined, triplet: number, now: number, rules: MeritRules): Merit {
  const known = isAlive(merit, now, rules) ? merit : undefined;
  const { triplets: before = none, hours: earlier = none } = known ?? {};
  if (before.includes(triplet)) return { triplets: before, hours: earlier, white: known?.white ?? false, used: now };
  const triplets = before.length < rules.triplets ? [...before, triplet] : before;
  const hour = Math.floor(now / HOUR);
  const hours = earlier.length < rules.hours && !earlier.includes(hour) ? [...earlier, hour] : earlier;
  const white = known?.white === true || (triplets.length >= rules.triplets && hours.length >= rules.hours);
  return { triplets, hours, white, used: now };
}

export function isWhite(merit: Merit | undefined, now: number, rules: MeritRules): boolean {
  return isAlive(merit, now, rules) && merit.white;
}

/** The merit to store because it is used at `now`; undefined if it was written down within the hour. */
export function renew(merit: Merit, now: number, { lifetime }: MeritRules): Merit | undefined {
  const since = now - merit.used;
  // Less than an hour only for lifetimes below a day, and a time in the future is put right.
  return since < 0 || since >= Math.min(HOUR, lifetime / 24) ? { ...merit, used: now } : undefined;
}

/** When merit lapses that is not used again, epoch milliseconds. */
export function lapses({ used }: Merit, { lifetime }: MeritRules): number {
  return used + lifetime;
}

/** Whether there is merit that has not lapsed. */
export function isAlive(merit: Merit | undefined, now: number, { lifetime }: MeritRules): merit is Merit {
  return merit !== undefined && now - merit.used <= lifetime;
}

/** A merit as it stands in JSON, and back; undefined for what is none. */
export function meritToJson({ triplets, hours, white, used }: Merit): unknown {
  return [triplets, hours, white ? 1 : 0, used];
}

export function meritFromJson(value: unknown): Merit | undefined {
  if (!Array.isArray(value)) return undefined;
  const [triplets, hours, white, used] = value as readonly unknown[];
  if (!isNumbers(triplets) || !isNumbers(hours) || typeof used !== 'number') return undefined;
  return { triplets, hours, white: white === 1, used };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(item => typeof item === 'number');
}
