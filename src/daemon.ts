/**
 * The daemon: everything built from a configuration, started, reloaded and stopped. The only place that knows the adapters.
 *
 * Order of start: lists and settings are read and checked, sockets bound, the database's folder made, privileges dropped, then the
 * database opened, so that a mistake in a file never leaves a half-started daemon and the database belongs to who works with it.
 * Whoever connects meanwhile waits.
 */

import { type Clock, systemClock, systemTimers, type Timers } from './clock.ts';
import type { Config } from './config/config.ts';
import { assemblePolicy } from './daemon/assemble.ts';
import { Greylisting } from './daemon/greylisting.ts';
import { Lookups } from './daemon/lookups.ts';
import { type Materials, readMaterials } from './daemon/materials.ts';
import { IN_MEMORY, openStores } from './daemon/stores.ts';
import { openResolver, resolverServers } from './dns/open-resolver.ts';
import { type MilterFrontendParts, type MilterWishes, milterFilter } from './frontends/milter.ts';
import { History } from './history/history.ts';
import type { DecisionLog } from './log/decision-log.ts';
import type { Logger } from './log/logger.ts';
import { RateLimited } from './log/rate-limited.ts';
import { createMilter, type Milter } from './milter/index.ts';
import type { OwnCheck } from './policy/checks/standard.ts';
import { Faults } from './policy/faults.ts';
import type { Policy } from './policy/policy.ts';

export { findDecision, openExplainer } from './daemon/explainer.ts';
export { openResolver, readMaterials as checkMaterials, resolverServers };

/** What the daemon needs from whoever starts it. */
export interface DaemonDependencies {
  readonly logger: Logger;
  readonly decisions: DecisionLog;
  /** Numeric group for unix sockets; undefined: the process's. */
  readonly socketGid: number | undefined;
  /** Called once, when all sockets are bound and before the database is opened: gives up root, if that was asked for. */
  dropPrivileges(): void;
  /** Whom root becomes by that: the default folder of the database is made for them. Undefined: we stay who we are. */
  readonly successor?: Successor | undefined;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** Checks of who uses this as a library. */
  readonly checks?: readonly OwnCheck[];
}

/** A user and a group by number. */
export interface Successor {
  readonly uid: number;
  readonly gid: number;
}

export interface Daemon {
  /** Where it listens, in libmilter's spelling (`formatListenAddress`). */
  readonly listening: readonly string[];
  /** The database in use: its absolute path, or `:memory:`. */
  readonly database: string;
  /**
   * Reads all files again and swaps to the new configuration at once; rejects, with everything as it was, if something is
   * wrong with it. What can't change without a restart is warned of, and the rest applies.
   */
  reload(next: Config): Promise<void>;
  /** Stops listening, lets sessions end for 10 s at most, closes the store. */
  stop(): Promise<void>;
}

/** Milliseconds that open sessions get to end by themselves. */
const DRAIN = 10_000;

export async function startDaemon(config: Config, dependencies: DaemonDependencies): Promise<Daemon> {
  const daemon = new RunningDaemon(config, dependencies);
  await daemon.start();
  return daemon;
}

class RunningDaemon implements Daemon {
  readonly #dependencies: DaemonDependencies;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #faultLog: RateLimited;
  readonly #faults: Faults;
  readonly #lookups: Lookups;
  readonly #initial: Config;
  #config: Config;
  #greylisting: Greylisting | undefined;
  #history: History | undefined;
  #policy: Policy | undefined;
  #milter: Milter | undefined;
  #wishes: MilterWishes = {};
  #closing = false;
  /** Settles when the last reload has. */
  #reloads: Promise<void> = Promise.resolve();
  listening: readonly string[] = [];
  database = '';

