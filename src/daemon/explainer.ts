/**
 * The explainer: the daemon's policy over a look at its database, for `explain`. It decides as the daemon would now, with the
 * same parts, and changes nothing: what they would store is dropped.
 */
import type { Clock, Timers } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { type DecisionRecord, recordIn } from '../history/decision-record.ts';
import type { Logger } from '../log/logger.ts';
import { RateLimited } from '../log/rate-limited.ts';
import type { Envelope } from '../policy/envelope.ts';
import type { Explanation } from '../policy/explanation.ts';
import { Faults } from '../policy/faults.ts';
import { assemblePolicy } from './assemble.ts';
import { Greylisting } from './greylisting.ts';
import { Lookups } from './lookups.ts';
import { readMaterials } from './materials.ts';
import { IN_MEMORY, lookAtNothing, lookAtStores, type Stores } from './stores.ts';

export interface ExplainerDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Told what the parts of the policy warn of meanwhile. */
  readonly logger: Logger;
}

export interface Explainer {
  /** Where what is known comes from: the database's path; undefined if there is none to look at. */
  readonly database: string | undefined;
  explain(envelope: Envelope): Promise<Explanation>;
  close(): Promise<void>;
}

/** Rejects if something is wrong with the configuration or its files, and with `StoreError` for a database that can't be read. */
export async function openExplainer(config: Config, { clock, timers, logger }: ExplainerDeps): Promise<Explainer> {
  const materials = await readMaterials(config);
  const { database, stores } = await look(config);
  const log = new RateLimited({ logger, timers });
  const faults = new Faults(log);
  const lookups = new Lookups({ clock, timers, logger, linger: 0 });
  const greylisting = new Greylisting({ ...stores, clock, timers, logger, log });
  const { tested, ...parts } = lookups.use(materials);
  const policy = assemblePolicy(materials, { ...greylisting.use(config), ...parts, clock, timers, faults });
  return {
    database,
    async explain(envelope) {
      await tested; // a list that has not been tested would abstain
      policy.connect(envelope.session);
      policy.mail(envelope);
      return policy.explain(envelope);
    },
    async close() {
      await lookups.close();
      await greylisting.close();
    },
  };
}

export interface Finding {
  /** The path of the database that was looked into; undefined if there is none. */
  readonly database: string | undefined;
  /** Undefined if it is not, or no longer, there. */
  readonly record: DecisionRecord | undefined;
}

/** The decision that the daemon wrote down under this id. Rejects with `StoreError` for a database that can't be read. */
export async function findDecision(config: Config, id: string): Promise<Finding> {
  const { database, stores } = await look(config);
  try {
    const row = stores.history?.find(id);
    return { database, record: row && recordIn(row) };
  } finally {
    await stores.store.close();
  }
}

async function look({ database }: Config): Promise<{ database: string | undefined; stores: Stores }> {
  if (database !== IN_MEMORY) {
    const { existingDatabasePath, mayBeThere } = await import('../stores/database-path.ts');
    const path = existingDatabasePath(database);
    if (mayBeThere(path)) return { database: path, stores: await lookAtStores(path) };
  }
  return { database: undefined, stores: lookAtNothing() };
}
