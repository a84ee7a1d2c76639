/**
 * Greylisting: the greylist and what is learned beside it, with the store below both. It outlives reloads: what a change does not
 * concern stays in force, so that sweepers keep their place and nothing is forgotten.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { FormerForm } from '../greylist/former-keys.ts';
import { createGreylist, type Greylist } from '../greylist/greylist.ts';
import { type FormMemory, KeyForms } from '../greylist/key-forms.ts';
import type { Lessons } from '../greylist/lessons.ts';
import type { Store } from '../greylist/store.ts';
import type { KeyForm } from '../greylist/triplet.ts';
import { type Learned, Learning } from '../learning/learning.ts';
import type { NoteStore } from '../learning/note-store.ts';
import type { Logger } from '../log/logger.ts';
import type { RateLimited } from '../log/rate-limited.ts';
import { learningRules } from './learn.ts';

export interface GreylistingDeps {
  readonly store: Store;
  readonly notes: NoteStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly log: RateLimited;
}

/** What is in force. */
export interface InForce {
  readonly greylist: Greylist;
  readonly learned: Learned;
  /** How triplets are named, and how they were before. */
  readonly form: KeyForm;
  readonly former: readonly FormerForm[];
}

export class Greylisting {
  readonly #deps: GreylistingDeps;
  readonly #learning: Learning;
  readonly #forms: KeyForms;
  #inForce: (InForce & { readonly origin: Config['greylist'] }) | undefined;

  constructor(deps: GreylistingDeps) {
    this.#deps = deps;
    this.#learning = new Learning({ ...deps, store: deps.notes });
    this.#forms = new KeyForms({ ...deps, memory: formMemory(deps.notes) });
  }

  /** Puts a configuration in force. */
  use(config: Config): InForce {
    const learned = this.#learning.use(learningRules(config));
    const before = this.#inForce;
    if (before !== undefined && before.learned === learned && same(before.origin, config.greylist)) return before;
    before?.greylist.close();
    const form = formOf(config);
    const former = this.#forms.use(form, config.greylist.lifetime);
    const greylist = this.#greylist(config, form, former, learned.lessons);
    this.#inForce = { origin: config.greylist, greylist, learned, form, former };
    return this.#inForce;
  }

  /** Writes down what was learned last, and closes the store. */
  async close(): Promise<void> {
    this.#inForce?.greylist.close();
    this.#forms.close();
    await this.#learning.close();
    await this.#deps.store.close();
  }

  #greylist(config: Config, form: KeyForm, former: readonly FormerForm[], lessons: Lessons): Greylist {
    const { store, clock, timers, logger } = this.#deps;
    return createGreylist({ store, clock, timers, timing: config.greylist, form, former, lessons, logger });
  }
}

function formOf({ greylist }: Config): KeyForm {
  return { prefix4: greylist.prefix.ipv4, prefix6: greylist.prefix.ipv6, senderKey: greylist.senderKey };
}

/** The forms of keys are noted down where the daemon keeps its other notes. */
function formMemory(notes: NoteStore): FormMemory {
  const place = { kind: 'forms', key: '' };
  return {
    read: () => notes.read(place.kind, place.key)?.text,
    write: text => notes.write([{ ...place, note: { text, until: Number.MAX_SAFE_INTEGER } }]),
  };
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
