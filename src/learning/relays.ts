/**
 * Relay switchers: one HELO name that tries one recipient from several networks within seconds. A server has one place, and a
 * park of servers has many names; who has one name and many places has borrowed them. Pure. Time is monotonic, in
 * milliseconds.
 */

export interface SwitchRules {
  /** So many networks are too many; at least 2. */
  readonly networks: number;
  /** Milliseconds within which they came. */
  readonly within: number;
}

/** What is known of a HELO name and recipient. */
export interface Relays {
  /** The networks that came last, the latest at the end, each once. */
  readonly recent: readonly { readonly network: string; readonly at: number }[];
  /** When they were too many for the last time, if ever. */
  readonly switched: number | undefined;
}

/** A switcher is one for so long after it was last seen switching. */
const FORGET = 86_400_000;

/** What is known after an attempt from this network at `now`. */
export function relayed(relays: Relays | undefined, network: string, now: number, rules: SwitchRules): Relays {
  const before = relays?.recent.filter(seen => now - seen.at <= rules.within && seen.network !== network) ?? [];
  // More of them tell nothing more.
  const recent = [...before, { network, at: now }].slice(-rules.networks);
  return { recent, switched: recent.length >= rules.networks ? now : relays?.switched };
}

export function isSwitcher({ switched }: Relays, now: number): boolean {
  return switched !== undefined && now - switched <= FORGET;
}
