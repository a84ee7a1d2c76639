/**
 * The daemon in the foreground: started, told of signals, stopped. SIGHUP reads lists and configuration again; SIGTERM and
 * SIGINT stop it and let sessions end; a second one ends it at once.
 */
import { constants } from 'node:os';
import type { Config } from '../config/config.ts';
import type { Daemon, DaemonDependencies } from '../daemon.ts';
import { maskKeys } from '../dnsbl/secret-key.ts';
import { type Log, openLog } from '../log/log.ts';
import { describeError, exitCodeOf } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { dropPrivileges, type Identity, parseAccount, socketGid, systemAccounts } from './privileges.ts';
import { startMessage } from './start-message.ts';

/** The part of `process` that signals and faults come through. */
export interface SignalSource {
  on(event: 'SIGHUP' | 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
}

export interface ServeOptions {
  readonly process: SignalSource & { exit(code: number): void };
  readonly start: (config: Config, dependencies: DaemonDependencies) => Promise<Daemon>;
  /** Makes the configuration anew, for a reload; throws or rejects if something is wrong with it. */
  readonly reread: () => Config | Promise<Config>;
  readonly log: Log;
  readonly identity: Pick<DaemonDependencies, 'socketGid' | 'dropPrivileges' | 'successor'>;
  /** How the program was called. */
  readonly command?: string;
  /** Prints what newcomers have to know. */
  readonly print: (text: string) => void;
}

/** Longer than the daemon lets sessions end (10 s): whatever still hangs then is not waited for. */
const STOP_LIMIT = 15_000;

/** Serves until a signal ends it; resolves to the exit code. Rejects if the daemon can't start. */
export function serve(config: Config, options: ServeOptions): Promise<number> {
  return new Service(config, options).run();
}

class Service {
  readonly #config: Config;
  readonly #options: ServeOptions;
  readonly #ended: Promise<number>;
  #end: (code: number) => void = () => {};
  #daemon: Daemon | undefined;
  #stopping: NodeJS.Signals | undefined;
  #reload: 'none' | 'running' | 'wanted' = 'none';

  constructor(config: Config, options: ServeOptions) {
    this.#config = config;
    this.#options = options;
    this.#ended = new Promise(resolve => {
      this.#end = resolve;
    });
  }

  async run(): Promise<number> {
    const { process, log, print, command } = this.#options;
    process.on('exit', () => log.flush());
    process.on('SIGHUP', () => this.#hangUp());
    process.on('SIGTERM', () => this.#terminate('SIGTERM'));
    process.on('SIGINT', () => this.#terminate('SIGINT'));
    process.on('uncaughtException', error => this.#crash(error));
    process.on('unhandledRejection', error => {
      log.logger.error('a promise was rejected and nobody looked; going on', { error: trace(error) });
    });

    this.#reload = 'running'; // a SIGHUP that comes before we are up is obeyed afterwards
    this.#daemon = await this.#options.start(this.#config, {
      logger: log.logger,
      decisions: log.decisions,
      ...this.#options.identity,
    });
    if (this.#stopping) {
      void this.#stop(this.#daemon, this.#stopping);
      return this.#ended;
    }
    const { listening, database } = this.#daemon;
    const { acceptLocal } = this.#config;
    print(startMessage({ listening, database, acceptLocal, ...(command && { command }) }));
    log.lifecycle.info('started', { listening: listening.join(' '), database });
    this.#reloaded();
    return this.#ended;
  }

  #hangUp(): void {
    if (this.#stopping) return;
    const idle = this.#reload === 'none';
    this.#reload = idle ? 'running' : 'wanted';
    if (idle) void this.#runReload();
  }

  async #runReload(): Promise<void> {
    const { log, reread } = this.#options;
    try {
      const next = reread();
      await this.#daemon?.reload(next instanceof Promise ? await next : next);
      log.lifecycle.info('reloaded');
    } catch (error) {
      if (this.#stopping) return;
      for (const line of describeError(error)) log.logger.error('not reloaded', { error: maskKeys(line) });
      log.logger.error('everything stays as it was');
    }
    this.#reloaded();
  }

  /** However many SIGHUPs came meanwhile, one more reload sees what they wanted seen. */
  #reloaded(): void {
    const again = this.#reload === 'wanted' && !this.#stopping;
    this.#reload = again ? 'running' : 'none';
    if (again) void this.#runReload();
  }

  #terminate(signal: 'SIGTERM' | 'SIGINT'): void {
    const { log, process } = this.#options;
    if (this.#stopping) {
      log.lifecycle.info('ended at once by a second signal', { signal });
      process.exit(128 + constants.signals[signal]);
      return;
    }
    this.#stopping = signal;
    if (this.#daemon) void this.#stop(this.#daemon, signal);
  }

  async #stop(daemon: Daemon, signal: string): Promise<void> {
    const { log, process } = this.#options;
    log.lifecycle.info('stopping', { signal });
    const limit = setTimeout(() => {
      log.logger.error(`did not stop within ${STOP_LIMIT / 1000} s: ending`);
      process.exit(EXIT.software);
    }, STOP_LIMIT);
    let code: number = EXIT.ok;
    try {
      await daemon.stop();
      log.lifecycle.info('stopped');
    } catch (error) {
      code = exitCodeOf(error);
      log.logger.error('stopped with an error', { error: trace(error) });
    }
    clearTimeout(limit);
    this.#end(code);
  }

  /** Whatever state a fault has left, it is not one to answer mail from: the service manager starts us anew. */
  #crash(error: unknown): void {
    const { log, process } = this.#options;
    log.logger.error('fault in the program: ending', { error: trace(error) });
    process.exit(EXIT.software);
  }
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What serves in earnest: this process, the log on standard error, the start message on standard output. */
export function serveInForeground(config: Config, reread: () => Config | Promise<Config>): Promise<number> {
  const identity = process as unknown as Identity;
  const isRoot = identity.getuid() === 0;
  const accounts = systemAccounts();
  const account = config.user === undefined ? undefined : parseAccount(config.user, accounts);
  return serve(config, {
    process,
    // Loaded late: by then the signal handlers are there, and a SIGHUP no longer kills.
    start: async (...args) => (await import('../daemon.ts')).startDaemon(...args),
    reread,
    log: openLog({ logFormat: config.log.format, verbosity: config.log.verbosity }),
    identity: {
      socketGid: socketGid(config.socketGroup, isRoot, accounts),
      dropPrivileges: () => {
        if (account) dropPrivileges(account, identity);
      },
      successor: isRoot ? account : undefined,
    },
    // In a checkout there is no such command.
    ...(process.env.npm_lifecycle_event === 'start' && { command: 'npm start --' }),
    print: text => void process.stdout.write(text),
  });
}
