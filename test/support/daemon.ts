/**
 * The daemon as a user runs it: a child process of its own, with flags, a log and signals.
 */
import { fileURLToPath } from 'node:url';
import { type Child, type Exit, freePort, spawnChild } from './process.ts';
import type { Owner } from './temp-dir.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface DaemonOptions {
  /** The `-s` flag; a free TCP port of 127.0.0.1 unless told. */
  readonly socket?: string;
  /** The `--cachedb` flag; memory unless told. */
  readonly database?: string;
  /** Further flags. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** One line of the decision log, by key. */
export type LoggedDecision = Readonly<Record<string, string>>;

export class DaemonProcess {
  readonly child: Child;
  /** Where it listens, as given to `-s`. */
  readonly socket: string;

  constructor(child: Child, socket: string) {
    this.child = child;
    this.socket = socket;
  }

  /** All it has logged. */
  get log(): string {
    return this.child.stderr;
  }

  /** What it has decided until now, in the order of its log (which must be in logfmt, the default). */
  decisions(): readonly LoggedDecision[] {
    const lines = this.log.split('\n').filter(line => /(^| )action=/.test(line));
    return lines.map(line => Object.fromEntries(parseLogfmt(line)));
  }

  /** The first decision with these values, also one taken before; waits for it. */
  decision(values: LoggedDecision): Promise<LoggedDecision> {
    const fits = (decision: LoggedDecision) => Object.entries(values).every(([key, value]) => decision[key] === value);
    return this.child.printed(JSON.stringify(values), () => this.decisions().find(fits));
  }

  /** SIGHUP, and waits until the log says how it went: true if the new lists hold. */
  async reload(): Promise<boolean> {
    const from = this.child.mark();
    this.child.kill('SIGHUP');
    const [, not] = await this.child.line(/msg="?(not )?reloaded\b/, { from });
    return not === undefined;
  }

  /** SIGTERM, and waits for the end. */
  stop(): Promise<Exit> {
    return this.child.stop();
  }

  /** SIGKILL: no chance to tidy up. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.exited;
  }
}

/** Starts the daemon for an owner and waits until it listens. Rejects, with all it printed, if it does not come up. */
export async function startDaemon(owner: Owner, options: DaemonOptions = {}): Promise<DaemonProcess> {
  const { socket = `inet:${await freePort()}@127.0.0.1`, database = ':memory:', flags = [], env } = options;
  const child = spawnChild(owner, process.execPath, [entry, '-s', socket, '--cachedb', database, ...flags], {
    env: { STATE_DIRECTORY: undefined, JOURNAL_STREAM: undefined, ...env },
  });
  await child.line(/^ {2}listens at /);
  return new DaemonProcess(child, socket);
}

/** The pairs of a logfmt line. Quoted values are read as JSON strings, which is how they are written. */
function parseLogfmt(line: string): readonly (readonly [string, string])[] {
  return Array.from(line.matchAll(/([^\s=]+)=("(?:\\.|[^"\\])*"|\S*)/g), ([, key = '', value = '']) => [
    key,
    value.startsWith('"') ? String(JSON.parse(value)) : value,
  ]);
}
