/**
 * What is learned of networks: their merit (`merit.ts`), and how many triplets they bring before they have any
 * (`influx.ts`). A network is whatever stands first in a triplet: a part of the address space, or an SPF domain.
 *
 * Being full concerns networks without merit only: one whose triplets mature is a mail server, however busy.
 */
import type { Clock } from '../clock.ts';
import type { Triplet } from '../greylist/store.ts';
import { FirstFew } from './first-few.ts';
import { amount, grown, type Influx, influxFromJson, influxToJson } from './influx.ts';
import {
  credit,
  isAlive,
  isWhite,
  lapses,
  type Merit,
  type MeritRules,
  meritFromJson,
  meritToJson,
  renew,
} from './merit.ts';
import { type Kind, Notebook, type NotebookParts } from './notebook.ts';

export interface NetworkRules {
  /** Undefined: nobody becomes white. Merit is counted all the same. */
  readonly autowhite: MeritRules | undefined;
  /** Pending triplets that a network without merit may have stored; 0: any number. */
  readonly pendingLimit: number;
  /** How long a pending triplet is stored, in milliseconds. */
  readonly retryWindow: number;
}

/** What is remembered of one network. */
interface Standing {
  readonly merit?: Merit | undefined;
  readonly influx?: Influx | undefined;
}

/** What is remembered of networks: no rules are in it, so it outlives them. */
export type Standings = Notebook<Standing>;

export function createStandings(parts: NotebookParts): Standings {
  return new Notebook(standingKind, parts);
}

const standingKind: Kind<Standing> = {
  name: 'network',
  encode: ({ merit, influx }) => ({
    ...(merit && { merit: meritToJson(merit) }),
    ...(influx && { influx: influxToJson(influx) }),
  }),
  decode(value) {
    if (typeof value !== 'object' || value === null) return undefined;
    const { merit, influx } = value as Readonly<Record<string, unknown>>;
    return { merit: meritFromJson(merit), influx: influxFromJson(influx) };
  },
};

/** Merit is counted like this where it makes nobody white, for the limit's sake. */
const countOnly: MeritRules = { triplets: 1, hours: 1, lifetime: 36 * 86_400_000 };
/**
 * A network is counted by itself once it has brought this part of the limit, and each time it has brought as much again that is
 * written down: some of it is what a restart forgets.
 */
const STEPS = 20;

export class Networks {
  readonly #rules: NetworkRules;
  readonly #meritRules: MeritRules;
  readonly #clock: Clock;
  readonly #notebook: Standings;
  readonly #firstFew: FirstFew;

  constructor(rules: NetworkRules, parts: NotebookParts, standings: Standings = createStandings(parts)) {
    this.#rules = rules;
    this.#meritRules = rules.autowhite ?? countOnly;
    this.#clock = parts.clock;
    this.#notebook = standings;
    this.#firstFew = new FirstFew(rules.retryWindow);
  }

  /** Whether the network has proved itself; that it is used renews it. Throws a `StoreError`. */
  isWhite(network: string): boolean {
    const { autowhite } = this.#rules;
    if (autowhite === undefined) return false;
    const standing = this.#notebook.get(network);
    if (standing?.merit === undefined) return false;
    const now = this.#clock.now();
    if (!isWhite(standing.merit, now, autowhite)) return false;
    const merit = renew(standing.merit, now, autowhite);
    if (merit) this.#put(network, { ...standing, merit });
    return true;
  }

  /** What is known of a network, and whether it is white now. Changes nothing. */
  look(network: string): { readonly merit: Merit | undefined; readonly white: boolean } {
    const { autowhite } = this.#rules;
    const merit = this.#notebook.get(network)?.merit;
    return { merit, white: autowhite !== undefined && isWhite(merit, this.#clock.now(), autowhite) };
  }

  /** A triplet of this network has matured. */
  matured({ network, sender, recipient }: Triplet): void {
    const standing = this.#notebook.get(network);
    const merit = credit(standing?.merit, hashOf(sender, recipient), this.#clock.now(), this.#meritRules);
    this.#put(network, { ...standing, merit });
  }

  /** The network has turned up on a blocklist: whatever merit it had is gone. Says whether it had any. */
  revoke(network: string): boolean {
    const standing = this.#notebook.get(network);
    if (standing?.merit === undefined) return false;
    if (standing.influx === undefined) this.#notebook.remove(network);
    else this.#put(network, { influx: standing.influx });
    return true;
  }

  /** Whether no further pending triplet of this network is to be stored. Throws a `StoreError`. */
  isFull(network: string): boolean {
    const { pendingLimit, retryWindow } = this.#rules;
    if (pendingLimit === 0) return false;
    const { merit, influx } = this.#notebook.get(network) ?? {};
    if (influx === undefined || influx.count + influx.before < pendingLimit) return false;
    const now = this.#clock.now();
    return amount(influx, now, retryWindow) >= pendingLimit && !isAlive(merit, now, this.#meritRules);
  }

  /** A pending triplet of this network was stored that had not been there. */
  arrived(network: string): void {
    const { pendingLimit, retryWindow } = this.#rules;
    if (pendingLimit === 0) return;
    const step = Math.ceil(pendingLimit / STEPS);
    const few = this.#firstFew.add(network, this.#clock.monotonic());
    if (few < step) return;
    const standing = this.#notebook.get(network);
    const influx = grown(standing?.influx, few === step ? step : 1, this.#clock.now(), retryWindow);
    const next = { ...standing, influx };
    if (influx.count % step === 0) this.#put(network, next);
    else this.#notebook.keep(network, next, this.#until(next));
  }

  #put(network: string, standing: Standing): void {
    this.#notebook.put(network, standing, this.#until(standing));
  }

  /** When nothing of it means anything any more. */
  #until({ merit, influx }: Standing): number {
    return Math.max(
      merit ? lapses(merit, this.#meritRules) : 0,
      influx ? influx.since + 2 * this.#rules.retryWindow : 0,
    );
  }
}

/** FNV-1a, 32 bits. Whoever makes two of their triplets collide makes them count once. */
function hashOf(sender: string, recipient: string): number {
  let hash = 0x811c9dc5;
  for (const text of [sender, '\0', recipient]) {
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
  }
  return hash >>> 0;
}
