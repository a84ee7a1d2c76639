/**
 * The daemon: everything built from a configuration, started, reloaded and stopped. The only place that knows the adapters.
 *
 * Order of start: lists and settings are read and checked, sockets bound, the database's folder made, privileges dropped, then the
 * database opened, so that a mistake in a file never leaves a half-started daemon and the database belongs to who works with it.
 * Whoever connects meanwhile waits.
 */

import { hostname } from 'node:os';
import { type Clock, systemClock, systemTimers, type Timers } from './clock.ts';
import type { Config, DnsblConfig } from './config/config.ts';
import { openResolver, resolverServers } from './dns/open-resolver.ts';
import type { Resolver } from './dns/resolver.ts';
import type { ServerAddress } from './dns/servers.ts';
import { type Blocklists, checkBlocklists, createBlocklists } from './dnsbl/blocklists.ts';
import { maskKeys } from './dnsbl/secret-key.ts';
import { milterFilter } from './frontends/milter.ts';
import { createGreylist, type Greylist } from './greylist/greylist.ts';
import type { Store } from './greylist/store.ts';
import { checkTiming } from './greylist/timing.ts';
import { type AddressList, loadAddressLists } from './lists/address-list.ts';
import type { DecisionLog } from './log/decision-log.ts';
import type { Logger } from './log/logger.ts';
import { RateLimited } from './log/rate-limited.ts';
import { createMilter, type Milter } from './milter/index.ts';
import { dnsblCheck } from './policy/checks/dnsbl.ts';
import { standardChecks } from './policy/checks/standard.ts';
import { Faults } from './policy/faults.ts';
import { createPolicy, type Policy } from './policy/policy.ts';
import { compileReplies, type Replies } from './policy/replies.ts';
import { VERSION } from './version.ts';

export { openResolver, resolverServers };

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

/** What a configuration is worked out to; swapped as a whole. */
interface Materials {
  readonly config: Config;
  readonly lists: Readonly<Record<'whitelist' | 'blacklist', AddressList>>;
  readonly replies: Replies;
  /** The DNS servers to ask; read afresh from the system if none are configured. */
  readonly servers: readonly ServerAddress[];
}

/** The blocklists in force, and what they were made from. */
interface Blocking {
  readonly origin: readonly [DnsblConfig, readonly ServerAddress[]];
  readonly resolver: Resolver;
  readonly blocklists: Blocklists;
}

class RunningDaemon implements Daemon {
  readonly #dependencies: DaemonDependencies;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #faultLog: RateLimited;
  readonly #faults: Faults;
  readonly #initial: Config;
  #config: Config;
  #store: Store | undefined;
  #greylist: Greylist | undefined;
  #blocking: Blocking | undefined;
  #policy: Policy | undefined;
  #milter: Milter | undefined;
  #closing = false;
  listening: readonly string[] = [];
  database = '';

  constructor(config: Config, dependencies: DaemonDependencies) {
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock ?? systemClock;
    this.#timers = dependencies.timers ?? systemTimers;
    this.#faultLog = new RateLimited({ logger: dependencies.logger, timers: this.#timers });
    this.#faults = new Faults(this.#faultLog);
    this.#initial = config;
    this.#config = config;
  }

