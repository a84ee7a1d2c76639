/**
 * Learning as a whole: what is built of a configuration, and what it has in common with the one before. What was learned
 * outlives a reload: the notebooks and the crowd in memory are handed on.
 */
import type { Clock, Timers } from '../clock.ts';
import { Crowd, type Lessons } from '../greylist/lessons.ts';
import { createSweeper, type Sweeper } from '../greylist/sweeper.ts';
import type { Logger } from '../log/logger.ts';
import type { RateLimited } from '../log/rate-limited.ts';
import { Correspondents, createPairs, type Pairs } from './correspondents.ts';
import { createStandings, type NetworkRules, Networks, type Standings } from './networks.ts';
import type { NoteStore } from './note-store.ts';
import { NoteWriter } from './note-writer.ts';
import type { NotebookParts } from './notebook.ts';
import { Patience, type PatienceRules } from './patience.ts';

export interface LearningRules extends NetworkRules, PatienceRules {
  readonly correspondents: { readonly lifetime: number } | undefined;
}

/** What is in force; each part undefined if it is not wanted. */
export interface Learned {
  readonly networks: Networks;
  readonly lessons: Lessons;
  readonly correspondents: Correspondents | undefined;
  readonly patience: Patience | undefined;
}

export interface LearningParts {
  readonly store: NoteStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly log: Pick<RateLimited, 'warn' | 'error'>;
}

export class Learning {
  readonly #parts: LearningParts;
  readonly #writer: NoteWriter;
  readonly #notebook: NotebookParts;
  readonly #standings: Standings;
  #pairs: Pairs | undefined;
  readonly #sweeper: Sweeper;
  readonly #crowd = new Crowd();
  #inForce: { readonly rules: string; readonly learned: Learned } | undefined;

  constructor(parts: LearningParts) {
    const { store, clock, timers, logger, log } = parts;
    this.#parts = parts;
    this.#writer = new NoteWriter(store, timers, log);
    this.#notebook = { store, writer: this.#writer, clock, timers };
    this.#standings = createStandings(this.#notebook);
    this.#sweeper = createSweeper({ sweep: now => store.sweep(now), what: 'notes', clock, timers, logger });
  }

  /** What a configuration makes of it: what is in force already if its rules are the same. */
  use(rules: LearningRules): Learned {
    const text = JSON.stringify(rules);
    if (this.#inForce?.rules !== text) this.#inForce = { rules: text, learned: this.#learn(rules) };
    return this.#inForce.learned;
  }

  /** Stores what is not stored yet, and stops. */
  close(): Promise<void> {
    this.#sweeper.stop();
    return this.#writer.close();
  }

  #learn(rules: LearningRules): Learned {
    const networks = new Networks(rules, this.#notebook, this.#standings);
    const { correspondents, impatient, relaySwitchers } = rules;
    if (correspondents) this.#pairs ??= createPairs(this.#notebook);
    return {
      networks,
      lessons: this.#lessons(networks),
      correspondents: correspondents && new Correspondents(correspondents.lifetime, this.#notebook, this.#pairs),
      patience: impatient || relaySwitchers ? new Patience(rules, this.#parts.clock) : undefined,
    };
  }

  /** A failing lesson costs the lesson, never the answer. */
  #lessons(networks: Networks): Lessons {
    const { log } = this.#parts;
    const failed = (error: unknown): void => log.error('learning', 'nothing was learned', { error: String(error) });
    return {
      crowd: this.#crowd,
      isFull(network) {
        try {
          return networks.isFull(network);
        } catch (error) {
          failed(error);
          return false;
        }
      },
      learn({ triplet, outcome, added }) {
        try {
          if (outcome.reason === 'matured') networks.matured(triplet);
          else if (added && !outcome.pass) networks.arrived(triplet.network);
        } catch (error) {
          failed(error);
        }
      },
    };
  }
}