  constructor(config: Config, dependencies: DaemonDependencies) {
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock ?? systemClock;
    this.#timers = dependencies.timers ?? systemTimers;
    this.#faultLog = new RateLimited({ logger: dependencies.logger, timers: this.#timers });
    this.#faults = new Faults(this.#faultLog);
    this.#lookups = new Lookups({
      clock: this.#clock,
      timers: this.#timers,
      logger: dependencies.logger,
      linger: DRAIN,
    });
    this.#initial = config;
    this.#config = config;
  }

  async start(): Promise<void> {
    const config = this.#initial;
    const materials = await readMaterials(config);
    const ready = Promise.withResolvers<void>();
    const milter = this.#createMilter(ready.promise, materials);
    this.#milter = milter;
    try {
      const owner = { mode: config.socketMode, ...pick('gid', this.#dependencies.socketGid) };
      for (const socket of config.socket) this.listening = [...this.listening, await milter.listen(socket, owner)];
      const path = await this.#findDatabase(config);
      this.#dependencies.dropPrivileges();
      const deps = { clock: this.#clock, timers: this.#timers, logger: this.#dependencies.logger, log: this.#faultLog };
      const { history, ...stores } = await openStores(path, config, deps);
      this.#greylisting = new Greylisting({ ...stores, ...deps });
      this.#history = history && new History({ ...deps, store: history, size: () => this.#config.history });
      this.database = path;
      this.#use(materials);
      ready.resolve();
    } catch (error) {
      await this.#close(0);
      throw error;
    }
  }

  reload(next: Config): Promise<void> {
    // One after the other, or the one whose files take longer would win over the later one.
    const reloaded = this.#reloads.then(() => this.#reload(next));
    this.#reloads = reloaded.catch(() => {}); // told to who asked for it
    return reloaded;
  }

  async #reload(next: Config): Promise<void> {
    const materials = await readMaterials(next);
    if (this.#closing) throw new Error('the daemon is stopping: nothing is put in force any more');
    this.#use(materials);
    for (const option of needingRestart(this.#initial, next)) {
      this.#dependencies.logger.warn(`a changed ${option} takes effect at the next start; the rest applies now`, {
        option,
      });
    }
  }

  stop(): Promise<void> {
    return this.#close(DRAIN);
  }

  async #close(drain: number): Promise<void> {
    this.#closing = true;
    await this.#milter?.close({ drain });
    await this.#lookups.close();
    await this.#history?.close();
    await this.#greylisting?.close();
    this.#faultLog.close();
  }

  /** The path of the database, or `:memory:`. Its default folder is there afterwards. */
  async #findDatabase({ database }: Config): Promise<string> {
    if (database === IN_MEMORY) return database;
    const { databasePath } = await import('./stores/database-path.ts');
    return databasePath(database, this.#dependencies.successor);
  }

  /** Puts a configuration in force. Nothing in here can fail: what could was done before. */
  #use(materials: Materials): void {
    const [clock, timers, faults] = [this.#clock, this.#timers, this.#faults];
    const greylisting = (this.#greylisting as Greylisting).use(materials.config);
    this.#policy = assemblePolicy(materials, {
      ...greylisting,
      ...this.#lookups.use(materials),
      own: this.#dependencies.checks,
      clock,
      timers,
      faults,
    });
    // What is asked of the MTA may have changed: new connections negotiate anew.
    if (!same(this.#wishesOf(materials), this.#wishes)) {
      this.#wishes = this.#wishesOf(materials);
      this.#milter?.use(milterFilter(this.#frontend(), this.#wishes));
    }
    this.#config = materials.config;
    this.#history?.resized();
  }

  /** What is asked of the MTA. */
  #wishesOf({ macros, spf }: Materials): MilterWishes {
    const own = (this.#dependencies.checks ?? []).map(({ check }) => check);
    return {
      macros: [...new Set([...macros, ...own.flatMap(check => check.macros ?? [])])],
      answerMail: spf !== undefined || own.some(check => check.begin !== undefined),
    };
  }

  /** @param ready settles when the policy is there */
  #frontend(ready?: Promise<void>): MilterFrontendParts {
    const { decisions } = this.#dependencies;
    return {
      policy: () => this.#policy as Policy,
      ready: () => (this.#policy === undefined ? ready : undefined),
      record: decision => {
        decisions.write(decision);
        this.#history?.add(decision);
      },
      settled: (session, verdict) => decisions.settled(session, verdict),
      onFault: (error, stage) =>
        this.#faultLog.error(`frontend ${stage}`, `the frontend failed at ${stage}`, { error: String(error) }),
      // A peer that we hang up on is not served at all: who only needed help must not hide it for a minute.
      onProtocolError: (message, fatal) =>
        this.#faultLog.warn(`milter protocol ${fatal}`, `milter protocol: ${message}`, { closed: fatal }),
      onFailure: () => this.#config.onFailure,
    };
  }

  #createMilter(ready: Promise<void>, materials: Materials): Milter {
    this.#wishes = this.#wishesOf(materials);
    const filter = milterFilter(this.#frontend(ready), this.#wishes);
    const onRefused = (reason: string): void => {
      // Who has given up root can't remove a socket from a folder of root's.
      if (this.#closing) this.#dependencies.logger.info('a socket stays: the next start replaces it', { reason });
      else this.#faultLog.error('refused connection', reason);
    };
    return createMilter({ ...filter, onRefused, monotonic: () => this.#clock.monotonic() });
  }
}

function needingRestart(before: Config, next: Config): string[] {
  const options = ['socket', 'socketMode', 'socketGroup', 'user', 'database', 'synchronous', 'log'] as const;
  return options.filter(option => !same(before[option], next[option]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