  async start(): Promise<void> {
    const config = this.#initial;
    const materials = await read(config);
    const ready = Promise.withResolvers<void>();
    const milter = this.#createMilter(ready.promise);
    this.#milter = milter;
    try {
      const owner = { mode: config.socketMode, ...pick('gid', this.#dependencies.socketGid) };
      for (const socket of config.sockets) this.listening = [...this.listening, await milter.listen(socket, owner)];
      const path = await this.#findDatabase(config);
      this.#dependencies.dropPrivileges();
      this.#store = await this.#openStore(path, config);
      this.database = path;
      this.#use(materials);
      ready.resolve();
    } catch (error) {
      await this.#close(0);
      throw error;
    }
  }

  async reload(next: Config): Promise<void> {
    const materials = await read(next);
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
    this.#greylist?.close();
    await endBlocking(this.#blocking);
    await this.#store?.close();
  }

  /** The path of the database, or `:memory:`. Its default folder is there afterwards. */
  async #findDatabase({ cachedb }: Config): Promise<string> {
    if (cachedb === ':memory:') return cachedb;
    const { databasePath } = await import('./stores/database-path.ts');
    return databasePath(cachedb, this.#dependencies.successor);
  }

  async #openStore(path: string, { synchronous }: Config): Promise<Store> {
    if (path === ':memory:') {
      const { createMemoryStore } = await import('./stores/memory-store.ts');
      return createMemoryStore();
    }
    const { openSqliteStore } = await import('./stores/sqlite-store.ts');
    const { logger } = this.#dependencies;
    return openSqliteStore({ path, synchronous, clock: this.#clock, timers: this.#timers, logger });
  }

  /** Puts a configuration in force. Nothing in here can fail: what could was done before. */
  #use({ config, lists, replies, servers }: Materials): void {
    const store = this.#store as Store;
    const { logger } = this.#dependencies;
    const greylist = this.#greylist;
    if (greylist === undefined || !same(config.greylist, this.#config.greylist)) {
      greylist?.close();
      this.#greylist = createGreylist({
        store,
        clock: this.#clock,
        timers: this.#timers,
        timing: config.greylist,
        prefixes: config.greylist,
        logger,
      });
    }
    const blocking = this.#block(config.dnsbl, servers);
    this.#policy = createPolicy({
      checks: standardChecks({
        localAccepts: config.localAccepts,
        whitelist: lists.whitelist,
        blacklist: lists.blacklist,
        exempt: config.exemptLocalParts,
        ...(blocking && { dnsbl: dnsblCheck({ ...blocking.blocklists, reject: config.dnsbl.reject }) }),
        replies,
      }),
      greylist: this.#greylist as Greylist,
      replies,
      onFailure: config.onFailure,
      originating: config.originatingDaemons,
      author: { product: `${config.name}/${VERSION.split('.', 2).join('.')}`, host: hostname() },
      clock: this.#clock,
      timers: this.#timers,
      faults: this.#faults,
    });
    this.#config = config;
  }

  /** The blocklists for a configuration: those in force if nothing has changed, so that votes and health outlive a reload. */
  #block(config: DnsblConfig, servers: readonly ServerAddress[]): Blocking | undefined {
    const origin = [config, servers] as const;
    const before = this.#blocking;
    if (before !== undefined && config.debugFile === undefined && same(before.origin, origin)) return before;
    this.#blocking = undefined;
    if (before !== undefined) this.#timers.after(DRAIN, () => void endBlocking(before));
    if (config.zones.length === 0) return undefined;
    const { logger } = this.#dependencies;
    const common = { clock: this.#clock, timers: this.#timers };
    const resolver = openResolver({ ...common, servers, debugFile: config.debugFile, redact: maskKeys, logger });
    const blocklists = createBlocklists(config, { ...common, resolver, random: Math.random, log: logger });
    void blocklists.start();
    this.#blocking = { origin, resolver, blocklists };
    return this.#blocking;
  }

  #createMilter(ready: Promise<void>): Milter {
    const { decisions } = this.#dependencies;
    const filter = milterFilter({
      policy: () => this.#policy as Policy,
      ready: () => (this.#policy === undefined ? ready : undefined),
      record: decision => decisions.write(decision),
      settled: (session, verdict) => decisions.settled(session, verdict),
      onFault: (error, stage) =>
        this.#faultLog.error(`frontend ${stage}`, `the frontend failed at ${stage}`, { error: String(error) }),
      onProtocolError: (message, fatal) =>
        this.#faultLog.warn('milter protocol', `milter protocol: ${message}`, { closed: fatal }),
      onFailure: () => this.#config.onFailure,
    });
    const onRefused = (reason: string): void => {
      // Who has given up root can't remove a socket from a folder of root's.
      if (this.#closing) this.#dependencies.logger.info('a socket stays: the next start replaces it', { reason });
      else this.#faultLog.error('refused connection', reason);
    };
    return createMilter({ ...filter, onRefused, monotonic: () => this.#clock.monotonic() });
  }
}

/** Reads and checks all that a configuration names. Rejects if anything is wrong with it. */
async function read(config: Config): Promise<Materials> {
  checkTiming(config.greylist);
  const lists = await loadAddressLists({ whitelist: config.whitelistFiles, blacklist: config.blacklistFiles });
  checkBlocklists(config.dnsbl);
  const servers = resolverServers(config.dnsbl.resolvers);
  return { config, lists, replies: compileReplies(), servers };
}

/** Messages that began under the old blocklists may still ask them: their resolver closes later. */
async function endBlocking(blocking: Blocking | undefined): Promise<void> {
  blocking?.blocklists.stop();
  await blocking?.resolver.close();
}

function needingRestart(before: Config, next: Config): string[] {
  const options = [
    'sockets',
    'socketMode',
    'socketGroup',
    'user',
    'cachedb',
    'synchronous',
    'logFormat',
    'verbosity',
  ] as const;
  return options.filter(option => !same(before[option], next[option]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
