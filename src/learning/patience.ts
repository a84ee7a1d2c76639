/**
 * Patience: who may be made to wait longer. Remembers of late attempts what `haste.ts` and `relays.ts` need, in memory and
 * bounded; what is pushed out is forgiven. All that ever comes of it is a longer delay, the same at every attempt, so who
 * goes on trying passes in the end.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { attempted, type Haste, type HasteRules, refused } from './haste.ts';
import { isSwitcher, type Relays, relayed, type SwitchRules } from './relays.ts';

export interface ImpatientRules extends HasteRules {
  /** Whether the triplet that is tried in haste waits longer, or all of its network. */
  readonly per: 'triplet' | 'network';
  /** Milliseconds. */
  readonly extraDelay: number;
}

export interface PatienceRules {
  readonly impatient: ImpatientRules | undefined;
  readonly relaySwitchers: (SwitchRules & { readonly extraDelay: number }) | undefined;
}

/** One attempt: who tries to write to whom. */
export interface Try {
  readonly network: string;
  readonly helo: string | undefined;
  readonly sender: string;
  readonly recipient: string;
}

/** What an attempt has to wait longer for, and how many milliseconds. */
export interface Impatience {
  readonly extraDelay: number;
  readonly why: readonly ('impatient' | 'relay-switcher')[];
}

/** Of each kind that are remembered. */
const LIMIT = 20_000;
/** A network is made to wait for so long after one of its clients was last found in haste. */
const FORGET = 86_400_000;

export class Patience {
  readonly #rules: PatienceRules;
  readonly #clock: Clock;
  readonly #haste = new LRUCache<string, Haste>({ max: LIMIT });
  /** When a client of theirs was last found in haste. */
  readonly #hastyNetworks = new LRUCache<string, number>({ max: LIMIT });
  readonly #relays = new LRUCache<string, Relays>({ max: LIMIT });

  constructor(rules: PatienceRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Takes note of an attempt; undefined if it has to wait no longer than others. */
  tried(attempt: Try): Impatience | undefined {
    const { impatient, relaySwitchers } = this.#rules;
    const now = this.#clock.monotonic();
    const why: Impatience['why'][number][] = [];
    let extraDelay = 0;
    if (impatient && this.#isHasty(attempt, now, impatient)) {
      why.push('impatient');
      extraDelay += impatient.extraDelay;
    }
    if (relaySwitchers && attempt.helo !== undefined && this.#switches(attempt, attempt.helo, now, relaySwitchers)) {
      why.push('relay-switcher');
      extraDelay += relaySwitchers.extraDelay;
    }
    return why.length === 0 ? undefined : { extraDelay, why };
  }

  /** The attempt was answered with a 5xx. */
  refused(attempt: Try): void {
    if (this.#rules.impatient === undefined) return;
    const key = keyOf(attempt);
    this.#haste.set(key, refused(this.#haste.get(key), this.#clock.monotonic()));
  }

  /** Attempts count by triplet in any case: a busy server's many messages are no haste. */
  #isHasty(attempt: Try, now: number, rules: ImpatientRules): boolean {
    const key = keyOf(attempt);
    const haste = attempted(this.#haste.get(key), now, rules);
    this.#haste.set(key, haste);
    if (rules.per === 'triplet') return haste.hasty;
    if (haste.hasty) this.#hastyNetworks.set(attempt.network, now);
    const since = this.#hastyNetworks.get(attempt.network);
    return since !== undefined && now - since <= FORGET;
  }

  #switches({ network, recipient }: Try, helo: string, now: number, rules: SwitchRules): boolean {
    const key = joined(helo.toLowerCase(), recipient.toLowerCase());
    const relays = relayed(this.#relays.get(key), network, now, rules);
    this.#relays.set(key, relays);
    return isSwitcher(relays, now);
  }
}

function keyOf({ network, sender, recipient }: Try): string {
  return joined(network, sender.toLowerCase(), recipient.toLowerCase());
}

/** Lengths keep the parts apart; what is longer than any address is cut, so that nobody fills the memory. */
function joined(...parts: readonly string[]): string {
  return parts.map(part => `${part.length}:${part.slice(0, 320)}`).join('');
}
