/**
 * The daemon for who uses this as a library: settings in place of a file and flags, and checks of one's own (`docs/library.md`).
 */
import type { Config } from './config/config.ts';
import { type Loaded, parseSettings } from './config/load.ts';
import { ConfigError, type Problem } from './config/problem.ts';
import type { Settings } from './config/settings.ts';
import { type Daemon, type DaemonDependencies, startDaemon } from './daemon.ts';
import { openLog } from './log/log.ts';
import type { Check } from './policy/check.ts';
import { type OwnCheck, places } from './policy/checks/standard.ts';

/** Settings in the shape of the file, or a file as `loadConfig` has read it. */
export type Source = Settings | Loaded;

export interface CreateDaemonOptions extends Partial<Omit<DaemonDependencies, 'checks'>> {
  /**
   * Checks of one's own: asked behind `local`, which accepts what is ours, and in front of the rules, or in front of another
   * place, as in `{ check, before: 'dnsbl' }`.
   */
  readonly checks?: readonly (Check | OwnCheck)[];
}

/** A daemon that runs. */
export interface CreatedDaemon extends Omit<Daemon, 'reload'> {
  /**
   * Puts new settings in force, or the same ones with all files that they name read again. Rejects, with everything as it was,
   * if something is wrong with them.
   */
  reload(source?: Source): Promise<void>;
}

/**
 * Starts a daemon; resolves once it listens. What is not told otherwise is logged to standard error.
 *
 * Rejects with `ConfigError`, which has all that is wrong with the settings, and with `RangeError` for checks that can't be
 * told apart.
 */
export async function createDaemon(source: Source = {}, options: CreateDaemonOptions = {}): Promise<CreatedDaemon> {
  const checks = placed(options.checks ?? []);
  let config = configOf(source, options);
  const { format: logFormat, verbosity } = config.log;
  const log = openLog({ logFormat, verbosity });
  const { logger = log.logger, decisions = log.decisions, dropPrivileges = () => {} } = options;
  const daemon = await startDaemon(config, {
    socketGid: undefined,
    ...options,
    logger,
    decisions,
    dropPrivileges,
    checks,
  });
  return {
    listening: daemon.listening,
    database: daemon.database,
    async reload(next) {
      const wanted = next === undefined ? config : configOf(next, options);
      await daemon.reload(wanted);
      config = wanted;
    },
    async stop() {
      await daemon.stop();
      log.flush();
    },
  };
}

function configOf(source: Source, { dropPrivileges, socketGid }: CreateDaemonOptions): Config {
  const config = isLoaded(source) ? source.config : parseSettings(source);
  const place = (isLoaded(source) && source.file) || 'configuration';
  const problems: Problem[] = [];
  const expect = (key: 'user' | 'socketGroup', option: keyof CreateDaemonOptions, isGiven: boolean): void => {
    if (config[key] === undefined || isGiven) return;
    const message = `${key}: '${config[key]}': a library looks up no accounts: expected the option ${option} beside it`;
    problems.push({ place, message });
  };
  expect('user', 'dropPrivileges', dropPrivileges !== undefined);
  expect('socketGroup', 'socketGid', socketGid !== undefined);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function isLoaded(source: Source): source is Loaded {
  return 'locate' in source && typeof source.locate === 'function';
}

/** Kebab-case, as all names of checks. */
const checkName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** The built-in checks, present or not: in the log one could not be told from the other. */
const taken: ReadonlySet<string> = new Set([
  ...['local', 'autowhite', 'correspondents', 'patience', 'suspicion'],
  ...places,
]);

function placed(checks: readonly (Check | OwnCheck)[]): readonly OwnCheck[] {
  const own = checks.map(each => ('check' in each ? each : { check: each }));
  const names = new Set<string>();
  for (const { check, before } of own) {
    const { name } = check;
    if (!checkName.test(name))
      throw new RangeError(`check '${name}': expected a name in kebab-case, such as custom-check`);
    if (taken.has(name) || names.has(name)) throw new RangeError(`check '${name}': another one has this name`);
    if (before !== undefined && !places.includes(before))
      throw new RangeError(`check '${name}': before: '${before}': expected one of ${places.join(', ')}`);
    names.add(name);
  }
  return own;
}
